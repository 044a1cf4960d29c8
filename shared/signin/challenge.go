package signin

import (
	"context"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/principal"
)

// Answer answers the challenge of a session: with a new password or with a code, whichever was asked for. Unauthenticated
// credentials_invalid for a session that is unknown, used or over, and for a wrong code; Invalid for a password against the policy, which
// leaves the session open; Exhausted too_many_attempts for codes.
//
// A crash after the provider took the new password and before the commit leaves an invited user with a password of their own: their next
// sign-in makes them active. Only the memory of former passwords lacks that one.
func (d *Desk) Answer(ctx context.Context, base principal.Principal, session, newPassword, code string) (Result, error) {
	if session == "" {
		return Result{}, fault.Fields(fault.At("/session", "required"))
	}
	k, err := d.keys(ctx)
	if err != nil {
		return Result{}, err
	}
	ch, err := k.openChallenge(session, d.Now().Unix())
	if err != nil {
		return Result{}, err
	}
	row, err := d.tenant(ctx, ch.Tenant)
	if err != nil {
		return Result{}, err
	}
	p, err := d.People.Load(ctx, ch.Tenant, ch.User)
	if fault.IsKind(err, fault.NotFound) {
		err = refused()
	}
	if err != nil {
		return Result{}, err
	}
	if err := mayEnter(row, &p); err != nil {
		return Result{}, err
	}
	if ch.Kind == identity.NewPassword {
		return d.answerPassword(ctx, base, row, &p, ch, newPassword)
	}
	return d.answerCode(ctx, base, &p, ch, code)
}

func (d *Desk) answerPassword(
	ctx context.Context, base principal.Principal, row *principal.Tenant, p *Person, ch challenge, newPassword string,
) (Result, error) {
	if newPassword == "" {
		return Result{}, fault.Fields(fault.At("/newPassword", "required"))
	}
	name := identity.NameOf(p.Tenant, p.ID)
	// A session that was answered before must learn nothing more, and the policy's verdict would tell it something.
	u, err := d.Identity.GetUser(ctx, name)
	if err == nil && !u.PasswordIsTemp || fault.IsKind(err, fault.NotFound) {
		err = refused()
	}
	if err != nil {
		return Result{}, err
	}
	h, err := d.judge(ctx, row, p, "/newPassword", newPassword)
	if err != nil {
		return Result{}, err
	}
	out, err := d.Identity.AnswerNewPassword(ctx, name, ch.Session, newPassword)
	if err != nil {
		return Result{}, err
	}
	return d.proceed(ctx, nil, base, p, ch.Account, out, func(c *change.Set) error {
		c.Record(audit.Event{Target: string(p.ID), Fields: []string{"password"}})
		return d.remember(ctx, c, p, h)
	})
}

func (d *Desk) answerCode(ctx context.Context, base principal.Principal, p *Person, ch challenge, code string) (Result, error) {
	if code == "" {
		return Result{}, fault.Fields(fault.At("/code", "required"))
	}
	a, err := d.attempt(ctx, pairPasswords, ch.Account, base.Source)
	if err != nil {
		return Result{}, err
	}
	out, err := d.Identity.AnswerTOTP(ctx, identity.NameOf(p.Tenant, p.ID), ch.Session, code)
	if err != nil {
		return Result{}, d.fail(ctx, a, base, p.Tenant, p, err)
	}
	return d.proceed(ctx, a, base, p, ch.Account, out, nil)
}
