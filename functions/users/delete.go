package users

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/user"
)

func remove(s *user.Store, h user.Holdings) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
		uid, err := edge.PathID[id.User](r, "id")
		if err != nil {
			return nil, err
		}
		return nil, s.Delete(ctx, r.Who, r.Change, uid, r.IfMatch, h)
	}
}
