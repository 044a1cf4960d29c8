// Package functions is the index of the whole API.
package functions

import (
	"slices"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/audit"
	"github.com/steward-crm/steward/functions/docs"
	"github.com/steward-crm/steward/functions/health"
	"github.com/steward-crm/steward/functions/permissions"
	"github.com/steward-crm/steward/functions/roles"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

// All gives every route of the API, resource by resource, and the document that describes them.
func All(p *platform.Platform) []edge.Route {
	all := slices.Concat(
		health.Routes(),
		roles.Routes(p),
		permissions.Routes(p),
		accounts.Routes(p),
		audit.Routes(p),
	)
	return append(all, docs.Routes(all)...)
}
