package users

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

func list(s *user.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[body]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[body]], error) {
		f := user.Filter{
			Status: principal.UserStatus(r.Query.Get("status")), Department: id.Department(r.Query.Get("departmentId")),
		}
		page, err := s.List(ctx, r.Who, f, r.Page.After, r.Page.Limit)
		if err != nil {
			return nil, err
		}
		out := edge.List[body]{Items: make([]body, 0, len(page.Users))}
		for _, u := range page.Users {
			out.Items = append(out.Items, show(u, r.Who))
		}
		if r.Page.Count {
			n, exact, err := s.Count(ctx, r.Who, f)
			if err != nil {
				return nil, err
			}
			out.Count = &edge.Count{Value: n, Exact: exact}
		}
		return &edge.Reply[edge.List[body]]{Body: out, Next: page.Next}, nil
	}
}
