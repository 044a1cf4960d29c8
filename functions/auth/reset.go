package auth

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

type resetBody struct {
	Tenant      string `json:"tenant"`
	Email       string `json:"email"`
	Code        string `json:"code"`
	NewPassword string `json:"newPassword"`
}

func resetPassword(d *signin.Desk) func(context.Context, *edge.Request[resetBody]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[resetBody]) (*edge.Reply[edge.None], error) {
		return nil, d.Reset(ctx, r.Change.Who, r.In.Tenant, r.In.Email, r.In.Code, r.In.NewPassword)
	}
}
