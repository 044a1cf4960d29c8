// Command lambda sends jobs that are due to their queues: those that waited for longer than a queue holds a message, and those whose worker
// died. It runs none, and links nothing that running one would need.
package main

import (
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withqueue"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/shared/job"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"jobs.due": func(d *lambda.Deployment) (lambda.Handler, error) {
			return lambda.WakeDue(job.New(d.Table, d.IDs, d.Now), d.Queue), nil
		},
	}, withtable.Part(), withqueue.Part()))
}
