package me

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

type codeBody struct {
	Code string `json:"code"`
}

func confirmTOTP(d *signin.Desk) func(context.Context, *edge.Request[codeBody]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[codeBody]) (*edge.Reply[edge.None], error) {
		if err := notDry(r.DryRun); err != nil {
			return nil, err
		}
		return nil, d.ConfirmTOTP(ctx, r.Who, r.Token, r.Change, r.In.Code)
	}
}
