package roles

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/role"
)

func remove(s *role.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
		rid, err := edge.PathID[id.Role](r, "id")
		if err != nil {
			return nil, err
		}
		return nil, s.Delete(ctx, r.Who, r.Change, rid, r.IfMatch)
	}
}
