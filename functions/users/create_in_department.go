package users

import (
	"context"
	"slices"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/user"
)

func createInDepartment(s *user.Store) func(context.Context, *edge.Request[invitation]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[invitation]) (*edge.Reply[body], error) {
		d, err := edge.PathID[id.Department](r, "id")
		if err != nil {
			return nil, err
		}
		u, err := s.Create(ctx, r.Who, r.Change, r.In.draft(d))
		if err != nil {
			unknown := func(f fault.Field) bool { return f.Pointer == "/departmentId" }
			if slices.ContainsFunc(fault.Of(err).Fields, unknown) { // here the department is the address, not a field
				return nil, fault.New(fault.NotFound, "not_found")
			}
			return nil, err
		}
		reply := answer(u, r.Who)
		reply.Location = "/v1/users/" + string(u.ID)
		return reply, nil
	}
}
