package me_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/signin"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/user"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	li     = "li.lei@acme.example"
	mobile = "+8613800138000"
)

type self struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"emailVerified"`
	Phone         string `json:"phone"`
	PhoneVerified bool   `json:"phoneVerified"`
	Locale        string `json:"locale"`
	Tenant        struct {
		Slug string `json:"slug"`
	} `json:"tenant"`
}

func read(t *testing.T, w *signintest.World, p *signintest.Person) self {
	t.Helper()
	var m self
	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "").Read(t, &m)
	return m
}

func withPhone(t *testing.T, w *signintest.World) *signintest.Person {
	t.Helper()
	p := w.Invited(t, user.Draft{Name: "李雷", Email: li, Phone: mobile})
	w.Answer(t, p)
	return p
}

// TestMyself: users see themselves whole, and change what is theirs to change.
func TestMyself(t *testing.T) {
	w := signintest.New(t)
	p := withPhone(t, w)
	a := w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")
	m := read(t, w, p)
	if m.ID != string(p.ID) || m.Name != "李雷" || m.Email != li || m.Phone != mobile || m.Tenant.Slug != "acme" {
		t.Errorf("me is %+v", m)
	}
	w.As(p).Patch("/v1/me", map[string]any{"name": "李蕾"}).Want(t, http.StatusPreconditionRequired, "if_match_required")
	b := w.As(p).IfMatch(a.ETag()).Patch("/v1/me", map[string]any{"name": "李蕾", "locale": "zh-TW"}).Want(t, http.StatusOK, "")
	if m := read(t, w, p); m.Name != "李蕾" || m.Locale != "zh-TW" {
		t.Errorf("after the change: %+v", m)
	}
	w.As(p).IfMatch(a.ETag()).Patch("/v1/me", map[string]any{"name": "x"}).Want(t, http.StatusPreconditionFailed, "version_conflict")

	before := edgetest.Dump(t, w.Table)
	for _, field := range []string{"roleIds", "status", "departmentId", "managerId", "emailVerified", "tenantId", "isAdmin", "employeeNo"} {
		if a := w.As(p).IfMatch(b.ETag()).Patch("/v1/me", map[string]any{field: "x"}); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", field, a.Status, a.Code())
		}
	}
	w.As(p).IfMatch(b.ETag()).Patch("/v1/me", map[string]any{"email": "no address"}).Want(t, http.StatusUnprocessableEntity, "invalid_email")
	w.As(p).IfMatch(b.ETag()).Patch("/v1/me", map[string]any{"name": "李蕾"}).Want(t, http.StatusOK, "") // changes nothing
	if edgetest.Dump(t, w.Table) != before {
		t.Error("refusals, or a change that is none, changed the store")
	}
}

func change(w *signintest.World, p *signintest.Person, current, next string) *edgetest.Answer {
	return w.As(p).Post("/v1/me/password", map[string]any{"currentPassword": current, "newPassword": next})
}

// TestChangeOfPassword ends every other session, and not this one: neither now nor when it is refreshed.
func TestChangeOfPassword(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	other := *p
	w.SignedIn(t, &other)
	w.Clock.Add(time.Second)
	change(w, p, signintest.First, signintest.Second).Want(t, http.StatusNoContent, "")

	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")
	w.As(&other).Get("/v1/me").Want(t, http.StatusUnauthorized, "token_invalid")
	refresh := func(p *signintest.Person) *edgetest.Answer {
		return w.API.Anonymous().Post("/v1/auth/refresh", map[string]any{"refreshToken": p.Refresh})
	}
	refresh(&other).Want(t, http.StatusUnauthorized, "credentials_invalid")
	var out signintest.Outcome
	refresh(p).Want(t, http.StatusOK, "").Read(t, &out)
	p.Access = out.AccessToken
	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")

	w.SignIn(p).Want(t, http.StatusUnauthorized, "credentials_invalid")
	p.Password = signintest.Second
	next := *p
	w.Clock.Add(time.Second)
	w.SignedIn(t, &next)
	// Ending all sessions later ends the one that was kept, too.
	w.Clock.Add(time.Second)
	w.Edit(t, key.User(p.Tenant, p.ID), func(doc map[string]any) { doc["sessionsAfter"] = w.Now().Format(time.RFC3339Nano) })
	w.As(p).Get("/v1/me").Want(t, http.StatusUnauthorized, "token_invalid")
	w.As(&next).Get("/v1/me").Want(t, http.StatusUnauthorized, "token_invalid")
}

func TestTheLastFivePasswords(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	used := []string{signintest.First}
	for i := range signin.Former {
		next := []string{"Quartz-Pelican-41-oven", "Velvet-Cactus-52-pier", "Hollow-Badger-37-lamp", "Copper-Walnut-95-raft", "Marble-Condor-68-tide"}[i]
		for j, old := range used {
			a := change(w, p, used[len(used)-1], old).Want(t, http.StatusUnprocessableEntity, "password_reused").Field(t, "/newPassword", "password_reused")
			if strings.Contains(string(a.Body), old) {
				t.Errorf("password %d is echoed", j)
			}
		}
		change(w, p, used[len(used)-1], next).Want(t, http.StatusNoContent, "")
		used = append(used, next)
	}
	change(w, p, used[len(used)-1], signintest.First).Want(t, http.StatusNoContent, "") // five others have been since
}

// TestChangeOfPasswordRefused: the present one must be right, guessing it is paced, and nothing changes.
func TestChangeOfPasswordRefused(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	w.As(p).Post("/v1/me/password", map[string]any{}).Want(t, http.StatusUnprocessableEntity, "required").
		Field(t, "/currentPassword", "required").Field(t, "/newPassword", "required")
	for range 8 { // a new one that is refused is no guess at the present one
		change(w, p, signintest.First, "too short").Want(t, http.StatusUnprocessableEntity, "password_too_short")
	}
	w.As(p).Post("/v1/me/password?validateOnly=true", map[string]any{"currentPassword": signintest.First, "newPassword": signintest.Second}).
		Want(t, http.StatusOK, "")
	w.SignedIn(t, p)
	for range signin.FreeAttempts + 1 {
		change(w, p, "wrong-Password-1", signintest.Second).Want(t, http.StatusUnprocessableEntity, "password_wrong").Field(t, "/currentPassword", "password_wrong")
	}
	change(w, p, signintest.First, signintest.Second).Want(t, http.StatusTooManyRequests, "too_many_attempts")
	if n := len(w.Events(t, p, "me.changePassword")); n != signin.FreeAttempts+1 {
		t.Errorf("%d events", n)
	}
	w.SignedIn(t, p)
}

// TestChangeCutShort: the provider failed after the commit. The old password is in force, and the change can be repeated.
func TestChangeCutShort(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	broken := *w.Platform
	broken.Identity = deaf{w.Identity}
	v := w.Over(t, &broken)
	change(v, p, signintest.First, signintest.Second).Want(t, http.StatusServiceUnavailable, "identity_unavailable")
	change(w, p, signintest.First, signintest.Second).Want(t, http.StatusNoContent, "")
	w.Clock.Add(time.Second)
	p.Password = signintest.Second
	w.SignedIn(t, p)
}

func start(w *signintest.World, p *signintest.Person, attribute string) *edgetest.Answer {
	return w.As(p).Post("/v1/me/verifications", map[string]any{"attribute": attribute})
}

func confirm(w *signintest.World, p *signintest.Person, attribute, code string) *edgetest.Answer {
	return w.As(p).Post("/v1/me/verifications/confirm", map[string]any{"attribute": attribute, "code": code})
}

// code asks for a code and reads it where it was sent.
func code(t *testing.T, w *signintest.World, p *signintest.Person, attribute, to string) string {
	t.Helper()
	w.Clock.Add(signin.ResendPause)
	start(w, p, attribute).Want(t, http.StatusAccepted, "")
	w.Jobs(t)
	m := w.Mail(t, to)
	if m.Template != "verify" || len(m.Code) != 8 || !strings.Contains(m.Text, m.Code) {
		t.Fatalf("the newest message is %s with %d signs of code", m.Template, len(m.Code))
	}
	return m.Code
}

// TestVerification is U05, for both addresses.
func TestVerification(t *testing.T) {
	w := signintest.New(t)
	p := withPhone(t, w)
	for _, c := range []struct{ attribute, to, channel string }{{"email", li, "email"}, {"phone", mobile, "sms"}} {
		good := code(t, w, p, c.attribute, c.to)
		if got := string(w.Mail(t, c.to).Channel); got != c.channel {
			t.Errorf("%s went by %s", c.attribute, got)
		}
		w.As(p).Post("/v1/me/verifications/confirm?validateOnly=true", map[string]any{"attribute": c.attribute, "code": good}).
			Want(t, http.StatusBadRequest, "validate_only_unsupported")
		confirm(w, p, c.attribute, "00000000").Want(t, http.StatusBadRequest, "code_invalid")
		confirm(w, p, c.attribute, good).Want(t, http.StatusOK, "")
		confirm(w, p, c.attribute, good).Want(t, http.StatusBadRequest, "code_invalid") // used
		start(w, p, c.attribute).Want(t, http.StatusOK, "")                             // verified already: nothing is sent
	}
	if m := read(t, w, p); !m.EmailVerified || !m.PhoneVerified {
		t.Errorf("after both: %+v", m)
	}
	w.Jobs(t)
	u, err := w.Identity.GetUser(t.Context(), identity.NameOf(p.Tenant, p.ID))
	if err != nil || !u.EmailVerified || !u.PhoneVerified {
		t.Errorf("the provider says %+v, %v", u, err)
	}
}

func TestVerificationRefused(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	before := edgetest.Dump(t, w.Table)
	start(w, p, "").Want(t, http.StatusUnprocessableEntity, "required").Field(t, "/attribute", "required")
	start(w, p, "name").Want(t, http.StatusUnprocessableEntity, "attribute_unknown")
	start(w, p, "phone").Want(t, http.StatusUnprocessableEntity, "attribute_missing")
	confirm(w, p, "email", "").Want(t, http.StatusUnprocessableEntity, "required").Field(t, "/code", "required")
	confirm(w, p, "email", "12345678").Want(t, http.StatusBadRequest, "code_invalid") // none is out
	w.As(p).Post("/v1/me/verifications?validateOnly=true", map[string]any{"attribute": "email"}).Want(t, http.StatusOK, "")
	if edgetest.Dump(t, w.Table) != before {
		t.Error("the store changed")
	}
	start(w, p, "email").Want(t, http.StatusAccepted, "")
	a := start(w, p, "email").Want(t, http.StatusTooManyRequests, "code_sent_recently")
	if n := signintest.RetryAfter(t, a); n != 60 {
		t.Errorf("ask again after %d s", n)
	}
}

// TestWrongVerificationCodes: one answer for wrong, expired, worn out, of another user, of another purpose, of another address.
func TestWrongVerificationCodes(t *testing.T) {
	w := signintest.New(t)
	p := withPhone(t, w)
	q := w.Invited(t, user.Draft{Name: "韩梅梅", Email: "han@acme.example", Phone: "+8613900139000"})
	w.Answer(t, q)
	theirs := code(t, w, q, "email", q.Email)
	forPhone := code(t, w, p, "phone", mobile)
	mine := code(t, w, p, "email", li)
	var first string
	for what, c := range map[string]string{"wrong": "00000000", "of another user": theirs, "for the phone": forPhone, "very long": strings.Repeat("1", 10_000)} {
		a := confirm(w, p, "email", c).Want(t, http.StatusBadRequest, "code_invalid")
		if first == "" {
			first = signintest.Bytes(a)
		}
		if got := signintest.Bytes(a); got != first {
			t.Errorf("%s: %s", what, got)
		}
	}
	confirm(w, p, "email", mine[:4]+" "+mine[4:]).Want(t, http.StatusOK, "") // the fifth try
	// Worn out.
	fresh := code(t, w, q, "email", q.Email)
	for i := range signin.CodeTries {
		confirm(w, q, "email", "0000000"+strconv.Itoa(i)).Want(t, http.StatusBadRequest, "code_invalid")
	}
	confirm(w, q, "email", fresh).Want(t, http.StatusBadRequest, "code_invalid")
	// Over.
	fresh = code(t, w, q, "email", q.Email)
	w.Clock.Add(signin.CodeLife)
	w.SignedIn(t, q)
	confirm(w, q, "email", fresh).Want(t, http.StatusBadRequest, "code_invalid")
	// Replaced.
	old := code(t, w, q, "email", q.Email)
	fresh = code(t, w, q, "email", q.Email)
	confirm(w, q, "email", old).Want(t, http.StatusBadRequest, "code_invalid")
	// Of an address that was changed since.
	a := w.As(q).Get("/v1/me")
	w.As(q).IfMatch(a.ETag()).Patch("/v1/me", map[string]any{"email": "han.new@acme.example", "currentPassword": signintest.First}).Want(t, http.StatusOK, "")
	confirm(w, q, "email", fresh).Want(t, http.StatusBadRequest, "code_invalid")
	if m := read(t, w, q); m.EmailVerified {
		t.Error("a code for the old address verified the new one")
	}
	confirm(w, q, "email", code(t, w, q, "email", "han.new@acme.example")).Want(t, http.StatusOK, "")
}

// TestAnAddressNeedsThePassword: a stolen session alone is no way into the account.
func TestAnAddressNeedsThePassword(t *testing.T) {
	w := signintest.New(t)
	p := withPhone(t, w)
	tag := w.As(p).Get("/v1/me").ETag()
	for _, row := range []struct {
		body map[string]any
		code string
	}{
		{map[string]any{"email": "thief@acme.example"}, "required"},
		{map[string]any{"phone": "+8613900139000"}, "required"},
		{map[string]any{"phone": nil}, "required"},
		{map[string]any{"email": "thief@acme.example", "currentPassword": "a-guess-that-is-wrong"}, "password_wrong"},
	} {
		w.As(p).IfMatch(tag).Patch("/v1/me", row.body).Want(t, http.StatusUnprocessableEntity, row.code)
		if m := read(t, w, p); m.Email != li || m.Phone != mobile {
			t.Fatalf("the address is %s, %s", m.Email, m.Phone)
		}
	}
	// The same address again changes nothing and asks for nothing.
	w.As(p).IfMatch(tag).Patch("/v1/me", map[string]any{"email": li}).Want(t, http.StatusOK, "")
	w.As(p).IfMatch(tag).Patch("/v1/me", map[string]any{"email": "own@acme.example", "currentPassword": signintest.First}).Want(t, http.StatusOK, "")
}

// TestAChangedAddressIsUnverified, and a code on its way to the old one is not sent to the new one.
func TestAChangedAddressIsUnverified(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	confirm(w, p, "email", code(t, w, p, "email", li)).Want(t, http.StatusOK, "")
	a := w.As(p).Get("/v1/me")
	b := w.As(p).IfMatch(a.ETag()).Patch("/v1/me", map[string]any{"email": "second@acme.example", "currentPassword": signintest.First}).Want(t, http.StatusOK, "")
	if read(t, w, p).EmailVerified {
		t.Error("a changed address is verified")
	}
	start(w, p, "email").Want(t, http.StatusAccepted, "")
	w.As(p).IfMatch(b.ETag()).Patch("/v1/me", map[string]any{"email": "third@acme.example", "currentPassword": signintest.First}).Want(t, http.StatusOK, "")
	w.Jobs(t)
	if w.Sent("third@acme.example")+w.Sent("second@acme.example") != 0 {
		t.Error("a code went out for an address that had changed")
	}
}

// TestParallelUsesOfACode is I35.
func TestParallelUsesOfACode(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	good := code(t, w, p, "email", li)
	codes := make([]string, 10)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() { codes[i] = confirm(w, p, "email", good).Code() })
	}
	wg.Wait()
	won := 0
	for _, c := range codes {
		switch c {
		case "":
			won++
		case "code_invalid":
		default:
			t.Errorf("got %s", c)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d succeeded: %q", won, len(codes), codes)
	}
}

// TestParallelGuesses: however many at once, five are judged.
func TestParallelGuesses(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	good := code(t, w, p, "email", li)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() { confirm(w, p, "email", "0000000"+strconv.Itoa(i%10)) })
	}
	wg.Wait()
	confirm(w, p, "email", good).Want(t, http.StatusBadRequest, "code_invalid")
}
