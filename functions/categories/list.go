package categories

import (
	"context"

	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func list(s *category.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[body]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[body]], error) {
		found, next, err := s.List(ctx, r.Who, id.Category(r.Page.After), r.Page.Limit)
		if err != nil {
			return nil, err
		}
		return edge.Listed(r, found, string(next), show, func() (int, error) { return s.Count(ctx, r.Who) })
	}
}
