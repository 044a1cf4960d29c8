// Command lambda serves the operations of auth, one a process.
package main

import (
	"github.com/steward-crm/steward/functions/auth"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
)

func main() {
	lambda.Main(lambda.HTTP(auth.Routes, withtable.Part(), withkeys.DataAndAudit(), withtokens.Part(), withidentity.Part()))
}
