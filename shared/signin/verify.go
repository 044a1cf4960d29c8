package signin

import (
	"context"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// JobVerify is the job that sends a code to an address that is to be verified.
const JobVerify = "me.sendCode"

// VerifyPayload names whom and what the code is for.
type VerifyPayload struct {
	User      id.User            `json:"userId"`
	Attribute identity.Attribute `json:"attribute"`
}

func (p *Person) address(a identity.Attribute) (address string, verified bool) {
	if a == identity.Phone {
		return p.Phone, p.PhoneVerified
	}
	return p.Canonical, p.EmailVerified
}

// StartVerification stages a code for the subject's e-mail address or phone number, and the job that sends it. It reports false, and
// stages nothing, when the address is verified already. Invalid attribute_missing when there is none; Exhausted code_sent_recently within
// a minute of the last.
func (d *Desk) StartVerification(ctx context.Context, who *policy.Subject, c *change.Set, a identity.Attribute) (bool, error) {
	if err := known(a); err != nil {
		return false, err
	}
	p, err := d.People.Load(ctx, who.Tenant, who.User)
	if err != nil {
		return false, err
	}
	address, verified := p.address(a)
	switch {
	case address == "":
		return false, fault.Fields(fault.At("/attribute", "attribute_missing"))
	case verified:
		return false, nil
	}
	was, version, err := d.code(ctx, who.Tenant, who.User, purposeVerify(a))
	if err != nil {
		return false, err
	}
	if wait := was.Issued.Add(ResendPause).Sub(c.Now); version != 0 && wait > 0 {
		return false, fault.New(fault.Exhausted, "code_sent_recently").After(wait.Round(time.Second))
	}
	tk, err := d.Crypt.Tenant(ctx, who.Tenant)
	if err != nil {
		return false, err
	}
	job, err := d.Jobs.Stage(c, who.Tenant, JobVerify, VerifyPayload{User: who.User, Attribute: a}, c.Now)
	if err != nil {
		return false, err
	}
	plain := draw(tk, purposeVerify(a), job)
	it, err := issue(who.Tenant, who.User, purposeVerify(a), code{
		Job: job, Issued: c.Now, Digest: codeDigest(tk, who.User, purposeVerify(a), address, plain),
	})
	if err != nil {
		return false, err
	}
	c.Put(it, unmoved(version), nil)
	c.Record(audit.Event{Target: string(who.User), Fields: []string{string(a)}})
	return true, nil
}

// SendCode is the job JobVerify. A code that was replaced, used or outlived is not sent.
func (d *Desk) SendCode(ctx context.Context, t id.Tenant, job id.Job, v VerifyPayload) error {
	p, err := d.People.Load(ctx, t, v.User)
	if err != nil || p.Status != principal.UserActive {
		return ignoreMissing(err)
	}
	out, version, err := d.code(ctx, t, v.User, purposeVerify(v.Attribute))
	if err != nil || version == 0 || !out.alive(d.Now()) {
		return err
	}
	tk, err := d.Crypt.Tenant(ctx, t)
	if err != nil {
		return err
	}
	address, _ := p.address(v.Attribute)
	plain := draw(tk, purposeVerify(v.Attribute), job)
	if !out.matches(tk, v.User, purposeVerify(v.Attribute), address, plain) {
		return nil // replaced; or the address changed since, and a code for the old one proves nothing about the new one
	}
	m := notify.Message{
		ID: messageOf(job), Tenant: t, User: v.User, Channel: notify.Email, To: address, Template: "verify", Locale: p.Locale, At: out.Issued,
		Words: map[string]string{"name": p.Name, "minutes": minutes(CodeLife), "code": shown(purposeVerify(v.Attribute), plain)},
	}
	if v.Attribute == identity.Phone {
		m.Channel = notify.SMS
	}
	return d.Notify.Send(ctx, m)
}

// ConfirmVerification notes that the address is the subject's when the code is right. Malformed code_invalid otherwise, and after five
// wrong ones until another code is sent. A code is good for the address that it was sent to, and for no later one.
func (d *Desk) ConfirmVerification(ctx context.Context, who *policy.Subject, a identity.Attribute, given string) error {
	if err := known(a); err != nil {
		return err
	}
	if given == "" {
		return fault.Fields(fault.At("/code", "required"))
	}
	tk, err := d.Crypt.Tenant(ctx, who.Tenant)
	if err != nil {
		return err
	}
	p, err := d.People.Load(ctx, who.Tenant, who.User)
	if err != nil {
		return err
	}
	out, err := d.spendTry(ctx, who, purposeVerify(a))
	if err != nil {
		return err
	}
	address, _ := p.address(a)
	if !out.matches(tk, who.User, purposeVerify(a), address, typed(given)) {
		return codeInvalid()
	}
	return d.commit(ctx, who.Principal, func(c *change.Set) error {
		c.Delete(codeKey(who.Tenant, who.User, purposeVerify(a)), out.unspent(), codeInvalid())
		c.Record(audit.Event{Target: string(who.User), Fields: []string{string(a)}})
		return d.People.SetVerified(ctx, c, who.Tenant, who.User, a)
	})
}

// spendTry counts a try of a code before it is judged, so that many at once are many.
func (d *Desk) spendTry(ctx context.Context, who *policy.Subject, p purpose) (code, error) {
	for range counterTries {
		c, version, err := d.code(ctx, who.Tenant, who.User, p)
		if err != nil {
			return code{}, err
		}
		if version == 0 || !c.alive(d.Now()) || c.Tries >= CodeTries {
			return code{}, codeInvalid()
		}
		c.Tries++
		it, err := issue(who.Tenant, who.User, p, c)
		if err != nil {
			return code{}, err
		}
		err = d.Table.Commit(ctx, d.IDs.ULID(), table.Put(it, table.VersionIs(version)))
		if err == nil {
			return c, nil
		}
		if _, moved := asConditionFailed(err); !moved {
			return code{}, err
		}
	}
	return code{}, fault.New(fault.Unavailable, "busy").After(time.Second)
}

func known(a identity.Attribute) error {
	switch a {
	case identity.Email, identity.Phone:
		return nil
	case "":
		return fault.Fields(fault.At("/attribute", "required"))
	}
	return fault.Fields(fault.At("/attribute", "attribute_unknown"))
}
