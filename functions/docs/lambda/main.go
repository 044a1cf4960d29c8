// Command lambda serves the description of the API. It knows all routes and no adapter.
package main

import (
	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

func main() {
	lambda.Main(lambda.HTTP(func(p *platform.Platform) []edge.Route { return functions.ByResource(p)["docs"] }))
}
