package dynamo

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// The attributes of an item. ttl is a reserved word of expressions, where #t stands for it.
const (
	attrPK      = "pk"     // S
	attrSK      = "sk"     // S
	attrVersion = "v"      // N
	attrExpires = "ttl"    // N, the second from which the item counts as absent; DynamoDB deletes it some time later
	attrDoc     = "doc"    // B, the very bytes
	attrMarks   = "e"      // S, a mark of each member that a condition may compare; see marks
	attrSealed  = "sealed" // B
)

type attributes = map[string]types.AttributeValue

// indexAttr are the attributes of an item's place in an index, and indexName the index over them.
var (
	indexAttr [table.G5 + 1]struct{ pk, sk string }
	indexName [table.G5 + 1]string
)

func init() {
	for n := table.G1; n <= table.G5; n++ {
		digit := strconv.Itoa(int(n))
		indexName[n] = "gsi" + digit // DynamoDB wants three letters at least
		indexAttr[n].pk, indexAttr[n].sk = "g"+digit+"pk", "g"+digit+"sk"
	}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func keyOf(k *table.Key) attributes { return attributes{attrPK: str(k.PK), attrSK: str(k.SK)} }

// expirySecond rounds up: an item must not vanish before its time.
func expirySecond(t time.Time) int64 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return max(s, 1)
}

func expired(it *table.Item, now time.Time) bool {
	return !it.Expires.IsZero() && it.Expires.Unix() <= now.Unix()
}

func corrupt(cause error) error {
	return fault.New(fault.Internal, "table_corrupt").Because(cause)
}

// readItem reads a whole item into an empty one. An attribute that this version does not write is a newer version's: the fault is
// Unavailable, for that version can still read it.
func readItem(it *table.Item, space table.Space, m attributes) error {
	it.Space = space
	var at [table.G5 + 1]table.IndexKey // a map is slow to fill piece by piece
	var n int64
	for name, value := range m {
		ok := true
		switch name {
		case attrPK:
			it.PK, ok = readString(value)
		case attrSK:
			it.SK, ok = readString(value)
		case attrVersion:
			it.Version, ok = readNumber(value)
		case attrExpires:
			n, ok = readNumber(value)
			it.Expires = time.Unix(n, 0).UTC()
		case attrDoc:
			it.Doc, ok = readBytes(value)
		case attrSealed:
			it.Sealed, ok = readBytes(value)
		case attrMarks:
		default:
			x, isSK := indexOf(name)
			if x == table.Base {
				return unavailable(fmt.Errorf("dynamo: attribute %q is of a newer version", name))
			}
			part := &at[x].PK
			if isSK {
				part = &at[x].SK
			}
			*part, ok = readString(value)
		}
		if !ok {
			return corrupt(fmt.Errorf("dynamo: attribute %q of type %T", name, value))
		}
	}
	if it.PK == "" || it.SK == "" || it.Version < 1 {
		return corrupt(errors.New("dynamo: an item without its key or version"))
	}
	return place(it, &at)
}

// place fills the item's index keys in.
func place(it *table.Item, at *[table.G5 + 1]table.IndexKey) error {
	n := 0
	for x := range at {
		if (at[x].PK == "") != (at[x].SK == "") {
			return corrupt(fmt.Errorf("dynamo: half a place in index %s", indexName[x]))
		}
		if at[x].PK != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	it.Index = make(map[table.Index]table.IndexKey, n)
	for x := range at {
		if at[x].PK != "" {
			it.Index[table.Index(x)] = at[x]
		}
	}
	return nil
}

// indexOf tells the index of an attribute g1pk to g5sk; Base: it is none.
func indexOf(name string) (x table.Index, isSK bool) {
	if len(name) != 4 || name[0] != 'g' || name[1] < '1' || name[1] > '5' || name[3] != 'k' || name[2] != 'p' && name[2] != 's' {
		return table.Base, false
	}
	return table.Index(name[1] - '0'), name[2] == 's'
}

// readEntry reads what a query of an index answers for one item.
func readEntry(it *table.Item, x table.Index, m attributes) error {
	var ok [4]bool
	it.PK, ok[0] = readString(m[attrPK])
	it.SK, ok[1] = readString(m[attrSK])
	it.At.PK, ok[2] = readString(m[indexAttr[x].pk])
	it.At.SK, ok[3] = readString(m[indexAttr[x].sk])
	if ok != [4]bool{true, true, true, true} {
		return corrupt(fmt.Errorf("dynamo: an entry of index %s without its keys", indexName[x]))
	}
	return nil
}

func readString(v types.AttributeValue) (string, bool) {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return "", false
	}
	return s.Value, true
}

// readBytes answers nil for no bytes, and else the SDK's own memory.
func readBytes(v types.AttributeValue) ([]byte, bool) {
	b, ok := v.(*types.AttributeValueMemberB)
	if !ok || len(b.Value) == 0 {
		return nil, ok
	}
	return b.Value, true
}

func readNumber(v types.AttributeValue) (int64, bool) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	return i, err == nil
}
