package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/steward-crm/steward/shared/table"
)

// Get implements table.Table.
func (s *Store) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if err := table.CheckGet(keys); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err)
	}
	switch len(keys) {
	case 0:
		return nil, nil
	case 1:
		return s.getOne(ctx, &keys[0])
	}
	found := make(map[table.Key]table.Item, len(keys))
	if err := s.getMany(ctx, keys, found); err != nil {
		return nil, err
	}
	out := make([]table.Item, 0, len(found))
	for i := range keys {
		if it, ok := found[keys[i]]; ok {
			out = append(out, it)
		}
	}
	return out, nil
}

func (s *Store) getOne(ctx context.Context, k *table.Key) ([]table.Item, error) {
	in := &dynamodb.GetItemInput{TableName: &s.names[k.Space], Key: keyOf(k), ConsistentRead: aws.Bool(true)}
	var out *dynamodb.GetItemOutput
	err := s.ask(ctx, func(ctx context.Context) (err error) { out, err = s.client.GetItem(ctx, in); return err })
	if err != nil {
		return nil, fold(err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	one := make([]table.Item, 1)
	if err := readItem(&one[0], k.Space, out.Item); err != nil || expired(&one[0], s.now()) {
		return nil, err
	}
	return one, nil
}

var errUnprocessed = errors.New("dynamo: keys left unprocessed again and again")

// getMany reads into found. What an answer leaves unprocessed, for want of capacity or because it holds 16 MB already, is asked for again.
func (s *Store) getMany(ctx context.Context, keys []table.Key, found map[table.Key]table.Item) error {
	left := map[string]types.KeysAndAttributes{}
	for i := range keys {
		name := s.names[keys[i].Space]
		part := left[name]
		part.ConsistentRead = aws.Bool(true)
		part.Keys = append(part.Keys, keyOf(&keys[i]))
		left[name] = part
	}
	now := s.now()
	for idle := 0; ; {
		var out *dynamodb.BatchGetItemOutput
		err := s.ask(ctx, func(ctx context.Context) (err error) {
			out, err = s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: left})
			return err
		})
		if err != nil {
			return fold(err)
		}
		before, after := count(left), count(out.UnprocessedKeys)
		for space, name := range s.names {
			for _, m := range out.Responses[name] {
				var it table.Item
				if err := readItem(&it, table.Space(space), m); err != nil {
					return err
				}
				if !expired(&it, now) {
					found[it.Key] = it
				}
			}
		}
		if after == 0 {
			return nil
		}
		for name, part := range out.UnprocessedKeys {
			part.ConsistentRead = aws.Bool(true)
			out.UnprocessedKeys[name] = part
		}
		left = out.UnprocessedKeys
		if after < before {
			idle = 0
		} else if idle++; idle >= s.attempts {
			return unavailable(errUnprocessed)
		}
		if err := s.rest(ctx, idle); err != nil {
			return unavailable(errors.Join(err, errUnprocessed))
		}
	}
}

func count(parts map[string]types.KeysAndAttributes) (n int) {
	for _, p := range parts {
		n += len(p.Keys)
	}
	return n
}
