package signin

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Result is how a step of a sign-in ends: with tokens, or with a challenge and the session to answer it in.
type Result struct {
	Tokens    *identity.Tokens
	Challenge identity.Challenge
	Session   string
}

// SignIn judges slug, e-mail and password. Unauthenticated credentials_invalid, the same for whatever is wrong; Exhausted
// too_many_attempts; Denied tenant_suspended, only after a right password.
//
// After a crash between the provider's tokens and the commit nobody holds the tokens, and the person signs in again.
func (d *Desk) SignIn(ctx context.Context, base principal.Principal, slug, address, password string) (Result, error) {
	var missing []fault.Field
	for _, f := range []struct{ pointer, value string }{{"/tenant", slug}, {"/email", address}, {"/password", password}} {
		if f.value == "" {
			missing = append(missing, fault.At(f.pointer, "required"))
		}
	}
	if err := fault.Fields(missing...); err != nil {
		return Result{}, err
	}
	slug = strings.ToLower(strings.TrimSpace(slug))
	acc := account(slug, address)
	a, err := d.attempt(ctx, pairPasswords, acc, base.Source)
	if err != nil {
		return Result{}, err
	}
	f, err := d.find(ctx, slug, address)
	if err != nil {
		return Result{}, err
	}
	out, err := d.Identity.Authenticate(ctx, f.name(), password)
	if err == nil {
		err = mayEnter(f.tenant, f.person)
		if err != nil {
			d.discard(ctx, out)
		}
	}
	if err != nil {
		return Result{}, d.fail(ctx, a, base, f.tenantID(), f.person, err)
	}
	return d.proceed(ctx, a, base, f.person, acc, out, nil)
}

// fail records a refusal. A provider that is out of order is no refusal.
func (d *Desk) fail(ctx context.Context, a *attempt, base principal.Principal, t id.Tenant, p *Person, err error) error {
	if k := fault.Of(err).Kind; k != fault.Unauthenticated && k != fault.Denied && k != fault.Malformed {
		return err
	}
	base.Tenant = t
	var e *audit.Event
	if t != noTenant {
		var u id.User
		if p != nil {
			u = p.ID
		}
		event := denied(u, fault.Of(err).Code)
		e = &event
	}
	if werr := a.failed(ctx, base, e); werr != nil {
		return werr
	}
	return err
}

// proceed hands out a challenge, or the tokens of a finished sign-in. The first finished one makes an invited user active. also stages
// what the step has changed besides.
func (d *Desk) proceed(
	ctx context.Context, a *attempt, base principal.Principal, p *Person, acc string, out identity.Outcome, also func(*change.Set) error,
) (Result, error) {
	if out.Tokens == nil {
		if a != nil {
			a.giveBack() // a right password is no failure, whatever becomes of the challenge: another process may get its answer
		}
		if also != nil {
			if err := d.commit(ctx, as(base, p, ""), also); err != nil {
				return Result{}, err
			}
		}
		k, err := d.keys(ctx)
		if err != nil {
			return Result{}, err
		}
		session, err := k.sealChallenge(challenge{
			Tenant: p.Tenant, User: p.ID, Kind: out.Challenge, Session: out.Session, Account: acc,
			Ends: d.Now().Add(3 * time.Minute).Unix(),
		})
		return Result{Challenge: out.Challenge, Session: session}, err
	}
	c, err := claimsOf(out.Tokens.Access)
	if err != nil {
		return Result{}, err
	}
	if p.Ended(c.Session, c.AuthTime) {
		// All sessions were ended within this very second, and this one cannot be told from them: it would be dead on arrival.
		d.discard(ctx, out)
		return Result{}, fault.New(fault.Unavailable, "busy").After(time.Second)
	}
	err = d.commit(ctx, as(base, p, c.Session), func(c *change.Set) error {
		if p.Status == principal.UserInvited {
			if err := d.People.Activate(ctx, c, p.Tenant, p.ID); err != nil {
				return err
			}
		}
		if also != nil {
			if err := also(c); err != nil {
				return err
			}
		}
		if a != nil {
			if err := a.succeeded(c); err != nil {
				return err
			}
		}
		c.Record(audit.Event{Target: string(p.ID)})
		return nil
	})
	if err != nil {
		d.discard(ctx, out)
		if fault.Is(err, "user_not_active") { // deactivated since the password was judged
			err = refused()
		}
		return Result{}, err
	}
	return Result{Tokens: out.Tokens}, nil
}

// discard ends a sign-in at the provider that will not be handed out.
func (d *Desk) discard(ctx context.Context, out identity.Outcome) {
	if out.Tokens != nil {
		_ = d.Identity.Revoke(context.WithoutCancel(ctx), out.Tokens.Refresh) // nobody holds it: that it lives on would harm nobody
	}
}

// Refresh gives new tokens for a refresh token whose sign-in is alive by the table too: the user active, the session neither signed out nor
// ended. Unauthenticated credentials_invalid; Denied tenant_suspended.
func (d *Desk) Refresh(ctx context.Context, base principal.Principal, refreshToken string) (identity.Tokens, error) {
	if refreshToken == "" {
		return identity.Tokens{}, fault.Fields(fault.At("/refreshToken", "required"))
	}
	t, err := d.Identity.Refresh(ctx, refreshToken)
	if err != nil {
		return identity.Tokens{}, err
	}
	c, err := claimsOf(t.Access)
	if err == nil {
		_, err = d.Subjects.Subject(ctx, c, base)
	}
	switch {
	case fault.IsKind(err, fault.Unauthenticated):
		d.discard(ctx, identity.Outcome{Tokens: &t})
		return identity.Tokens{}, refused()
	case err != nil:
		return identity.Tokens{}, err
	}
	return t, nil
}

// revokedFor is how long a signed-out session is remembered: longer than any refresh token lives.
const revokedFor = 31 * 24 * time.Hour

// SignOut stages the end of the session: its access tokens are refused from the next request on, and so is whatever a refresh token of it
// would still give. The refresh token, when the client hands it over, dies at the provider too.
func (d *Desk) SignOut(who *policy.Subject, c *change.Set, refreshToken string) {
	c.Put(table.Item{
		Key: key.RevokedSession(who.Tenant, who.User, who.Session), Doc: []byte(`{}`), Expires: c.Now.Add(revokedFor),
	}, table.Always, nil)
	c.Record(audit.Event{Target: string(who.User)})
	if refreshToken != "" {
		c.After(func(ctx context.Context) error { return d.Identity.Revoke(ctx, refreshToken) })
	}
}

// claimsOf reads the claims of a token that came from the provider itself a moment ago: there is nothing to verify.
func claimsOf(access string) (identity.Claims, error) {
	broken := func(err error) (identity.Claims, error) {
		return identity.Claims{}, fault.New(fault.Internal, "internal").Because(err)
	}
	parts := strings.Split(access, ".")
	if len(parts) != 3 {
		return broken(nil)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return broken(err)
	}
	var c struct {
		Name     identity.Name `json:"username"`
		Session  string        `json:"origin_jti"`
		AuthTime int64         `json:"auth_time"`
		IssuedAt int64         `json:"iat"`
		Expires  int64         `json:"exp"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return broken(err)
	}
	return identity.Claims{
		Name: c.Name, Session: c.Session, AuthTime: time.Unix(c.AuthTime, 0), IssuedAt: time.Unix(c.IssuedAt, 0), Expires: time.Unix(c.Expires, 0),
	}, nil
}
