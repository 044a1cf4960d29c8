// Package auth is the API of signing in and out, and of a forgotten password.
package auth

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/signin"
	"github.com/steward-crm/steward/shared/user"
)

// Routes are the operations of signing in.
func Routes(p *platform.Platform) []edge.Route {
	d := desk(p)
	credentials := edge.Public("it judges credentials itself")
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "auth.signIn", Method: http.MethodPost, Path: "/v1/auth/sign-in", Access: credentials, Secret: true,
			Summary: "Signs in with tenant, e-mail and password: answers tokens, or a challenge with the session to answer it in within three minutes.",
		}, signIn(d)),
		edge.Handle(edge.Route{
			Operation: "auth.challenge", Method: http.MethodPost, Path: "/v1/auth/challenge", Access: credentials, Secret: true,
			Summary: "Answers a challenge with a new password or a code of the authenticator: answers tokens, or the next challenge.",
		}, challenge(d)),
		edge.Handle(edge.Route{
			Operation: "auth.refresh", Method: http.MethodPost, Path: "/v1/auth/refresh", Access: credentials, Secret: true,
			Summary: "Exchanges a refresh token for new tokens. A refresh token is good once; its second use ends the sign-in.",
		}, refresh(d)),
		edge.Handle(edge.Route{
			Operation: "auth.signOut", Method: http.MethodPost, Path: "/v1/auth/sign-out", Access: edge.Self(),
			Summary: "Ends the session: its access token is refused from the next request on, and its refresh token with it.",
		}, signOut(d)),
		edge.Handle(edge.Route{
			Operation: "auth.forgotPassword", Method: http.MethodPost, Path: "/v1/auth/forgot-password", Status: http.StatusAccepted,
			Access:  edge.Public("whoever asks has forgotten how to sign in"),
			Summary: "Asks for a code to set a new password with. The answer is the same whether the account exists or not.",
		}, forgotPassword(d)),
		edge.Handle(edge.Route{
			Operation: "auth.resetPassword", Method: http.MethodPost, Path: "/v1/auth/reset-password", Access: credentials, Secret: true,
			Summary: "Sets a new password with the code that was sent, and ends every session.",
		}, resetPassword(d)),
	}
}

func desk(p *platform.Platform) *signin.Desk {
	a, jobs := access.New(p.Table, p.Now), job.New(p.Table, p.IDs, p.Now)
	return signin.New(signin.Parts{
		Table: p.Table, Crypt: p.Crypt, Keys: p.Keys, Identity: p.Identity, Notify: p.Notify, Subjects: a, Jobs: jobs,
		People: signin.PeopleOf(user.New(p.Table, p.Crypt, a, jobs), person), IDs: p.IDs, Now: p.Now, Random: p.Random,
	})
}

func person(u user.User) signin.Person {
	return signin.Person{
		Standing: u.Standing, ID: u.ID, Tenant: u.Tenant, Name: u.Name, Email: string(u.Email), Canonical: u.Canonical, Phone: string(u.Phone),
		EmailVerified: u.EmailVerified, PhoneVerified: u.PhoneVerified,
	}
}
