package categories

import (
	"context"

	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func update(s *category.Store) func(context.Context, *edge.Request[category.Patch]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[category.Patch]) (*edge.Reply[body], error) {
		which, err := edge.PathID[id.Category](r, "id")
		if err != nil {
			return nil, err
		}
		return answer(s.Update(ctx, r.Who, r.Change, which, r.IfMatch, r.In))
	}
}
