package roles

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/role"
)

func get(s *role.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[body], error) {
		rid, err := edge.PathID[id.Role](r, "id")
		if err != nil {
			return nil, err
		}
		found, err := s.Get(ctx, r.Who, rid)
		if err != nil {
			return nil, err
		}
		return &edge.Reply[body]{Body: show(found), Version: found.Version}, nil
	}
}
