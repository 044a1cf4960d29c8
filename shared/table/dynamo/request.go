package dynamo

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// form is what a commit's request holds of the time. DynamoDB takes a token's second request for a replay only when it is the same to the
// letter, so the time in it must not run on with the clock: a request names the end of the minute, and lets a stored item count as present when
// it lives beyond that. Items that end within the minute fail such a condition; judge sees that they live still, and the request goes
// out again in the form loose, which asks for no expiry. Absent holds no time: judge removes what has expired.
type form int64

const (
	loose  form = 0
	minute form = 60
)

func formAt(now time.Time) form { return (form(now.Unix())/minute + 1) * minute }

// forms are all that a commit of these writes can have had within a token's life, the likely first: of other processes too, whose clocks may
// be a little ahead.
func forms(now time.Time) []form {
	f := formAt(now)
	out := []form{f, loose}
	for back := minute; back <= form(table.TokenLife/time.Second); back += minute {
		out = append(out, f-back)
	}
	return append(out, f+minute)
}

// request is a commit on its way.
type request struct {
	token  string
	writes []table.Write
	marks  []string // of each put's doc
	timed  bool     // some condition depends on the time
	astray bool     // a copy of it was sent that nobody knows the end of
}

// newRequest answers the faults record_too_large and commit_too_large for what only here is too large: the marks of a doc count too.
func newRequest(writes []table.Write) (*request, error) {
	r := &request{writes: writes, marks: make([]string, len(writes))}
	total := 0
	for i := range writes {
		w := &writes[i]
		r.timed = r.timed || w.If.Kind > table.CondAbsent
		if w.Op != table.OpPut {
			total += len(w.Item.PK) + len(w.Item.SK)
			continue
		}
		r.marks[i] = marks(w.Item.Doc)
		n := weight(&w.Item, r.marks[i])
		if n > table.MaxItem {
			return nil, tooLarge("record_too_large", table.MaxItem, n)
		}
		total += n
	}
	if total > table.MaxCommit {
		return nil, tooLarge("commit_too_large", table.MaxCommit, total)
	}
	return r, nil
}

func tooLarge(code string, most, size int) error {
	return fault.New(fault.Invalid, code, "max", strconv.Itoa(most), "size", strconv.Itoa(size))
}

// token makes the 36 letters that DynamoDB takes; turn counts those that are made of one token of ours. Tokens are an AWS account's, in
// which there may be several deployments.
func (s *Store) token(token string, turn int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s", s.names[table.Data], turn, token))
	return base64.RawURLEncoding.EncodeToString(h[:27])
}

func (s *Store) input(r *request, f form) *dynamodb.TransactWriteItemsInput {
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(r.token), TransactItems: make([]types.TransactWriteItem, len(r.writes))}
	for i := range r.writes {
		w, x := &r.writes[i], &in.TransactItems[i]
		e := expression{values: attributes{}}
		cond := e.condition(w, f)
		name := &s.names[w.Item.Space]
		key := keyOf(&w.Item.Key)
		const old = types.ReturnValuesOnConditionCheckFailureAllOld
		switch w.Op {
		case table.OpPut:
			if w.If.Kind == table.CondAbsent {
				// A new item is put, never updated, so that a role can be allowed to add to the audit and not to change it.
				x.Put = &types.Put{
					TableName: name, Item: newItem(&w.Item, r.marks[i]), ConditionExpression: cond, ReturnValuesOnConditionCheckFailure: old,
				}
				continue
			}
			update := e.update(&w.Item, r.marks[i])
			x.Update = &types.Update{
				TableName: name, Key: key, UpdateExpression: &update, ConditionExpression: cond,
				ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.bound(), ReturnValuesOnConditionCheckFailure: old,
			}
		case table.OpDelete:
			x.Delete = &types.Delete{
				TableName: name, Key: key, ConditionExpression: cond,
				ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.bound(), ReturnValuesOnConditionCheckFailure: old,
			}
		case table.OpCheck:
			x.ConditionCheck = &types.ConditionCheck{
				TableName: name, Key: key, ConditionExpression: cond,
				ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.bound(), ReturnValuesOnConditionCheckFailure: old,
			}
		}
	}
	return in
}

