// Command lambda serves the description of the API. It knows all routes and no adapter.
package main

import (
	"slices"
	"strings"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

func main() {
	lambda.Main(lambda.HTTP(func(p *platform.Platform) []edge.Route {
		return slices.DeleteFunc(functions.All(p), func(r edge.Route) bool { return !strings.HasPrefix(r.Operation, "docs.") })
	}))
}
