// Package jobs tells how long work is going.
package jobs

import (
	"net/http"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
)

// Routes are the operations of jobs.
func Routes(p *platform.Platform) []edge.Route {
	s := job.New(p.Table, p.IDs, p.Now)
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "jobs.get", Method: http.MethodGet, Path: "/v1/jobs/{id}", Access: edge.Self(),
			Summary: "Tells how a job is going: one that the caller asked for, or any of the tenant for those who administer it.",
		}, get(s)),
		edge.Handle(edge.Route{
			Operation: "jobs.list", Method: http.MethodGet, Path: "/v1/jobs", Access: edge.May(policy.ModTenant, policy.Update), List: true,
			Summary: "Lists the tenant's jobs, newest first. Done ones are kept for 30 days, failed ones until they are dealt with.",
		}, list(s)),
	}
}
