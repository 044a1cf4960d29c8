// Package withfeed names DynamoDB Streams as a function's feed: the table's stream, pulled.
package withfeed

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withaws"
	"github.com/steward-crm/steward/shared/table/dynamo/feed"
)

// Lag is by how much the stream may show a commit later than a read of the table does. AWS says "in near real time" and gives no bound
// (November 2026); a second is usual.
const Lag = 10 * time.Second

// Part opens the stream. Of each of its shards two functions may read at a time, one of which is stream.changes: no more than one function
// names this part.
func Part() lambda.Part {
	return lambda.Part{
		Vars: []lambda.Var{lambda.FeedStream},
		Open: func(d *lambda.Deployment) error {
			f, err := feed.Follow(feed.Options{
				AWS: dynamodbstreams.Options{
					Region: d.Config.Region, Credentials: withaws.Credentials(d.Config), HTTPClient: withaws.HTTP(),
					BaseEndpoint: d.Config.Endpoint("DYNAMODB_STREAMS"),
				},
				Stream: d.Config.Stream, Now: d.Now,
			})
			if err != nil {
				return err
			}
			d.Feed = f
			return nil
		},
	}
}
