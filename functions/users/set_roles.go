package users

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/user"
)

type rolesBody struct {
	Roles []id.Role `json:"roleIds"`
}

func setRoles(s *user.Store) func(context.Context, *edge.Request[rolesBody]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[rolesBody]) (*edge.Reply[body], error) {
		uid, err := edge.PathID[id.User](r, "id")
		if err != nil {
			return nil, err
		}
		u, err := s.SetRoles(ctx, r.Who, r.Change, uid, r.IfMatch, r.In.Roles)
		if err != nil {
			return nil, err
		}
		return answer(u, r.Who), nil
	}
}
