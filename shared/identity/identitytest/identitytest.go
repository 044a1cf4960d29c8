// Package identitytest is the contract of identity.Identity: every adapter passes it. On a stand-in for Cognito the checks that it is wrong about
// are left out by name. The contract demands what Steward relies on and
// what Cognito can be made to do. It does not demand what Cognito does not promise: an order of ListUsers, the death of a sign-in when a
// rotated refresh token is used again (with rotation on, a token may even stay good for up to 60 seconds: RefreshTokenRotationType in the
// API reference, November 2026), a session that survives a wrong code, or one that is dead after it. Whatever an adapter promises beyond
// this stands in its own tests.
package identitytest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/peertest"
)

// Subject is an adapter under test.
type Subject struct {
	Identity identity.Identity
	Now      func() time.Time // the adapter's clock

	// Advance moves the adapter's clock. It is nil for a provider whose clock is the world's; then the checks that need time to pass
	// do not run: expiry, and codes of a second factor beyond the first.
	Advance func(time.Duration)
}

// Words that no user of the suite has by chance.
const (
	temporary = "Tmp-7Kq4-vexed-Heron"
	permanent = "Quiet-Otter-63-ladder"
	other     = "Brisk-Maple-18-kettle"
	mail      = "li.lei@example.com"
	mobile    = "+8613800138000"
	day       = 24 * time.Hour
)

// Run holds the adapter that open returns against the contract, but for what a stand-in lacks. open gives one that the suite may fill with
// users of its own names; others may be in it.
func Run(t *testing.T, open func(t *testing.T) Subject, lacks ...peertest.Lacks) {
	checks := peertest.Begin(t, lacks...)
	for _, part := range []struct {
		name  string
		check func(*world)
	}{
		{"users", users},
		{"sign-in", signIn},
		{"refusals", refusals},
		{"challenges", challenges},
		{"passwords", passwords},
		{"sessions", sessions},
		{"tokens", tokens},
		{"second factor", secondFactor},
		{"races", races},
	} {
		if checks.Has(part.name) {
			t.Run(part.name, func(t *testing.T) {
				part.check(&world{T: t, Subject: open(t), ids: id.NewSource(time.Now, rand.Reader), has: checks.Has})
			})
		}
	}
}

// world is one open adapter with helpers that end the test when a step that is not under test fails.
type world struct {
	*testing.T
	Subject
	ids *id.Source
	has func(check string) bool // false for what the stand-in lacks
}

func (w *world) name() identity.Name {
	return identity.NameOf(id.New[id.Tenant](w.ids), id.New[id.User](w.ids))
}

// invited makes a user who has not answered the invitation; active one who has.
func (w *world) invited() identity.Name {
	w.Helper()
	n := w.name()
	w.must(w.Identity.CreateUser(w.Context(), n, mail, mobile, temporary, day))
	return n
}

func (w *world) active() identity.Name {
	w.Helper()
	n := w.invited()
	w.must(w.Identity.SetPassword(w.Context(), n, permanent))
	return n
}

// signedIn signs a user in who has no second factor.
func (w *world) signedIn(n identity.Name, password string) identity.Tokens {
	w.Helper()
	out, err := w.Identity.Authenticate(w.Context(), n, password)
	w.must(err)
	if out.Tokens == nil {
		w.Fatalf("sign-in asks for %q", out.Challenge)
	}
	return *out.Tokens
}

// challenged begins a sign-in that must ask for c.
func (w *world) challenged(n identity.Name, password string, c identity.Challenge) string {
	w.Helper()
	out, err := w.Identity.Authenticate(w.Context(), n, password)
	w.must(err)
	if out.Challenge != c || out.Session == "" || out.Tokens != nil {
		w.Fatalf("challenge is %q with tokens: %t, want %q and none", out.Challenge, out.Tokens != nil, c)
	}
	return out.Session
}

// token signs a user in who has no second factor, and gives the access token.
func (w *world) token(n identity.Name) identity.AccessToken {
	w.Helper()
	return identity.AccessToken(w.signedIn(n, permanent).Access)
}

// enrolled gives the user a second factor.
func (w *world) enrolled(n identity.Name) (secret string) {
	w.Helper()
	t := w.token(n)
	secret, err := w.Identity.EnrolTOTP(w.Context(), n, t)
	w.must(err)
	w.must(w.Identity.ConfirmTOTP(w.Context(), n, t, w.code(secret, 0)))
	return secret
}

// code is the code of the secret some steps from now.
func (w *world) code(secret string, steps int) string {
	w.Helper()
	c, err := totp.GenerateCode(secret, w.Now().Add(time.Duration(steps)*30*time.Second))
	w.must(err)
	return c
}

// wrongCode is a code that none of the steps around now has.
func (w *world) wrongCode(secret string) string {
	for _, c := range []string{"000000", "111111", "222222", "333333"} {
		near := false
		for steps := -2; steps <= 2; steps++ {
			near = near || w.code(secret, steps) == c
		}
		if !near {
			return c
		}
	}
	panic("unreachable: five steps have at most five codes, and four of them are not these")
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) get(n identity.Name) identity.User {
	w.Helper()
	u, err := w.Identity.GetUser(w.Context(), n)
	w.must(err)
	return u
}

// want demands a fault of the kind and code.
func (w *world) want(what string, err error, k fault.Kind, code string) {
	w.Helper()
	if !fault.Is(err, code) || !fault.IsKind(err, k) {
		w.Errorf("%s: got %v, want %s", what, err, code)
	}
}

// refused demands the one answer to everything that does not authenticate, the same in every byte that a client could see.
func (w *world) refused(what string, err error) {
	w.Helper()
	w.want(what, err, fault.Unauthenticated, "credentials_invalid")
	if f := fault.Of(err); len(f.Args)+len(f.Fields) > 0 || f.RetryAfter != 0 {
		w.Errorf("%s: the refusal tells more than the others", what)
	}
}

// may reports on a step that must be allowed, without ending the test.
func (w *world) may(what string, err error) {
	w.Helper()
	if err != nil {
		w.Errorf("%s: %v", what, err)
	}
}
