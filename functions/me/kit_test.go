package me_test

import (
	"context"

	"github.com/steward-crm/steward/functions/auth"
	"github.com/steward-crm/steward/functions/me"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/signin/signintest"
)

func routes(w *signintest.World) []edge.Route {
	return append(auth.Routes(w.Platform), me.Routes(w.Platform)...)
}

// deaf is a provider that takes no passwords.
type deaf struct{ identity.Identity }

func (deaf) SetPassword(context.Context, identity.Name, string) error {
	return fault.New(fault.Unavailable, "identity_unavailable")
}
