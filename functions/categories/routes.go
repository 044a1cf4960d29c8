// Package categories is the API of categories of accounts.
package categories

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/preview"
)

// Routes are the operations of categories.
func Routes(p *platform.Platform) []edge.Route {
	rights := access.New(p.Table, p.Now)
	s := category.New(p.Table, rights, p.Crypt)
	members := account.New(p.Table, p.Crypt, nil, nil) // only counted and compared: it makes none, so it asks nobody who may own
	foretell := preview.Of(rights, members)
	may := func(a policy.Action) edge.Access { return edge.May(policy.ModCategory, a) }
	const all, one = "/v1/categories", "/v1/categories/{id}"
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "categories.create", Method: http.MethodPost, Path: all, Access: may(policy.Create), Status: http.StatusCreated, Preview: foretell,
			Summary: "Makes a category of accounts: who may put accounts into it, and to whom it opens them. Nobody grants more than they may share and do on all accounts.",
		}, create(s)),
		edge.Handle(edge.Route{
			Operation: "categories.list", Method: http.MethodGet, Path: all, Access: may(policy.View), List: true,
			Summary: "Lists the tenant's categories, oldest first.",
		}, list(s)),
		edge.Handle(edge.Route{
			Operation: "categories.get", Method: http.MethodGet, Path: one, Access: may(policy.View), Summary: "Reads a category.",
		}, get(s)),
		edge.Handle(edge.Route{
			Operation: "categories.update", Method: http.MethodPatch, Path: one, Access: may(policy.Update), Preview: foretell,
			Summary: "Changes a category by a JSON merge patch. What its grants open is open on the next request, and what they no longer open is closed.",
		}, update(s)),
		edge.Handle(edge.Route{
			Operation: "categories.delete", Method: http.MethodDelete, Path: one, Access: may(policy.Delete),
			Summary: "Deletes a category that no account is of.",
		}, remove(s, members)),
	}
}
