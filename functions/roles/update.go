package roles

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/role"
)

type updateBody struct {
	Name        patch.Field[string]           `json:"name,omitzero"`
	Description patch.Field[string]           `json:"description,omitzero"`
	Level       patch.Field[string]           `json:"level,omitzero"`
	Grants      patch.Field[[]role.Grant]     `json:"grants,omitzero"`
	Fields      patch.Field[[]role.FieldRule] `json:"fields,omitzero"`
}

func update(s *role.Store) func(context.Context, *edge.Request[updateBody]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[updateBody]) (*edge.Reply[body], error) {
		rid, err := edge.PathID[id.Role](r, "id")
		if err != nil {
			return nil, err
		}
		after, err := s.Update(ctx, r.Who, r.Change, rid, r.IfMatch, role.Patch(r.In))
		if err != nil {
			return nil, err
		}
		return &edge.Reply[body]{Body: show(after), Version: after.Version}, nil
	}
}
