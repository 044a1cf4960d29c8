// Command lambda takes what SES reports of mails, and notes at users which of theirs failed. It sends none.
package main

import (
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/reports"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"notify.bounces": reports.Handler,
	}, withtable.Part(), withkeys.Data()))
}
