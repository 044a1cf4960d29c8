// Package messages is the index of the jobs that send mail and text messages: which runner runs which kind. Package work is that of the others, so
// that the binary that runs these links no identity provider, and a slow mail service holds up nothing else.
package messages

import (
	"github.com/steward-crm/steward/functions/auth"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
)

// Runners are the jobs that send, by kind. They need no identity provider.
func Runners(p *platform.Platform) []map[string]job.Runner {
	return []map[string]job.Runner{auth.Runners(p), users.MailRunners(p)}
}

// Worker runs them.
func Worker(p *platform.Platform) *job.Worker {
	w := job.NewWorker(job.New(p.Table, p.IDs, p.Now), p.Feed, p.Log)
	w.HandleAll(Runners(p)...)
	return w
}
