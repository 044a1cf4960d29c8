package jobs

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/job"
)

func list(s *job.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[work]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[work]], error) {
		found, next, err := s.List(ctx, r.Who.Tenant, r.Page.Limit, r.Page.After)
		if err != nil {
			return nil, err
		}
		items := make([]work, len(found))
		for i, j := range found {
			items[i] = show(j)
		}
		return &edge.Reply[edge.List[work]]{Body: edge.List[work]{Items: items}, Next: next}, nil
	}
}
