// Command lambda runs the jobs that send: those that the queue of messages names. It makes no identity and links no client that could.
package main

import (
	"github.com/steward-crm/steward/functions/messages"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withnotify"
	"github.com/steward-crm/steward/infra/lambda/withtable"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"messages.send": func(d *lambda.Deployment) (lambda.Handler, error) {
			return lambda.RunJobs(d.Log, messages.Worker(d.Platform)), nil
		},
	}, withtable.Part(), withkeys.DataAndAudit(), withnotify.Part()))
}
