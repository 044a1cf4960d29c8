package auth

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

type signOutBody struct {
	RefreshToken string `json:"refreshToken,omitzero"` // ended at the identity provider as well
}

func signOut(d *signin.Desk) func(context.Context, *edge.Request[signOutBody]) (*edge.Reply[edge.None], error) {
	return func(_ context.Context, r *edge.Request[signOutBody]) (*edge.Reply[edge.None], error) {
		d.SignOut(r.Who, r.Change, r.In.RefreshToken)
		return nil, nil
	}
}
