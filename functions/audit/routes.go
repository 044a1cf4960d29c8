// Package audit is the API of the audit: events by actor, target and time, the signed checkpoint of the tenant's log, and its verification.
package audit

import (
	"context"
	"net/http"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
)

// Routes are the operations of the audit.
func Routes(p *platform.Platform) []edge.Route {
	trail := audit.NewLog(p.Table, p.Feed, p.Keys)
	view := edge.May(policy.ModAudit, policy.View)
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "audit.list", Method: http.MethodGet, Path: "/v1/audit", Access: view, List: true,
			Summary: "Lists audit events, newest first, by actor, target, action, outcome and time.",
			Query: []edge.Param{
				{Name: "actor", Description: "id of the user who acted, or system"},
				{Name: "target", Description: "id of what was acted on"},
				{Name: "action", Description: "operation, such as accounts.create"},
				{Name: "outcome", Description: "done or denied", Enum: []string{string(audit.Done), string(audit.Denied)}},
				{Name: "from", Description: "earliest time, RFC 3339"},
				{Name: "to", Description: "latest time, RFC 3339"},
			},
		}, list(p)),
		edge.Handle(edge.Route{
			Operation: "audit.checkpoint", Method: http.MethodGet, Path: "/v1/audit/checkpoint", Access: view,
			Summary: "Reads the signed head of the tenant's numbered audit log.",
		}, func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[audit.Head], error) {
			h, err := trail.Head(ctx, r.Who.Tenant)
			return &edge.Reply[audit.Head]{Body: h}, err
		}),
		edge.Handle(edge.Route{
			Operation: "audit.verify", Method: http.MethodPost, Path: "/v1/audit/verify", Access: view,
			Summary: "Verifies the tenant's whole audit log against the events as they are stored now, and says how many of the newest have no number yet.",
		}, func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[audit.Verdict], error) {
			v, err := trail.Verify(ctx, r.Who.Tenant, r.Who.Org.CreatedAt, p.Now())
			return &edge.Reply[audit.Verdict]{Body: v}, err
		}),
	}
}
