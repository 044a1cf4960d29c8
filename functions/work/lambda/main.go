// Command lambda runs the jobs that send nothing: those that the queue of jobs names.
package main

import (
	"github.com/steward-crm/steward/functions/work"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"jobs.run": func(d *lambda.Deployment) (lambda.Handler, error) {
			return lambda.RunJobs(d.Log, work.Worker(d.Platform)), nil
		},
	}, withtable.Part(), withkeys.Data(), withidentity.Part()))
}
