// Command lambda runs jobs: those that the queue names. It links every client that a job may need, which no other function does.
package main

import (
	"github.com/steward-crm/steward/functions/work"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withnotify"
	"github.com/steward-crm/steward/infra/lambda/withtable"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"jobs.run": func(d *lambda.Deployment) (lambda.Handler, error) {
			return lambda.RunJobs(d.Log, work.Worker(d.Platform)), nil
		},
	}, withtable.Part(), withkeys.DataAndAudit(), withidentity.Part(), withnotify.Part()))
}
