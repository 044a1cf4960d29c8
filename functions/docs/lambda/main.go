// Command lambda serves the description of the API, one operation a process. It knows no other route and no adapter.
package main

import (
	"github.com/steward-crm/steward/functions/docs"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

func main() {
	lambda.Main(lambda.HTTP(func(*platform.Platform) []edge.Route { return docs.Routes() }))
}