// burn is a transaction that does nothing and uses up the token: a check of an item where nothing lies, which always holds.
func (s *Store) burn(r *request) *dynamodb.TransactWriteItemsInput {
	nothing := table.Check(table.Key{PK: s.nowhere, SK: r.token}, table.Always)
	return s.input(&request{token: r.token, writes: []table.Write{nothing}}, loose)
}

// expression gathers what one write's expressions refer to. DynamoDB refuses what is bound and not used.
type expression struct {
	values attributes
	ttl    bool // #t is used
}

func (e *expression) names() map[string]string {
	if !e.ttl {
		return nil
	}
	return map[string]string{"#t": attrExpires}
}

func (e *expression) bound() attributes {
	if len(e.values) == 0 {
		return nil
	}
	return e.values
}

func (e *expression) condition(w *table.Write, f form) *string {
	var c string
	switch w.If.Kind {
	case table.CondNone:
		if w.Op != table.OpCheck {
			return nil
		}
		c = "attribute_exists(pk) OR attribute_not_exists(pk)" // a check must have a condition
		return &c
	case table.CondAbsent:
		c = "attribute_not_exists(pk)"
		return &c
	case table.CondPresent:
		c = "attribute_exists(pk)"
	case table.CondVersion:
		c = "v = :c"
		e.values[":c"] = num(w.If.Version)
	case table.CondEquals:
		c = "contains(e, :c)"
		e.values[":c"] = str(mark(w.If.Name, w.If.Value))
	}
	if f != loose {
		c += " AND (attribute_not_exists(#t) OR #t > :h)"
		e.ttl, e.values[":h"] = true, num(int64(f))
	}
	return &c
}

// newItem is what is stored of an item that was not there.
func newItem(it *table.Item, marks string) attributes {
	m := keyOf(&it.Key)
	m[attrVersion] = num(1)
	if !it.Expires.IsZero() {
		m[attrExpires] = num(expirySecond(it.Expires))
	}
	if len(it.Doc) > 0 {
		m[attrDoc] = &types.AttributeValueMemberB{Value: it.Doc}
	}
	if marks != "" {
		m[attrMarks] = str(marks)
	}
	if len(it.Sealed) > 0 {
		m[attrSealed] = &types.AttributeValueMemberB{Value: it.Sealed}
	}
	if it.Space == table.Data {
		for x, k := range it.Index {
			m[indexAttr[x].pk], m[indexAttr[x].sk] = str(k.PK), str(k.SK)
		}
	}
	return m
}

// update stores the item whole: it sets what the item has, removes what it has not, and raises the version, all in one request.
func (e *expression) update(it *table.Item, marks string) string {
	var set, remove strings.Builder
	set.WriteString("SET v = if_not_exists(v, :z) + :o")
	e.values[":z"], e.values[":o"] = num(0), num(1)
	put := func(name, bind string, there bool, value func() types.AttributeValue) {
		if !there {
			if remove.Len() == 0 {
				remove.WriteString(" REMOVE ")
			} else {
				remove.WriteString(", ")
			}
			remove.WriteString(name)
			return
		}
		set.WriteString(", " + name + " = " + bind)
		e.values[bind] = value()
	}
	e.ttl = true
	put("#t", ":t", !it.Expires.IsZero(), func() types.AttributeValue { return num(expirySecond(it.Expires)) })
	put(attrDoc, ":d", len(it.Doc) > 0, func() types.AttributeValue { return &types.AttributeValueMemberB{Value: it.Doc} })
	put(attrMarks, ":e", marks != "", func() types.AttributeValue { return str(marks) })
	put(attrSealed, ":s", len(it.Sealed) > 0, func() types.AttributeValue { return &types.AttributeValueMemberB{Value: it.Sealed} })
	for x := table.G1; x <= table.G5 && it.Space == table.Data; x++ {
		k, there := it.Index[x]
		put(indexAttr[x].pk, ":"+indexAttr[x].pk, there, func() types.AttributeValue { return str(k.PK) })
		put(indexAttr[x].sk, ":"+indexAttr[x].sk, there, func() types.AttributeValue { return str(k.SK) })
	}
	return set.String() + remove.String()
}
