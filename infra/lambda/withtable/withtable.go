// Package withtable names DynamoDB as a function's table.
package withtable

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withaws"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/schema"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// Part opens both tables. Its warm read is of the schema: it pays for the connection, keeps the code from data that a newer one wrote, and
// meets missing rights, a wrong region and expired credentials before the first request does.
func Part() lambda.Part {
	return lambda.Part{
		Vars: []lambda.Var{lambda.Table, lambda.KeysTable},
		Open: func(d *lambda.Deployment) error {
			s, err := dynamo.Open(dynamo.Options{
				AWS: dynamodb.Options{
					Region: d.Config.Region, Credentials: withaws.Credentials(d.Config), HTTPClient: withaws.HTTP(), BaseEndpoint: d.Config.Endpoint("DYNAMODB"),
				},
				Data: d.Config.Table, Keys: d.Config.KeysTable, Nowhere: key.Nowhere("").PK, Now: d.Now,
			})
			if err != nil {
				return err
			}
			d.Table = s
			return nil
		},
		Warm: func(ctx context.Context, d *lambda.Deployment) error { return schema.Check(ctx, d.Table) },
	}
}

// Changes reads a batch of the Data table's stream, for lambda.Stream.
func Changes(event []byte) ([]table.Change, string, error) {
	changes, err := dynamo.ReadChanges(event)
	if unread, ok := errors.AsType[*dynamo.Unread](err); ok {
		return changes, unread.Position, err
	}
	return changes, "", err
}
