package roles

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/role"
)

func list(s *role.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[body]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[body]], error) {
		found, next, err := s.List(ctx, r.Who, id.Role(r.Page.After), r.Page.Limit)
		if err != nil {
			return nil, err
		}
		return edge.Listed(r, found, string(next), show, func() (int, error) { return s.Count(ctx, r.Who) })
	}
}
