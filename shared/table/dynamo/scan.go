package dynamo

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// maxSegments is DynamoDB's limit.
const maxSegments = 1_000_000

// Scan implements table.Table. It reads strongly consistent, at twice the price: what was written before the scan began must be in a backup.
func (s *Store) Scan(ctx context.Context, segment, of int) iter.Seq2[table.Item, error] {
	return func(yield func(table.Item, error) bool) {
		if of < 1 || of > maxSegments || segment < 0 || segment >= of {
			yield(table.Item{}, fault.New(fault.Internal, "query_malformed"))
			return
		}
		in := &dynamodb.ScanInput{
			TableName: &s.names[table.Data], ConsistentRead: aws.Bool(true), Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(int32(of)),
		}
		for {
			var out *dynamodb.ScanOutput
			err := s.ask(ctx, func(ctx context.Context) (err error) { out, err = s.client.Scan(ctx, in); return err })
			if err != nil {
				yield(table.Item{}, fold(err))
				return
			}
			now := s.now()
			for _, m := range out.Items {
				var it table.Item
				if err := readItem(&it, table.Data, m); err != nil {
					yield(table.Item{}, err)
					return
				}
				if !expired(&it, now) && !yield(it, nil) {
					return
				}
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
				return
			}
		}
	}
}
