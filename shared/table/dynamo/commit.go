package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// rounds bounds how often one Commit goes out in another form or after a removal of what had expired. Two are enough unless others put and
// expire the very items meanwhile.
const rounds = 4

var errMoving = errors.New("dynamo: items expired under the commit again and again")

// turns bounds how many tokens one Commit may find burnt. A copy of the request that was given up for lost may still be on its way when a
// later copy is answered that a condition failed. Were it applied after that, the answer would have been wrong. So before that answer the
// token is burnt, by a transaction that does nothing: what arrives then is refused as another request under a used token. Who comes
// with the token again finds it burnt and goes on with the next one that is made of it.
const turns = 8

// longest is how long one Commit goes on at most: well within the time that DynamoDB remembers its token for.
const longest = table.TokenLife / 2

var errBurnt = errors.New("dynamo: the commit failed and was tried again more often than tokens are made of one")

// Commit implements table.Table. Under Always, a Put over an item that has expired and is not yet removed goes on counting its versions.
func (s *Store) Commit(ctx context.Context, token string, writes ...table.Write) error {
	if err := table.CheckCommit(token, writes); err != nil {
		return err
	}
	r, err := newRequest(writes)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for turn := range turns {
		r.token, r.astray = s.token(token, turn), false
		if burnt, err := s.commit(ctx, r); !burnt {
			return err
		}
	}
	return unavailable(errBurnt)
}

// commit sends the request under its token until it is decided, or finds the token burnt.
func (s *Store) commit(ctx context.Context, r *request) (burnt bool, err error) {
	f := formAt(s.now())
	for range rounds {
		err := s.transact(ctx, r, s.input(r, f))
		if reused(err) {
			return s.settle(ctx, r, f, err)
		}
		c, ok := errors.AsType[*types.TransactionCanceledException](err)
		if !ok || passing(err) {
			return false, fold(err)
		}
		v, err := s.judge(r, c)
		if err != nil {
			return false, err
		}
		if len(v.failed) > 0 {
			if r.astray {
				if err := s.transact(ctx, r, s.burn(r)); reused(err) {
					continue // the copy arrived just now
				} else if err != nil {
					return false, unavailable(err)
				}
			}
			return false, &table.ConditionFailed{Failed: v.failed}
		}
		for i := range v.dead {
			if err := s.remove(ctx, &v.dead[i]); err != nil {
				return false, err
			}
		}
		if v.dying {
			f = loose
		}
	}
	return false, unavailable(errMoving)
}

// transact sends one form of the commit until DynamoDB has said yes or no.
func (s *Store) transact(ctx context.Context, r *request, in *dynamodb.TransactWriteItemsInput) error {
	return s.ask(ctx, func(ctx context.Context) error {
		_, err := s.client.TransactWriteItems(ctx, in)
		r.astray = r.astray || err != nil && undecided(err)
		return err
	})
}

func reused(err error) bool {
	_, ok := errors.AsType[*types.IdempotentParameterMismatchException](err)
	return ok
}

var errForgotten = errors.New("dynamo: the token was forgotten while it was being settled")

// settle decides about a token that was used for another request: for the same writes in another form, which is a replay; to burn it; or for
// other writes.
func (s *Store) settle(ctx context.Context, r *request, tried form, why error) (burnt bool, err error) {
	if r.timed {
		for _, f := range forms(s.now()) {
			if f == tried {
				continue
			}
			err := s.transact(ctx, r, s.input(r, f))
			if _, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
				return false, unavailable(errors.Join(errForgotten, err))
			}
			if !reused(err) {
				return false, fold(err)
			}
		}
	}
	if err := s.transact(ctx, r, s.burn(r)); !reused(err) {
		return err == nil, fold(err)
	}
	return false, fault.New(fault.Internal, "token_reused").Because(why)
}

// verdict is what a cancelled transaction means. Without failed ones, it is to be sent again.
type verdict struct {
	failed []table.FailedWrite
	dead   []table.Item // expired, and in the way of Absent
	dying  bool         // a condition failed only because its item will expire within the minute
}

// judge tells the conditions that did not hold from those that only the form of the request made fail.
func (s *Store) judge(r *request, c *types.TransactionCanceledException) (v verdict, err error) {
	if len(c.CancellationReasons) != len(r.writes) {
		return v, refused(c)
	}
	now := s.now()
	for i, reason := range c.CancellationReasons {
		switch code := text(reason.Code); code {
		case "", "None":
			continue
		case "ConditionalCheckFailed":
		case "AccessDenied":
			return v, unavailable(c)
		default:
			return v, refused(fmt.Errorf("dynamo: write %d: %s: %s", i, code, text(reason.Message)))
		}
		w := &r.writes[i]
		var stored *table.Item
		if len(reason.Item) > 0 {
			stored = &table.Item{}
			if err := readItem(stored, w.Item.Space, reason.Item); err != nil {
				return v, err
			}
		}
		switch {
		case stored != nil && expired(stored, now):
			if w.If.Kind == table.CondAbsent {
				v.dead = append(v.dead, *stored)
				continue
			}
			stored = nil
		case stored != nil && holds(&w.If, stored):
			v.dying = true
			continue
		}
		v.failed = append(v.failed, table.FailedWrite{Write: i, Item: stored})
	}
	if len(v.failed) == 0 && len(v.dead) == 0 && !v.dying {
		return v, refused(c)
	}
	return v, nil
}

// holds judges a condition on an item that has not expired.
func holds(c *table.Cond, it *table.Item) bool {
	switch c.Kind {
	case table.CondPresent:
		return true
	case table.CondVersion:
		return it.Version == c.Version
	case table.CondEquals:
		return strings.Contains(marks(it.Doc), mark(c.Name, c.Value))
	default:
		return false
	}
}

// remove takes away an item that has expired, which changes nothing that anybody can see; one that was put anew meanwhile stays.
func (s *Store) remove(ctx context.Context, it *table.Item) error {
	cond := "v = :v AND #t = :t"
	in := &dynamodb.DeleteItemInput{
		TableName: &s.names[it.Space], Key: keyOf(&it.Key), ConditionExpression: &cond,
		ExpressionAttributeNames:  map[string]string{"#t": attrExpires},
		ExpressionAttributeValues: attributes{":v": num(it.Version), ":t": num(it.Expires.Unix())},
	}
	err := s.ask(ctx, func(ctx context.Context) error { _, err := s.client.DeleteItem(ctx, in); return err })
	if _, moved := errors.AsType[*types.ConditionalCheckFailedException](err); moved {
		return nil
	}
	return fold(err)
}
