// Package functions is the index of the whole API.
package functions

import (
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

// All gives every route of the API, resource by resource.
func All(p *platform.Platform) []edge.Route {
	var all []edge.Route
	return all
}
