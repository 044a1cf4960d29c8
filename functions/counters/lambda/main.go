// Command lambda carries the counts of accounts on, from the stream of the table.
package main

import (
	"context"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withfeed"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/shared/account"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"counters.advance": func(d *lambda.Deployment) (lambda.Handler, error) {
			counters := account.NewCounters(d.Table, d.Feed).Lagging(withfeed.Lag, nil)
			return lambda.Scheduled(func(ctx context.Context) error { return counters.Work(ctx, d.Now) }), nil
		},
	}, withtable.Part(), withfeed.Part()))
}
