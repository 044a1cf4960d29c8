package categories

import (
	"context"

	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func get(s *category.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[body], error) {
		which, err := edge.PathID[id.Category](r, "id")
		if err != nil {
			return nil, err
		}
		return answer(s.Get(ctx, r.Who, which))
	}
}
