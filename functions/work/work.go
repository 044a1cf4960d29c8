// Package work is the index of the jobs that send nothing: which runner runs which kind. Package messages is that of the others, so that the
// binary that runs these links no client that sends, and no page, no document and no route of other resources.
package work

import (
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
)

// Runners are the jobs that send nothing, by kind. They need no notifier.
func Runners(p *platform.Platform) []map[string]job.Runner {
	return []map[string]job.Runner{webhooks.Runners(p), users.Runners(p)}
}

// Worker runs them.
func Worker(p *platform.Platform) *job.Worker {
	w := job.NewWorker(job.New(p.Table, p.IDs, p.Now), p.Feed, p.Log)
	w.HandleAll(Runners(p)...)
	return w
}
