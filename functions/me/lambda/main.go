// Command lambda serves the operations of me, one a process.
package main

import (
	"github.com/steward-crm/steward/functions/me"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
)

func main() {
	lambda.Main(lambda.HTTP(me.Routes, withtable.Part(), withkeys.DataAndAudit(), withtokens.Part(), withidentity.Part()))
}
