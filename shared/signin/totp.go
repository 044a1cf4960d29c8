package signin

import (
	"context"
	"net/url"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/policy"
)

// Enrolment is what an authenticator app needs.
type Enrolment struct {
	Secret string // base 32
	URL    string // otpauth, to be shown as a QR code
}

// EnrolTOTP gives the subject a fresh secret, which asks for nothing until ConfirmTOTP. Enrolling again replaces a secret that was not
// confirmed; one in force stays so until then. Safe to run twice: the last secret counts. t is the token that the request came with.
func (d *Desk) EnrolTOTP(ctx context.Context, who *policy.Subject, t identity.AccessToken, c *change.Set) (Enrolment, error) {
	p, err := d.People.Load(ctx, who.Tenant, who.User)
	if err != nil {
		return Enrolment{}, err
	}
	secret, err := d.Identity.EnrolTOTP(ctx, identity.NameOf(who.Tenant, who.User), t)
	if err != nil {
		return Enrolment{}, err
	}
	c.Record(audit.Event{Target: string(who.User), Fields: []string{"totp"}})
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/Steward:" + p.Email}
	u.RawQuery = "secret=" + secret + "&issuer=Steward&algorithm=SHA1&digits=6&period=30"
	return Enrolment{Secret: secret, URL: u.String()}, nil
}

// ConfirmTOTP puts the secret in force when the code is of it. Malformed code_invalid otherwise. The event is all that is staged, on no
// premise, so the operation is not run again after the provider has spent the code; a crash before the commit leaves the second factor in
// force without that event, and the code's next use is refused.
func (d *Desk) ConfirmTOTP(ctx context.Context, who *policy.Subject, t identity.AccessToken, c *change.Set, code string) error {
	if code == "" {
		return fault.Fields(fault.At("/code", "required"))
	}
	if err := d.Identity.ConfirmTOTP(ctx, identity.NameOf(who.Tenant, who.User), t, typed(code)); err != nil {
		return err
	}
	c.Record(audit.Event{Target: string(who.User), Fields: []string{"totp"}})
	return nil
}

// RemoveTOTP takes the second factor away. Removing none changes nothing. The event comes before the provider: a second factor never goes
// unseen.
func (d *Desk) RemoveTOTP(ctx context.Context, who *policy.Subject) error {
	name := identity.NameOf(who.Tenant, who.User)
	u, err := d.Identity.GetUser(ctx, name)
	if err != nil || !u.TOTPEnrolled {
		return err
	}
	err = d.commit(ctx, who.Principal, func(c *change.Set) error {
		c.Record(audit.Event{Target: string(who.User), Fields: []string{"totp"}})
		return nil
	})
	if err != nil {
		return err
	}
	return d.Identity.ResetMFA(context.WithoutCancel(ctx), name)
}
