// Package permissions is the API of the permission catalogue: which rights there are, which of them somebody holds, and why; and who holds
// rights that the tenant keeps apart. Another user's are answered to who may read roles, on records that who asks may see.
package permissions

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
)

// Routes are the operations of permissions.
func Routes(p *platform.Platform) []edge.Route {
	a := &asker{access.New(p.Table, p.Now), account.New(p.Table, p.Crypt, nil, nil)} // accounts are only read here
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "permissions.list", Method: http.MethodGet, Path: "/v1/permissions", Access: edge.Self(),
			Summary: "Lists every right that a role may contain: modules with their actions, scopes and fields.",
		}, list),
		edge.Handle(edge.Route{
			Operation: "permissions.check", Method: http.MethodPost, Path: "/v1/permissions/check", Access: edge.Self(),
			Summary: "Says of up to 100 pairs of module and action whether the principal, or another user for who may read roles, may do them, at all or on a resource, and how far fields are open.",
		}, a.check),
		edge.Handle(edge.Route{
			Operation: "permissions.explain", Method: http.MethodPost, Path: "/v1/permissions/explain", Access: edge.Self(),
			Summary: "Explains why the principal, or another user for who may read roles, may or may not do an action, layer by layer, with the smallest changes that would turn a denial.",
		}, a.explain),
		edge.Handle(edge.Route{
			Operation: "permissions.conflicts", Method: http.MethodGet, Path: "/v1/permissions/conflicts", Access: edge.May(policy.ModRole, policy.View),
			Summary: "Lists the rules of separation of duty that somebody breaks, each with the users who do, of many the first thousand.",
		}, conflicts(a.rights)),
	}
}
