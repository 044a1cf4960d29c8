package users

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/user"
)

type holdingsBody struct {
	Accounts    int             `json:"accounts"`    // how many the user owns
	Reports     []id.User       `json:"reports"`     // who report to the user
	Departments []id.Department `json:"departments"` // that the user heads
	Posts       []id.Post       `json:"postIds"`
	Roles       []id.Role       `json:"roleIds"` // directly and by posts
}

func holdings(s *user.Store, h user.Holdings) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[holdingsBody], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[holdingsBody], error) {
		uid, err := edge.PathID[id.User](r, "id")
		if err != nil {
			return nil, err
		}
		held, err := s.Holdings(ctx, r.Who, uid, h)
		if err != nil {
			return nil, err
		}
		return &edge.Reply[holdingsBody]{Body: holdingsBody(held)}, nil
	}
}
