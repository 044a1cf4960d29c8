package me

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

type passwordBody struct {
	CurrentPassword string `json:"currentPassword"`
	NewPassword     string `json:"newPassword"`
}

func changePassword(d *signin.Desk) func(context.Context, *edge.Request[passwordBody]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[passwordBody]) (*edge.Reply[edge.None], error) {
		return nil, d.ChangePassword(ctx, r.Who, r.In.CurrentPassword, r.In.NewPassword, r.DryRun)
	}
}
