package auth

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/signin"
)

type signInBody struct {
	Tenant   string `json:"tenant"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

// outcome is tokens or a challenge.
type outcome struct {
	AccessToken  string             `json:"accessToken,omitzero"`
	RefreshToken string             `json:"refreshToken,omitzero"`
	ExpiresIn    int                `json:"expiresIn,omitzero"` // seconds, of the access token
	Challenge    identity.Challenge `json:"challenge,omitzero"`
	Session      string             `json:"session,omitzero"`
}

func show(r signin.Result) *edge.Reply[outcome] {
	out := outcome{Challenge: r.Challenge, Session: r.Session}
	if t := r.Tokens; t != nil {
		out.AccessToken, out.RefreshToken, out.ExpiresIn = t.Access, t.Refresh, int(t.ExpiresIn.Seconds())
	}
	return &edge.Reply[outcome]{Body: out}
}

func signIn(d *signin.Desk) func(context.Context, *edge.Request[signInBody]) (*edge.Reply[outcome], error) {
	return func(ctx context.Context, r *edge.Request[signInBody]) (*edge.Reply[outcome], error) {
		out, err := d.SignIn(ctx, r.Change.Who, r.In.Tenant, r.In.Email, r.In.Password)
		if err != nil {
			return nil, err
		}
		return show(out), nil
	}
}
