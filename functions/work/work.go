// Package work is the index of all jobs: which runner runs which kind. It stands apart from the index of the routes, so that the binary that
// runs jobs links no page, no document and no route of other resources.
package work

import (
	"maps"
	"slices"

	"github.com/steward-crm/steward/functions/auth"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
)

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
