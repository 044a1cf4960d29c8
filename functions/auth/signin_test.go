package auth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/user"
)

const li = "li.lei@acme.example"

// TestTheFirstSignInActivates is U04: the invitation is single use, an invited user reaches no data, and the first finished sign-in makes
// them active, in one commit with its event.
func TestTheFirstSignInActivates(t *testing.T) {
	w := signintest.New(t)
	p := w.Invited(t, user.Draft{Name: "李雷", Email: li})
	var out signintest.Outcome
	w.SignIn(p).Want(t, http.StatusOK, "").Read(t, &out)
	if out.Challenge != "new_password" || out.Session == "" || out.AccessToken != "" {
		t.Fatalf("a temporary password gives %+v", out)
	}
	answer := map[string]any{"session": out.Session, "newPassword": signintest.First}
	a := w.API.Anonymous().Post("/v1/auth/challenge", answer).Want(t, http.StatusOK, "").Read(t, &out)
	if out.AccessToken == "" || out.RefreshToken == "" || out.ExpiresIn != 900 {
		t.Fatalf("the answer gives %s", a.Body)
	}
	p.Access = out.AccessToken
	var me struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "").Read(t, &me)
	if me.ID != string(p.ID) || me.Status != "active" {
		t.Errorf("me is %+v", me)
	}
	w.API.Anonymous().Post("/v1/auth/challenge", answer).Want(t, http.StatusUnauthorized, "credentials_invalid")
	w.SignIn(p).Want(t, http.StatusUnauthorized, "credentials_invalid") // the temporary password

	p.Password = signintest.First
	w.SignedIn(t, p)
	if n := len(w.Events(t, p, "users.activate")); n != 1 {
		t.Errorf("%d activations", n)
	}
	if n := len(w.Events(t, p, "auth.signIn")); n != 2 { // one denied, one done
		t.Errorf("%d sign-ins", n)
	}
}

func TestAnInvitedUserReachesNothing(t *testing.T) {
	w := signintest.New(t)
	p := w.Invited(t, user.Draft{Name: "李雷", Email: li})
	// A provider that hands out a token all the same: the row decides.
	if err := w.Identity.SetPassword(t.Context(), identity.NameOf(p.Tenant, p.ID), signintest.First); err != nil {
		t.Fatal(err)
	}
	out, err := w.Identity.Authenticate(t.Context(), identity.NameOf(p.Tenant, p.ID), signintest.First)
	if err != nil {
		t.Fatal(err)
	}
	p.Access = out.Tokens.Access
	w.As(p).Get("/v1/me").Want(t, http.StatusUnauthorized, "account_inactive")
}

// TestACrashInTheFirstSignIn: the provider took the new password, and the commit never came. The next sign-in makes the user active.
func TestACrashInTheFirstSignIn(t *testing.T) {
	w := signintest.New(t)
	p := w.Invited(t, user.Draft{Name: "李雷", Email: li})
	if err := w.Identity.SetPassword(t.Context(), identity.NameOf(p.Tenant, p.ID), signintest.First); err != nil {
		t.Fatal(err)
	}
	p.Password = signintest.First
	w.SignedIn(t, p)
	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")
	if n := len(w.Events(t, p, "users.activate")); n != 1 {
		t.Errorf("%d activations", n)
	}
}

// TestNobodyTellsKnownFromUnknown: every way to fail gives the same bytes, takes the same number of reads and commits, and one hash.
func TestNobodyTellsKnownFromUnknown(t *testing.T) {
	w, count := counted(t)
	active := w.Active(t, li)
	inactive := w.Active(t, "han.meimei@acme.example")
	w.Edit(t, key.User(w.Tenant, inactive.ID), func(doc map[string]any) { doc["status"] = "inactive" })
	if err := w.Identity.Disable(t.Context(), identity.NameOf(w.Tenant, inactive.ID)); err != nil {
		t.Fatal(err)
	}
	leaver := w.Active(t, "leaver@acme.example") // locked out in the table, and the provider has not heard of it
	w.Edit(t, key.User(w.Tenant, leaver.ID), func(doc map[string]any) { doc["status"] = "inactive" })
	expired := w.Invited(t, user.Draft{Name: "过期", Email: "expired@acme.example"})
	w.Clock.Add(user.InvitationLife)
	elsewhere := w.AddTenant(t, "other")
	other := w.InvitedTo(t, elsewhere, "other", user.Draft{Name: "李雷", Email: "only@other.example"})

	var first string
	var cost reads
	for _, c := range []struct{ what, tenant, email, password string }{
		{"a wrong password", "acme", active.Email, "wrong-Password-1"},
		{"an unknown user", "acme", "nobody@acme.example", signintest.First},
		{"an unknown tenant", "nowhere", active.Email, signintest.First},
		{"no possible tenant", "No Where!", active.Email, signintest.First},
		{"no possible address", "acme", "not an address", signintest.First},
		{"a deactivated user", "acme", inactive.Email, signintest.First},
		{"a deactivated user, wrong password", "acme", inactive.Email, "wrong-Password-1"},
		{"a leaver of this moment", "acme", leaver.Email, signintest.First},
		{"an invitation that is over", "acme", expired.Email, expired.Password},
		{"a user of another tenant", "acme", other.Email, other.Password},
		{"a very long password", "acme", active.Email, string(make([]byte, 5000))},
	} {
		before := *count
		a := w.API.Anonymous().Post("/v1/auth/sign-in", map[string]any{"tenant": c.tenant, "email": c.email, "password": c.password})
		a.Want(t, http.StatusUnauthorized, "credentials_invalid")
		spent := count.since(before)
		if first == "" {
			first, cost = signintest.Bytes(a), spent
		}
		if got := signintest.Bytes(a); got != first {
			t.Errorf("%s: %s\nwant %s", c.what, got, first)
		}
		if spent != cost {
			t.Errorf("%s costs %+v, a wrong password %+v", c.what, spent, cost)
		}
	}
	if cost.hashes != 1 {
		t.Errorf("a refusal takes %d hashes", cost.hashes)
	}
}

