package auth

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

type forgotBody struct {
	Tenant string `json:"tenant"`
	Email  string `json:"email"`
}

type accepted struct {
	Status string `json:"status"` // accepted: a code is on its way if the account exists
}

func forgotPassword(d *signin.Desk) func(context.Context, *edge.Request[forgotBody]) (*edge.Reply[accepted], error) {
	return func(ctx context.Context, r *edge.Request[forgotBody]) (*edge.Reply[accepted], error) {
		if err := d.Forgot(ctx, r.Change.Who, r.In.Tenant, r.In.Email); err != nil {
			return nil, err
		}
		return &edge.Reply[accepted]{Body: accepted{Status: "accepted"}}, nil
	}
}
