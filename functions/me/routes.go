// Package me is the API of what users see and change of themselves: their data, password, addresses, second factor and rights.
package me

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/signin"
	"github.com/steward-crm/steward/shared/user"
)

// Routes are the operations on oneself.
func Routes(p *platform.Platform) []edge.Route {
	a, jobs := access.New(p.Table, p.Now), job.New(p.Table, p.IDs, p.Now)
	users := user.New(p.Table, p.Crypt, a, jobs)
	d := signin.New(signin.Parts{
		Table: p.Table, Crypt: p.Crypt, Keys: p.Keys, Identity: p.Identity, Notify: p.Notify, Subjects: a, Jobs: jobs,
		People: signin.PeopleOf(users, person), IDs: p.IDs, Now: p.Now, Random: p.Random,
	})
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "me.get", Method: http.MethodGet, Path: "/v1/me", Access: edge.Self(),
			Summary: "Reads the user who asks.",
		}, get(users)),
		edge.Handle(edge.Route{
			Operation: "me.update", Method: http.MethodPatch, Path: "/v1/me", Access: edge.Self(),
			Summary: "Changes name, addresses and language of the user who asks, by a JSON merge patch. A changed address becomes unverified, and needs the current password.",
		}, update(users, d)),
		edge.Handle(edge.Route{
			Operation: "me.changePassword", Method: http.MethodPost, Path: "/v1/me/password", Access: edge.Self(), Secret: true,
			Summary: "Changes the password and ends all other sessions.",
		}, changePassword(d)),
		edge.Handle(edge.Route{
			Operation: "me.startVerification", Method: http.MethodPost, Path: "/v1/me/verifications", Access: edge.Self(), Status: http.StatusAccepted,
			Summary: "Sends a code to the e-mail address or phone number, at most one a minute, to prove that it is the user's. One that is verified already is answered with 200.",
		}, startVerification(d)),
		edge.Handle(edge.Route{
			Operation: "me.confirmVerification", Method: http.MethodPost, Path: "/v1/me/verifications/confirm", Access: edge.Self(),
			Summary: "Confirms an address with the code that was sent to it, within 15 minutes and five tries.",
		}, confirmVerification(d)),
		edge.Handle(edge.Route{
			Operation: "me.permissions", Method: http.MethodGet, Path: "/v1/me/permissions", Access: edge.Self(),
			Summary: "Lists what the user who asks may do now, with the widest scope of each action, the fields that are narrower, and where it comes from.",
		}, permissions(a)),
		edge.Handle(edge.Route{
			Operation: "me.enrolTotp", Method: http.MethodPost, Path: "/v1/me/totp", Access: edge.Self(), Secret: true,
			Summary: "Makes a secret for an authenticator app. It is in force once a code of it was confirmed.",
		}, enrolTOTP(d)),
		edge.Handle(edge.Route{
			Operation: "me.confirmTotp", Method: http.MethodPost, Path: "/v1/me/totp/confirm", Access: edge.Self(),
			Summary: "Puts the second factor in force with a first code of the authenticator app.",
		}, confirmTOTP(d)),
		edge.Handle(edge.Route{
			Operation: "me.removeTotp", Method: http.MethodDelete, Path: "/v1/me/totp", Access: edge.Self(), NoMatch: true,
			Summary: "Takes the second factor away. It has no version, so If-Match is not needed.",
		}, removeTOTP(d)),
	}
}

func person(u user.User) signin.Person {
	return signin.Person{
		Standing: u.Standing, ID: u.ID, Tenant: u.Tenant, Name: u.Name, Email: string(u.Email), Canonical: u.Canonical, Phone: string(u.Phone),
		EmailVerified: u.EmailVerified, PhoneVerified: u.PhoneVerified,
	}
}

// notDry refuses to try out what would be spent by trying.
func notDry(dry bool) error {
	if dry {
		return fault.New(fault.Malformed, "validate_only_unsupported")
	}
	return nil
}
