package auth

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

type refreshBody struct {
	RefreshToken string `json:"refreshToken"`
}

func refresh(d *signin.Desk) func(context.Context, *edge.Request[refreshBody]) (*edge.Reply[outcome], error) {
	return func(ctx context.Context, r *edge.Request[refreshBody]) (*edge.Reply[outcome], error) {
		t, err := d.Refresh(ctx, r.Change.Who, r.In.RefreshToken)
		if err != nil {
			return nil, err
		}
		return show(signin.Result{Tokens: &t}), nil
	}
}
