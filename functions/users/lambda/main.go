// Command lambda serves the operations of users, one a process.
package main

import (
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
)

func main() {
	lambda.Main(lambda.HTTP(users.Routes, withtable.Part(), withkeys.Data(), withtokens.Part()))
}
