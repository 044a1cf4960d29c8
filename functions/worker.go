package functions

import (
	"github.com/steward-crm/steward/functions/messages"
	"github.com/steward-crm/steward/functions/work"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
)

// Worker runs every job of the product, those that send and those that do not: for a process that has all parts.
func Worker(p *platform.Platform) *job.Worker {
	w := work.Worker(p)
	w.HandleAll(messages.Runners(p)...)
	return w
}
