// Command lambda serves the operations of categories, one a process.
package main

import (
	"github.com/steward-crm/steward/functions/categories"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
)

func main() {
	lambda.Main(lambda.HTTP(categories.Routes, withtable.Part(), withkeys.Data(), withtokens.Part()))
}
