package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/steward-crm/steward/shared/table"
)

// Query implements table.Table. A page is filled up when expired items leave room in it, so one may take several requests.
func (s *Store) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := table.CheckQuery(&q); err != nil {
		return table.Page{}, err
	}
	in := s.queryInput(&q)
	if q.Cursor != "" {
		last, err := readCursor(&q)
		if err != nil {
			return table.Page{}, err
		}
		in.ExclusiveStartKey = last
	}
	if err := ctx.Err(); err != nil {
		return table.Page{}, unavailable(err)
	}
	if q.To != "" && q.From > q.To { // DynamoDB would refuse it
		return table.Page{}, nil
	}
	var page table.Page
	now := s.now()
	for size := 0; ; {
		in.Limit = aws.Int32(int32(q.Limit - len(page.Items)))
		var out *dynamodb.QueryOutput
		err := s.ask(ctx, func(ctx context.Context) (err error) { out, err = s.client.Query(ctx, in); return err })
		if err != nil {
			return table.Page{}, fold(err)
		}
		if page.Items == nil {
			page.Items = make([]table.Item, 0, len(out.Items))
		}
		for _, m := range out.Items {
			n := len(page.Items)
			page.Items = append(page.Items, table.Item{})
			it := &page.Items[n]
			if err := readHit(it, &q, m); err != nil {
				return table.Page{}, err
			}
			if expired(it, now) {
				page.Items = page.Items[:n]
				continue
			}
			if size += it.Size(); size > table.MaxPage && n > 0 {
				page.Items = page.Items[:n]
				page.Cursor = makeCursor(&q, &page.Items[n-1])
				return page, nil
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			return page, nil
		}
		if len(page.Items) == q.Limit {
			page.Cursor = makeCursor(&q, &page.Items[len(page.Items)-1])
			return page, nil
		}
	}
}

func readHit(it *table.Item, q *table.Query, m attributes) error {
	if q.Index == table.Base {
		return readItem(it, table.Data, m)
	}
	return readEntry(it, q.Index, m)
}

func (s *Store) queryInput(q *table.Query) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName: &s.names[table.Data], ScanIndexForward: aws.Bool(!q.Reverse),
		ExpressionAttributeValues: attributes{":p": str(q.PK)},
	}
	pk, sk := attrPK, attrSK
	if q.Index == table.Base {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = &indexName[q.Index]
		pk, sk = indexAttr[q.Index].pk, indexAttr[q.Index].sk
	}
	cond := pk + " = :p"
	bound := func(name, value string) {
		in.ExpressionAttributeValues[name] = str(value)
	}
	switch {
	case q.Prefix != "":
		cond += " AND begins_with(" + sk + ", :b)"
		bound(":b", q.Prefix)
	case q.From != "" && q.To != "":
		cond += " AND " + sk + " BETWEEN :f AND :t"
		bound(":f", q.From)
		bound(":t", q.To)
	case q.From != "":
		cond += " AND " + sk + " >= :f"
		bound(":f", q.From)
	case q.To != "":
		cond += " AND " + sk + " <= :t"
		bound(":t", q.To)
	}
	in.KeyConditionExpression = &cond
	return in
}
