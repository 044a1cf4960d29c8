package categories

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func remove(s *category.Store, members *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
		which, err := edge.PathID[id.Category](r, "id")
		if err != nil {
			return nil, err
		}
		return nil, s.Delete(ctx, r.Who, r.Change, which, r.IfMatch, members)
	}
}
