// Command lambda answers whether functions run at all. It asks no port and needs no right.
package main

import (
	"github.com/steward-crm/steward/functions/health"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

func main() {
	lambda.Main(lambda.HTTP(func(*platform.Platform) []edge.Route { return health.Routes() }))
}
