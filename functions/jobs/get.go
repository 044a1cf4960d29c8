package jobs

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/policy"
)

func get(s *job.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[work], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[work], error) {
		j, err := edge.PathID[id.Job](r, "id")
		if err != nil {
			return nil, err
		}
		found, err := s.Get(ctx, r.Who.Tenant, j)
		if err != nil {
			return nil, err
		}
		if found.Creator != r.Who.User && policy.May(r.Who, policy.ModTenant, policy.Update) == policy.None {
			return nil, fault.New(fault.NotFound, "not_found") // as if it were unknown
		}
		return &edge.Reply[work]{Body: show(found)}, nil
	}
}
