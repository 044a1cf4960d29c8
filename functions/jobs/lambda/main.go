// Command lambda serves the operations of jobs, one a process. What runs them is functions/work/lambda.
package main

import (
	"github.com/steward-crm/steward/functions/jobs"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
)

func main() {
	lambda.Main(lambda.HTTP(jobs.Routes, withtable.Part(), withkeys.Data(), withtokens.Part()))
}