func TestSignInNeedsAllOfIt(t *testing.T) {
	w := signintest.New(t)
	before := edgetest.Dump(t, w.Table)
	a := w.API.Anonymous().Post("/v1/auth/sign-in", map[string]any{}).Want(t, http.StatusUnprocessableEntity, "required")
	for _, f := range []string{"/tenant", "/email", "/password"} {
		a.Field(t, f, "required")
	}
	w.API.Anonymous().Post("/v1/auth/challenge", map[string]any{}).Field(t, "/session", "required")
	w.API.Anonymous().Post("/v1/auth/refresh", map[string]any{}).Field(t, "/refreshToken", "required")
	w.API.Anonymous().Post("/v1/auth/challenge", map[string]any{"session": "made up", "newPassword": "short"}).
		Want(t, http.StatusUnauthorized, "credentials_invalid") // the policy says nothing without a session
	if edgetest.Dump(t, w.Table) != before {
		t.Error("the store changed")
	}
}

// TestTheStateOfTheTenant is told to whoever knows a password of it, and to nobody else.
func TestTheStateOfTheTenant(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	w.Edit(t, key.Tenant(w.Tenant), func(doc map[string]any) { doc["status"] = "suspended" })
	w.SignIn(p).Want(t, http.StatusForbidden, "tenant_suspended")
	p.Password = "wrong-Password-1"
	w.SignIn(p).Want(t, http.StatusUnauthorized, "credentials_invalid")
	w.As(p).Get("/v1/me").Want(t, http.StatusForbidden, "tenant_suspended")
	w.API.Anonymous().Post("/v1/auth/refresh", map[string]any{"refreshToken": p.Refresh}).Want(t, http.StatusForbidden, "tenant_suspended")
}

func TestOneAddressInTwoTenants(t *testing.T) {
	w := signintest.New(t)
	here := w.Active(t, li)
	there := w.InvitedTo(t, w.AddTenant(t, "other"), "other", user.Draft{Name: "李雷", Email: li})
	if w.SignIn(there).Code() != "" || w.SignIn(here).Code() != "" {
		t.Fatal("one of the two cannot sign in")
	}
	crossed := *here
	crossed.Slug = "other"
	w.SignIn(&crossed).Want(t, http.StatusUnauthorized, "credentials_invalid")
}

// TestWhatIsTypedOtherwise: slug and address are the same in other letters; the password is taken byte by byte.
func TestWhatIsTypedOtherwise(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	typed := *p
	typed.Slug, typed.Email = " Acme ", "LI.LEI@Acme.Example"
	w.SignIn(&typed).Want(t, http.StatusOK, "")
	typed.Password = " " + p.Password
	w.SignIn(&typed).Want(t, http.StatusUnauthorized, "credentials_invalid")
}

// TestSignOut: the access token is refused from the next request on, and the refresh token with it, given or not.
func TestSignOut(t *testing.T) {
	for _, c := range []struct {
		what string
		body func(p *signintest.Person) any
	}{
		{"with the refresh token", func(p *signintest.Person) any { return map[string]any{"refreshToken": p.Refresh} }},
		{"without it", func(*signintest.Person) any { return map[string]any{} }},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := signintest.New(t)
			p := w.Active(t, li)
			other := *p
			w.SignedIn(t, &other)
			w.As(p).Post("/v1/auth/sign-out?validateOnly=true", c.body(p)).Want(t, http.StatusOK, "")
			w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")

			w.As(p).Post("/v1/auth/sign-out", c.body(p)).Want(t, http.StatusNoContent, "")
			w.As(p).Get("/v1/me").Want(t, http.StatusUnauthorized, "token_invalid")
			w.API.Anonymous().Post("/v1/auth/refresh", map[string]any{"refreshToken": p.Refresh}).
				Want(t, http.StatusUnauthorized, "credentials_invalid")
			w.As(&other).Get("/v1/me").Want(t, http.StatusOK, "") // another sign-in goes on
			if n := len(w.Events(t, p, "auth.signOut")); n != 1 {
				t.Errorf("%d events", n)
			}
		})
	}
}

