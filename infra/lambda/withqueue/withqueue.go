// Package withqueue names SQS as what carries due jobs to their workers: one queue for each worker.
package withqueue

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/queues"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withaws"
)

// Part sends to the queues of jobs.
func Part() lambda.Part {
	return lambda.Part{
		Vars: []lambda.Var{lambda.JobsQueue, lambda.MessagesQueue},
		Open: func(d *lambda.Deployment) error {
			d.Queue = &queue{
				urls: map[queues.Queue]string{queues.Jobs: d.Config.JobsQueue, queues.Messages: d.Config.MessagesQueue},
				client: sqs.New(sqs.Options{
					Region: d.Config.Region, Credentials: withaws.Credentials(d.Config), HTTPClient: withaws.HTTP(), BaseEndpoint: d.Config.Endpoint("SQS"),
				}),
			}
			return nil
		},
	}
}

type queue struct {
	client *sqs.Client
	urls   map[queues.Queue]string
}

func (q *queue) Wake(ctx context.Context, kind string, j lambda.Due, pause time.Duration) error {
	b, err := json.Marshal(j)
	if err != nil {
		return err
	}
	body, url := string(b), q.urls[queues.Of(kind)]
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &body, DelaySeconds: int32((min(pause, lambda.MaxPause) + time.Second - 1) / time.Second),
	})
	return err
}
