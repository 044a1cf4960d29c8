// Package permissions is the API of the permission catalogue: which rights there are, and which of them the principal holds.
package permissions

import (
	"net/http"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

// Routes are the operations of permissions.
func Routes(*platform.Platform) []edge.Route {
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "permissions.list", Method: http.MethodGet, Path: "/v1/permissions", Access: edge.Self(),
			Summary: "Lists every right that a role may contain: modules with their actions, scopes and fields.",
		}, list),
		edge.Handle(edge.Route{
			Operation: "permissions.check", Method: http.MethodPost, Path: "/v1/permissions/check", Access: edge.Self(),
			Summary: "Says of up to 100 pairs of module and action whether the principal may do them, and in which scope.",
		}, check),
	}
}
