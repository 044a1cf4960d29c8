package me

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

func removeTOTP(d *signin.Desk) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
		if err := notDry(r.DryRun); err != nil {
			return nil, err
		}
		return nil, d.RemoveTOTP(ctx, r.Who)
	}
}
