package users

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/user"
)

type updateBody struct {
	Name       patch.Field[string]        `json:"name,omitzero"`
	Email      patch.Field[string]        `json:"email,omitzero"`
	Phone      patch.Field[string]        `json:"phone,omitzero"`
	EmployeeNo patch.Field[string]        `json:"employeeNo,omitzero"`
	Department patch.Field[id.Department] `json:"departmentId,omitzero"`
	Posts      patch.Field[[]id.Post]     `json:"postIds,omitzero"`
	Manager    patch.Field[id.User]       `json:"managerId,omitzero"`
	Locale     patch.Field[string]        `json:"locale,omitzero"`
}

func update(s *user.Store) func(context.Context, *edge.Request[updateBody]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[updateBody]) (*edge.Reply[body], error) {
		uid, err := edge.PathID[id.User](r, "id")
		if err != nil {
			return nil, err
		}
		u, err := s.Update(ctx, r.Who, r.Change, uid, r.IfMatch, user.Patch(r.In))
		if err != nil {
			return nil, err
		}
		return answer(u, r.Who), nil
	}
}
