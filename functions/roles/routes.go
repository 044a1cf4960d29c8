// Package roles is the API of roles: the predefined ones that come with a tenant and the tenant's own.
package roles

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/preview"
	"github.com/steward-crm/steward/shared/role"
)

// Routes are the operations of roles.
func Routes(p *platform.Platform) []edge.Route {
	a := access.New(p.Table, p.Now)
	s := role.New(p.Table, a, p.Crypt)
	foretell := preview.Of(a, account.New(p.Table, p.Crypt, nil, nil)) // only compares
	view := edge.May(policy.ModRole, policy.View)
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "roles.create", Method: http.MethodPost, Path: "/v1/roles", Status: http.StatusCreated, Preview: foretell,
			Access:  edge.May(policy.ModRole, policy.Create),
			Summary: "Creates a role of the tenant's own, from scratch or as a copy of another.",
		}, create(s)),
		edge.Handle(edge.Route{
			Operation: "roles.list", Method: http.MethodGet, Path: "/v1/roles", Access: view, List: true,
			Summary: "Lists the tenant's roles, oldest first.",
		}, list(s)),
		edge.Handle(edge.Route{
			Operation: "roles.templates", Method: http.MethodGet, Path: "/v1/roles/templates", Access: view,
			Summary: "Lists what the predefined roles contain, in the language of the request.",
		}, templates),
		edge.Handle(edge.Route{
			Operation: "roles.get", Method: http.MethodGet, Path: "/v1/roles/{id}", Access: view,
			Summary: "Reads a role.",
		}, get(s)),
		edge.Handle(edge.Route{
			Operation: "roles.update", Method: http.MethodPatch, Path: "/v1/roles/{id}", Access: edge.May(policy.ModRole, policy.Update), Preview: foretell,
			Summary: "Changes a role of the tenant's own by merge patch; in force on the next request of whoever holds it.",
		}, update(s)),
		edge.Handle(edge.Route{
			Operation: "roles.preview", Method: http.MethodPost, Path: "/v1/roles/{id}/preview", Access: edge.May(policy.ModRole, policy.Update),
			Preview: foretell, Foretells: "roles.update",
			Summary: "Tells who would gain and lose what if the role were changed so, and changes nothing: as PATCH with preview=true.",
		}, update(s)),
		edge.Handle(edge.Route{
			Operation: "roles.delete", Method: http.MethodDelete, Path: "/v1/roles/{id}", Access: edge.May(policy.ModRole, policy.Delete), Preview: foretell,
			Summary: "Deletes a role of the tenant's own that no user holds and no post gives.",
		}, remove(s)),
	}
}
