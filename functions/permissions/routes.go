// Package permissions is the API of the permission catalogue: which rights there are, which of them the principal holds, and who holds rights
// that the tenant keeps apart.
package permissions

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
)

// Routes are the operations of permissions.
func Routes(p *platform.Platform) []edge.Route {
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "permissions.list", Method: http.MethodGet, Path: "/v1/permissions", Access: edge.Self(),
			Summary: "Lists every right that a role may contain: modules with their actions, scopes and fields.",
		}, list),
		edge.Handle(edge.Route{
			Operation: "permissions.check", Method: http.MethodPost, Path: "/v1/permissions/check", Access: edge.Self(),
			Summary: "Says of up to 100 pairs of module and action whether the principal may do them, and in which scope.",
		}, check),
		edge.Handle(edge.Route{
			Operation: "permissions.conflicts", Method: http.MethodGet, Path: "/v1/permissions/conflicts", Access: edge.May(policy.ModRole, policy.View),
			Summary: "Lists the rules of separation of duty that somebody breaks, each with the users who do, of many the first thousand.",
		}, conflicts(access.New(p.Table, p.Now))),
	}
}