// TestRefresh is good once, carries the sign-in on, and is refused as soon as the row says so.
func TestRefresh(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	w.Clock.Add(16 * time.Minute)
	w.As(p).Get("/v1/me").Want(t, http.StatusUnauthorized, "token_invalid")
	refresh := func(p *signintest.Person) *edgetest.Answer {
		return w.API.Anonymous().Post("/v1/auth/refresh", map[string]any{"refreshToken": p.Refresh})
	}
	var out signintest.Outcome
	refresh(p).Want(t, http.StatusOK, "").Read(t, &out)
	stolen := *p
	p.Access, p.Refresh = out.AccessToken, out.RefreshToken
	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")
	refresh(&stolen).Want(t, http.StatusUnauthorized, "credentials_invalid")
	refresh(p).Want(t, http.StatusUnauthorized, "credentials_invalid") // the theft ended the sign-in

	w.SignedIn(t, p)
	w.Edit(t, key.User(p.Tenant, p.ID), func(doc map[string]any) { doc["status"] = "inactive" })
	refresh(p).Want(t, http.StatusUnauthorized, "credentials_invalid")
	w.Edit(t, key.User(p.Tenant, p.ID), func(doc map[string]any) { doc["status"] = "active" })
	refresh(p).Want(t, http.StatusUnauthorized, "credentials_invalid") // U09: sessions do not come back
}

// TestALeaverComesBack is U08 and U09, over the API of an administrator.
func TestALeaverComesBack(t *testing.T) {
	w := signintest.New(t)
	all := policy.Grant{Module: policy.ModUser, Action: policy.Update, Scope: policy.All}
	boss := edgetest.Serve(t, w.Platform, routes(w)).As(w.User(t, w.Tenant, all, policy.Grant{Module: policy.ModUser, Action: policy.View, Scope: policy.All}))
	p := w.Active(t, li)
	w.Clock.Add(time.Second)
	one := "/v1/users/" + string(p.ID)
	boss.Post(one+"/deactivate", nil).Want(t, http.StatusOK, "")
	w.As(p).Get("/v1/me").Want(t, http.StatusUnauthorized, "account_inactive")
	w.SignIn(p).Want(t, http.StatusUnauthorized, "credentials_invalid") // before any job has told the provider
	w.Jobs(t)
	w.SignIn(p).Want(t, http.StatusUnauthorized, "credentials_invalid")

	boss.Post(one+"/reactivate", nil).Want(t, http.StatusOK, "")
	w.Jobs(t)
	w.As(p).Get("/v1/me").Want(t, http.StatusUnauthorized, "token_invalid")
	w.Clock.Add(time.Second)
	w.SignedIn(t, p)
	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")
}

// TestTheSecondOfTheEnd: a sign-in in the very second in which all sessions were ended would be dead on arrival, and says so.
func TestTheSecondOfTheEnd(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	w.Edit(t, key.User(p.Tenant, p.ID), func(doc map[string]any) { doc["sessionsAfter"] = w.Now().Format(time.RFC3339) })
	a := w.SignIn(p).Want(t, http.StatusServiceUnavailable, "busy")
	w.Clock.Add(time.Duration(signintest.RetryAfter(t, a)) * time.Second)
	w.SignedIn(t, p)
	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")
}

// TestEventsOfSignIns: who, from where, and whether; nothing of what was typed.
func TestEventsOfSignIns(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	wrong := *p
	wrong.Password = "wrong-Password-1"
	w.SignIn(&wrong).Want(t, http.StatusUnauthorized, "credentials_invalid")
	w.SignedIn(t, p)
	events := w.Events(t, p, "auth.signIn")
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	no, yes := events[0], events[1]
	if no.Outcome != audit.Denied || no.Code != "credentials_invalid" || no.Actor != string(p.ID) || no.Source != "192.0.2.1" || no.Session != "" {
		t.Errorf("the refusal is %+v", no)
	}
	if yes.Outcome != audit.Done || yes.Actor != string(p.ID) || yes.Session == "" || yes.RequestID == "" {
		t.Errorf("the sign-in is %+v", yes)
	}
	// An unknown user of a known tenant leaves an event too, of nobody.
	unknown := *p
	unknown.Email = "nobody@acme.example"
	before := edgetest.Dump(t, w.Table)
	w.SignIn(&unknown).Want(t, http.StatusUnauthorized, "credentials_invalid")
	if edgetest.Dump(t, w.Table) == before {
		t.Error("no trace of an attempt at an unknown user")
	}
}
