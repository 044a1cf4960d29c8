// Package functions is the index of the whole API.
package functions

import (
	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/audit"
	"github.com/steward-crm/steward/functions/auth"
	"github.com/steward-crm/steward/functions/categories"
	"github.com/steward-crm/steward/functions/docs"
	"github.com/steward-crm/steward/functions/health"
	"github.com/steward-crm/steward/functions/jobs"
	"github.com/steward-crm/steward/functions/me"
	"github.com/steward-crm/steward/functions/onboarding"
	"github.com/steward-crm/steward/functions/org"
	"github.com/steward-crm/steward/functions/permissions"
	"github.com/steward-crm/steward/functions/roles"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

// Info is the head of the OpenAPI document, which `make generate` makes of the routes.
var Info = edge.Info{
	Title:   "Steward",
	Version: "v1",
	Description: "The account desk of a CRM: users, customers, roles and who is responsible for whom. " +
		"JSON in UTF-8, camelCase, times in RFC 3339 UTC, ids with a prefix. Bodies are read strictly: unknown, duplicate or misspelt members are refused. " +
		"Refusals are problem documents (RFC 9457) with a stable code.",
}

// All gives every route of the API, resource by resource, and the document that describes them.
func All(p *platform.Platform) []edge.Route {
	by := ByResource(p)
	var all []edge.Route
	for _, resource := range resources {
		all = append(all, by[resource]...)
	}
	return all
}

// resources are in the order of the document.
var resources = []string{
	"health", "webhooks", "onboarding", "auth", "me", "org", "users", "roles", "permissions", "accounts", "categories", "jobs", "audit", "docs",
}

// ByResource gives the routes by the name of the package that declares them, which is that of the Lambda binary that serves them.
func ByResource(p *platform.Platform) map[string][]edge.Route {
	return map[string][]edge.Route{
		"health": health.Routes(), "webhooks": webhooks.Routes(p), "onboarding": onboarding.Routes(p), "auth": auth.Routes(p), "me": me.Routes(p),
		"org": org.Routes(p), "users": users.Routes(p), "roles": roles.Routes(p), "permissions": permissions.Routes(p),
		"accounts": accounts.Routes(p), "categories": categories.Routes(p), "jobs": jobs.Routes(p), "audit": audit.Routes(p), "docs": docs.Routes(),
	}
}
