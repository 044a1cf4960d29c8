package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// JobReset is the job that looks up who forgot a password and sends the code. It lies in no tenant, because it is staged before anybody
// knows whether there is one.
const JobReset = "auth.sendReset"

// ResetPayload names the request: whom it is about lies sealed in an item that soon expires.
type ResetPayload struct {
	Request string `json:"request"`
}

// ResetState is how far the job came.
type ResetState struct {
	Tenant id.Tenant `json:"tenantId,omitempty"`
	User   id.User   `json:"userId,omitempty"`
	Issued time.Time `json:"issued,omitzero"`
}

const (
	partForgot    = "FGT"
	purposeForgot = "forgot"
	forgotPerHour = 10 // codes to one account
)

// forgotten is the counter of requests for one account, which need not exist.
type forgotten struct {
	Count int       `json:"count"`
	Begun time.Time `json:"begun"`
	Last  time.Time `json:"last"`
}

type meant struct {
	Slug  string `json:"slug"`
	Email string `json:"email"`
}

// Forgot asks for a code to set a new password with. It answers nil for every account, known or not, in the same steps: it counts, and
// leaves the rest to a job. Within a minute of the last request, and beyond ten an hour, nothing is sent.
func (d *Desk) Forgot(ctx context.Context, base principal.Principal, slug, address string) error {
	var missing []fault.Field
	for _, f := range []struct{ pointer, value string }{{"/tenant", slug}, {"/email", address}} {
		if f.value == "" {
			missing = append(missing, fault.At(f.pointer, "required"))
		}
	}
	if err := fault.Fields(missing...); err != nil {
		return err
	}
	slug = strings.ToLower(strings.TrimSpace(slug))
	k, err := d.keys(ctx)
	if err != nil {
		return err
	}
	request := k.digest(purposeForgot, account(slug, address))
	at := key.Control(partForgot+"#"+request, partForgot)
	items, err := d.Table.Get(ctx, at)
	if err != nil {
		return err
	}
	var f forgotten
	var version int64
	if len(items) == 1 {
		version = items[0].Version
		if err := json.Unmarshal(items[0].Doc, &f); err != nil {
			return fault.New(fault.Internal, "internal").Because(err)
		}
	}
	c := change.New(base, d.IDs, d.Now())
	if c.Now.Sub(f.Begun) >= time.Hour {
		f.Count, f.Begun = 0, c.Now
	}
	if c.Now.Sub(f.Last) < ResendPause || f.Count >= forgotPerHour {
		return nil
	}
	if wait := d.sources.take(network(base.Source), c.Now); wait > 0 {
		return paused(wait)
	}
	f.Count, f.Last = f.Count+1, c.Now
	doc, err := json.Marshal(f)
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	sealed, err := k.seal(purposeForgot+request, meant{Slug: clip(slug, maxSlug+1), Email: clip(address, 320)})
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	c.Put(table.Item{Key: at, Doc: doc, Sealed: sealed, Expires: c.Now.Add(time.Hour)}, unmoved(version), nil)
	if _, err := d.Jobs.Stage(c, "", JobReset, ResetPayload{Request: request}, c.Now); err != nil {
		return err
	}
	err = d.write(ctx, c)
	if errors.Is(err, change.ErrMoved) {
		return nil // another request for this account came first: its code is on the way
	}
	return err
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

// Step commits a step of a job, with its state; package job's Run has it.
type Step func(ctx context.Context, state any, stage func(*change.Set) error) error

// SendReset is the job JobReset: it issues the code and sends it to an active user's address. Whoever is not found, or not active, gets
// nothing. It may run again from any point: the code is issued once, by the step, and follows from the job, so the same one is sent.
func (d *Desk) SendReset(ctx context.Context, job id.Job, p ResetPayload, s ResetState, step Step) error {
	if s.User == "" {
		var err error
		if s, err = d.issueReset(ctx, job, p, step); err != nil || s.User == "" {
			return err
		}
	}
	person, err := d.People.Load(ctx, s.Tenant, s.User)
	if err != nil || person.Status != principal.UserActive {
		return ignoreMissing(err)
	}
	row, err := d.tenant(ctx, s.Tenant)
	if err != nil || row == nil {
		return err
	}
	tk, err := d.Crypt.Tenant(ctx, s.Tenant)
	if err != nil {
		return err
	}
	return d.Notify.Send(ctx, notify.Message{
		ID: messageOf(job), Tenant: s.Tenant, User: s.User, Channel: notify.Email, To: person.Canonical, Template: "reset", Locale: person.Locale, At: s.Issued,
		Words: map[string]string{
			"name": person.Name, "tenant": row.Slug, "minutes": minutes(CodeLife), "code": shown(purposeReset, draw(tk, purposeReset, job)),
		},
	})
}

func (d *Desk) issueReset(ctx context.Context, job id.Job, p ResetPayload, step Step) (ResetState, error) {
	k, err := d.keys(ctx)
	if err != nil {
		return ResetState{}, err
	}
	items, err := d.Table.Get(ctx, key.Control(partForgot+"#"+p.Request, partForgot))
	if err != nil || len(items) == 0 {
		return ResetState{}, err
	}
	var m meant
	if !k.open(purposeForgot+p.Request, items[0].Sealed, &m) {
		return ResetState{}, nil // sealed by a key that is gone: whoever still wants the code asks again
	}
	f, err := d.find(ctx, m.Slug, m.Email)
	if err != nil || f.person == nil || f.person.Status != principal.UserActive || f.tenant.Status != principal.TenantActive {
		return ResetState{}, err
	}
	t, u := f.tenant.ID, f.person.ID
	tk, err := d.Crypt.Tenant(ctx, t)
	if err != nil {
		return ResetState{}, err
	}
	s := ResetState{Tenant: t, User: u}
	err = step(ctx, &s, func(c *change.Set) error {
		_, version, err := d.code(ctx, t, u, purposeReset)
		if err != nil {
			return err
		}
		s.Issued = c.Now
		plain := draw(tk, purposeReset, job)
		it, err := issue(t, u, purposeReset, code{Job: job, Issued: c.Now, Digest: codeDigest(tk, u, purposeReset, "", plain)})
		if err != nil {
			return err
		}
		c.Who = principal.System(t, "auth.forgotPassword", c.Now)
		c.Put(it, unmoved(version), nil)
		c.Record(audit.Event{Target: string(u)})
		return nil
	})
	return s, err
}

// Reset sets a new password by the code that was sent. Malformed code_invalid, the same for whatever is wrong with account or code;
// Invalid for a password against the policy, which leaves the code good.
//
// The code is spent, the sessions are ended and the event is written in one commit, and only then the provider is told. A crash, or a
// provider that fails, in between leaves the old password in force with every session ended: the person asks for another code. The other
// order would let two parallel uses of one code both set a password.
func (d *Desk) Reset(ctx context.Context, base principal.Principal, slug, address, given, next string) error {
	var missing []fault.Field
	for _, f := range []struct{ pointer, value string }{{"/tenant", slug}, {"/email", address}, {"/code", given}, {"/newPassword", next}} {
		if f.value == "" {
			missing = append(missing, fault.At(f.pointer, "required"))
		}
	}
	if err := fault.Fields(missing...); err != nil {
		return err
	}
	slug = strings.ToLower(strings.TrimSpace(slug))
	f, err := d.find(ctx, slug, address)
	if err != nil {
		return err
	}
	u := noUser
	if f.person != nil {
		u = f.person.ID
	}
	out, _, err := d.code(ctx, f.tenantID(), u, purposeReset)
	if err != nil {
		return err
	}
	a, tries, err := d.tryCode(ctx, account(slug, address), base.Source, out.Issued)
	if err != nil {
		return err
	}
	right, err := d.rightCode(ctx, f, out, given)
	if err != nil {
		return err
	}
	if !right || tries > CodeTries {
		return d.fail(ctx, a, base, f.tenantID(), f.person, codeInvalid())
	}
	p := f.person
	h, err := d.judge(ctx, f.tenant, p, "/newPassword", next)
	if err != nil {
		if fault.IsKind(err, fault.Invalid) {
			err = errors.Join(a.undo(ctx), err)
		}
		return err
	}
	err = d.commit(ctx, as(base, p, ""), func(c *change.Set) error {
		if err := d.People.EndSessions(ctx, c, p.Tenant, p.ID); err != nil {
			return err
		}
		c.Delete(codeKey(p.Tenant, p.ID, purposeReset), out.unspent(), codeInvalid())
		c.Record(audit.Event{Target: string(p.ID), Fields: []string{"password"}})
		if err := a.succeeded(c); err != nil {
			return err
		}
		return d.remember(ctx, c, p, h)
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	name := identity.NameOf(p.Tenant, p.ID)
	if err := d.Identity.SetPassword(ctx, name, next); err != nil {
		return err
	}
	// Whoever signed in with the old password since the commit goes too.
	return d.Identity.SignOutEverywhere(ctx, name)
}

// rightCode reports whether a reset by this code is due: an active user of an active tenant, and the code that was sent to them.
func (d *Desk) rightCode(ctx context.Context, f found, out code, given string) (bool, error) {
	if f.person == nil || f.person.Status != principal.UserActive || mayEnter(f.tenant, f.person) != nil || !out.alive(d.Now()) {
		return false, nil
	}
	tk, err := d.Crypt.Tenant(ctx, f.person.Tenant)
	if err != nil {
		return false, err
	}
	return out.matches(tk, f.person.ID, purposeReset, "", typed(given)), nil
}

// tryCode counts a try of a code by an account and a source before it is judged. A code that was issued since begins the count anew.
func (d *Desk) tryCode(ctx context.Context, acc, source string, issued time.Time) (*attempt, int, error) {
	k, err := d.keys(ctx)
	if err != nil {
		return nil, 0, err
	}
	var tries int
	source = network(source)
	a := &attempt{desk: d, key: counterKey(k, pairCodes, acc, source), source: source}
	err = a.write(ctx, nil, func(p *pair, now time.Time) error {
		if wait := a.take(now); wait > 0 {
			return paused(wait)
		}
		if p.Begun.Before(issued) || now.Sub(p.Begun) >= CodeLife {
			p.Count, p.Begun = 0, now
		}
		p.Count, p.Last = p.Count+1, now
		tries = p.Count
		return nil
	})
	return a, tries, err
}

func ignoreMissing(err error) error {
	if fault.IsKind(err, fault.NotFound) {
		return nil
	}
	return err
}

// messageOf names the message of a job: the same however often the job runs.
func messageOf(j id.Job) id.Message {
	_, ulid, _ := strings.Cut(string(j), "_")
	return id.Message(id.Message("").Prefix() + "_" + ulid)
}

func minutes(d time.Duration) string {
	return strings.TrimSuffix(d.Truncate(time.Minute).String(), "m0s")
}
