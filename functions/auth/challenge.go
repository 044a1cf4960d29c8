package auth

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

type challengeBody struct {
	Session     string `json:"session"`
	NewPassword string `json:"newPassword,omitzero"` // for the challenge new_password
	Code        string `json:"code,omitzero"`        // for the challenge totp
}

func challenge(d *signin.Desk) func(context.Context, *edge.Request[challengeBody]) (*edge.Reply[outcome], error) {
	return func(ctx context.Context, r *edge.Request[challengeBody]) (*edge.Reply[outcome], error) {
		out, err := d.Answer(ctx, r.Change.Who, r.In.Session, r.In.NewPassword, r.In.Code)
		if err != nil {
			return nil, err
		}
		return show(out), nil
	}
}
