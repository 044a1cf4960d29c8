// Package onboarding tells how an onboarding is going.
package onboarding

import (
	"net/http"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/tenant"
)

// Routes are the operations of onboardings.
func Routes(p *platform.Platform) []edge.Route {
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "onboarding.get", Method: http.MethodGet, Path: "/v1/onboarding/{id}",
			Access:  edge.Public("the id is handed to the sender of the webhook alone; the answer is a status and holds no personal data"),
			Summary: "Tells how an onboarding is going: provisioning, active or failed.",
		}, get(tenant.New(tenant.Needs{Table: p.Table}))),
	}
}
