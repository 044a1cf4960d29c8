// Package functions is the index of the whole API.
package functions

import (
	"maps"
	"slices"

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
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
)

// All gives every route of the API, resource by resource, and the document that describes them.
func All(p *platform.Platform) []edge.Route {
	all := slices.Concat(
		health.Routes(),
		webhooks.Routes(p),
		onboarding.Routes(p),
		auth.Routes(p),
		me.Routes(p),
		org.Routes(p),
		users.Routes(p),
		roles.Routes(p),
		permissions.Routes(p),
		accounts.Routes(p),
		categories.Routes(p),
		jobs.Routes(p),
		audit.Routes(p),
	)
	return append(all, docs.Routes(all)...)
}

// Worker runs every job of the product.
func Worker(p *platform.Platform) *job.Worker {
	w := job.NewWorker(job.New(p.Table, p.IDs, p.Now), p.Feed, p.Log)
	for _, runners := range []map[string]job.Runner{webhooks.Runners(p), users.Runners(p), auth.Runners(p)} {
		for _, kind := range slices.Sorted(maps.Keys(runners)) {
			w.Handle(kind, runners[kind])
		}
	}
	return w
}
