// Package withqueue names SQS as what carries due jobs to their workers.
package withqueue

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withaws"
)

// Part sends to the queue of jobs.
func Part() lambda.Part {
	return lambda.Part{
		Vars: []lambda.Var{lambda.JobsQueue},
		Open: func(d *lambda.Deployment) error {
			d.Queue = &queue{url: d.Config.JobsQueue, client: sqs.New(sqs.Options{
				Region: d.Config.Region, Credentials: withaws.Credentials(d.Config), HTTPClient: withaws.HTTP(), BaseEndpoint: d.Config.Endpoint("SQS"),
			})}
			return nil
		},
	}
}

type queue struct {
	client *sqs.Client
	url    string
}

func (q *queue) Wake(ctx context.Context, j lambda.Due, pause time.Duration) error {
	b, err := json.Marshal(j)
	if err != nil {
		return err
	}
	body := string(b)
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: &body, DelaySeconds: int32((min(pause, lambda.MaxPause) + time.Second - 1) / time.Second),
	})
	return err
}
