// Command lambda serves the operations of audit, one a process.
package main

import (
	"github.com/steward-crm/steward/functions/audit"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
)

func main() {
	lambda.Main(lambda.HTTP(audit.Routes, withtable.Part(), withkeys.DataAndAudit(), withtokens.Part()))
}
