package users

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/user"
)

func get(s *user.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[body], error) {
		uid, err := edge.PathID[id.User](r, "id")
		if err != nil {
			return nil, err
		}
		u, err := s.Get(ctx, r.Who, uid)
		if err != nil {
			return nil, err
		}
		return answer(u, r.Who), nil
	}
}
