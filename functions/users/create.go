package users

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/user"
)

// invitation is what is asked for of a user in a department that the path names; null is the same as absent.
type invitation struct {
	Name       string                 `json:"name"`
	Email      string                 `json:"email"`
	Phone      patch.Field[string]    `json:"phone,omitzero"`
	EmployeeNo patch.Field[string]    `json:"employeeNo,omitzero"`
	Posts      patch.Field[[]id.Post] `json:"postIds,omitzero"`
	Manager    patch.Field[id.User]   `json:"managerId,omitzero"`
	Roles      patch.Field[[]id.Role] `json:"roleIds,omitzero"`
	Locale     patch.Field[string]    `json:"locale,omitzero"`
}

type createBody struct {
	invitation
	Department patch.Field[id.Department] `json:"departmentId,omitzero"`
}

func (i *invitation) draft(d id.Department) user.Draft {
	return user.Draft{
		Name: i.Name, Email: i.Email, Phone: i.Phone.Value, EmployeeNo: i.EmployeeNo.Value, Department: d, Posts: i.Posts.Value,
		Manager: i.Manager.Value, Roles: i.Roles.Value, Locale: i.Locale.Value,
	}
}

func create(s *user.Store) func(context.Context, *edge.Request[createBody]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[createBody]) (*edge.Reply[body], error) {
		u, err := s.Create(ctx, r.Who, r.Change, r.In.draft(r.In.Department.Value))
		if err != nil {
			return nil, err
		}
		reply := answer(u, r.Who)
		reply.Location = "/v1/users/" + string(u.ID)
		return reply, nil
	}
}
