// Command lambda serves the operations of webhooks, one a process.
package main

import (
	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withsecret"
	"github.com/steward-crm/steward/infra/lambda/withtable"
)

func main() {
	lambda.Main(lambda.HTTP(webhooks.Routes, withtable.Part(), withkeys.Data(), withsecret.Part()))
}
