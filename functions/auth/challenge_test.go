package auth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/user"
)

func answer(w *signintest.World, session string, more ...string) *edgetest.Answer {
	body := map[string]any{"session": session}
	for i := 0; i < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	return w.API.Anonymous().Post("/v1/auth/challenge", body)
}

func challenged(t *testing.T, w *signintest.World, p *signintest.Person, want string) string {
	t.Helper()
	var out signintest.Outcome
	w.SignIn(p).Want(t, http.StatusOK, "").Read(t, &out)
	if out.Challenge != want || out.Session == "" || out.AccessToken != "" || out.RefreshToken != "" {
		t.Fatalf("the sign-in gives %+v, want the challenge %s", out, want)
	}
	return out.Session
}

// TestTheFirstPassword: the policy judges it, the session stays open for another, and whoever holds no session learns nothing.
func TestTheFirstPassword(t *testing.T) {
	w := signintest.New(t)
	p := w.Invited(t, user.Draft{Name: "Henrietta Blackwood", Email: "h.blackwood@acme.example", Phone: "+8613800138000"})
	s := challenged(t, w, p, "new_password")
	before := edgetest.Dump(t, w.Table)
	for _, c := range []struct{ password, code string }{
		{"eleven-char", "password_too_short"},
		{strings.Repeat("Long-otter-", 12), "password_too_long"},
		{"password1234", "password_common"},
		{"qwertyuiop12", "password_common"},
		{"Henrietta-Blackwood-77", "password_contextual"},
		{"blackwood-h.blackwood@acme.example", "password_contextual"},
		{"aaaaaaaaaaaaaaaa", "password_weak"},
		{"Quiet-Otter\x00-63-ladder", "forbidden_character"},
	} {
		a := answer(w, s, "newPassword", c.password)
		if a.Status != http.StatusUnprocessableEntity || a.Code() != c.code && !(c.code == "password_weak" && a.Code() == "password_common") {
			t.Errorf("%q: %d %s, want %s", c.password, a.Status, a.Code(), c.code)
		}
		if strings.Contains(string(a.Body), c.password) {
			t.Errorf("%q is echoed", c.password)
		}
	}
	answer(w, s).Want(t, http.StatusUnprocessableEntity, "required").Field(t, "/newPassword", "required")
	answer(w, s, "code", "123456").Want(t, http.StatusUnprocessableEntity, "required").Field(t, "/newPassword", "required")
	swapped := s[8:16] + s[:8] + s[16:]
	for _, forged := range []string{s + "A", swapped, s[:len(s)-4], strings.Repeat("A", len(s)), "no base 64 at all"} {
		answer(w, forged, "newPassword", "short").Want(t, http.StatusUnauthorized, "credentials_invalid")
	}
	if edgetest.Dump(t, w.Table) != before {
		t.Error("refusals changed the store")
	}
	answer(w, s, "newPassword", " Zoë 🦉 leading space").Want(t, http.StatusOK, "")
	w.Clock.Add(time.Second)
	p.Password = " Zoë 🦉 leading space"
	w.SignedIn(t, p)
}

// TestASessionIsOver after three minutes, after its use, and when the user or the tenant is locked out meanwhile.
func TestASessionIsOver(t *testing.T) {
	w := signintest.New(t)
	p := w.Invited(t, user.Draft{Name: "李雷", Email: li})
	s := challenged(t, w, p, "new_password")
	w.Clock.Add(3 * time.Minute)
	answer(w, s, "newPassword", signintest.First).Want(t, http.StatusUnauthorized, "credentials_invalid")

	s = challenged(t, w, p, "new_password")
	w.Edit(t, key.User(p.Tenant, p.ID), func(doc map[string]any) { doc["status"] = "deleted" })
	answer(w, s, "newPassword", signintest.First).Want(t, http.StatusUnauthorized, "credentials_invalid")
	w.Edit(t, key.User(p.Tenant, p.ID), func(doc map[string]any) { doc["status"] = "invited" })
	w.Edit(t, key.Tenant(p.Tenant), func(doc map[string]any) { doc["status"] = "suspended" })
	answer(w, s, "newPassword", signintest.First).Want(t, http.StatusForbidden, "tenant_suspended")
	w.Edit(t, key.Tenant(p.Tenant), func(doc map[string]any) { doc["status"] = "active" })

	answer(w, s, "newPassword", signintest.First).Want(t, http.StatusOK, "")
	for _, pw := range []string{signintest.First, signintest.Second, "short"} { // nothing of the policy, and nothing of what was used
		answer(w, s, "newPassword", pw).Want(t, http.StatusUnauthorized, "credentials_invalid")
	}
}

func TestParallelAnswersHaveOneSuccess(t *testing.T) {
	w := signintest.New(t)
	p := w.Invited(t, user.Draft{Name: "李雷", Email: li})
	s := challenged(t, w, p, "new_password")
	codes := make([]string, 6)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() { codes[i] = answer(w, s, "newPassword", signintest.First).Code() })
	}
	wg.Wait()
	if n := count(codes, ""); n != 1 || count(codes, "credentials_invalid") != len(codes)-1 {
		t.Errorf("answers: %q", codes)
	}
	if n := len(w.Events(t, p, "users.activate")); n != 1 {
		t.Errorf("activated %d times", n)
	}
}

func count(list []string, s string) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

// TestTheSecondFactor: enrolled in /v1/me, asked for at sign-in, each code good once, and guessing is paced.
func TestTheSecondFactor(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	var e struct {
		Secret string `json:"secret"`
		URL    string `json:"url"`
	}
	w.As(p).Post("/v1/me/totp?validateOnly=true", nil).Want(t, http.StatusBadRequest, "validate_only_unsupported")
	w.As(p).Post("/v1/me/totp", nil).Want(t, http.StatusOK, "").Read(t, &e)
	if !strings.HasPrefix(e.URL, "otpauth://totp/Steward:") || !strings.Contains(e.URL, "secret="+e.Secret) {
		t.Errorf("the URL is %s", e.URL)
	}
	code := func() string {
		c, err := totp.GenerateCode(e.Secret, w.Now())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	w.SignedIn(t, p) // not in force yet
	w.As(p).Post("/v1/me/totp/confirm", map[string]any{"code": "no code"}).Want(t, http.StatusBadRequest, "code_invalid")
	w.As(p).Post("/v1/me/totp/confirm", map[string]any{"code": code()}).Want(t, http.StatusNoContent, "")
	w.As(p).Post("/v1/me/totp/confirm", map[string]any{"code": code()}).Want(t, http.StatusBadRequest, "code_invalid")

	s := challenged(t, w, p, "totp")
	answer(w, s, "code", code()).Want(t, http.StatusUnauthorized, "credentials_invalid") // it confirmed
	w.Clock.Add(30 * time.Second)
	answer(w, s).Want(t, http.StatusUnprocessableEntity, "required").Field(t, "/code", "required")
	var out signintest.Outcome
	answer(w, s, "code", code()).Want(t, http.StatusOK, "").Read(t, &out)
	p.Access = out.AccessToken
	w.As(p).Get("/v1/me").Want(t, http.StatusOK, "")
	answer(w, s, "code", code()).Want(t, http.StatusUnauthorized, "credentials_invalid")
	again := challenged(t, w, p, "totp")
	answer(w, again, "code", code()).Want(t, http.StatusUnauthorized, "credentials_invalid") // a code once, whatever the session

	w.Clock.Add(time.Hour)
	guesses, paused := 0, false
	for range 20 {
		var out signintest.Outcome
		a := w.SignIn(p)
		if a.Code() == "too_many_attempts" {
			paused = true
			break
		}
		a.Want(t, http.StatusOK, "").Read(t, &out)
		if a := answer(w, out.Session, "code", "000000"); a.Code() == "too_many_attempts" {
			paused = true
			break
		}
		guesses++
	}
	if !paused || guesses > 5 {
		t.Errorf("%d guesses at the code in one go", guesses)
	}

	w.Clock.Add(time.Hour)
	w.As(p).Delete("/v1/me/totp").Want(t, http.StatusUnauthorized, "token_invalid") // the token ran out by now
	var last signintest.Outcome
	answer(w, challenged(t, w, p, "totp"), "code", code()).Want(t, http.StatusOK, "").Read(t, &last)
	p.Access = last.AccessToken
	w.As(p).Delete("/v1/me/totp").Want(t, http.StatusNoContent, "")
	events := len(w.Events(t, p, "me.removeTotp"))
	w.As(p).Delete("/v1/me/totp").Want(t, http.StatusNoContent, "")
	if events != 1 || len(w.Events(t, p, "me.removeTotp")) != 1 || len(w.Events(t, p, "me.enrolTotp")) != 1 || len(w.Events(t, p, "me.confirmTotp")) != 1 {
		t.Error("the events of the second factor are not one each")
	}
	w.SignedIn(t, p)
}

// TestAResetDoesNotGoAroundTheSecondFactor.
func TestAResetDoesNotGoAroundTheSecondFactor(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	var e struct {
		Secret string `json:"secret"`
	}
	w.As(p).Post("/v1/me/totp", nil).Want(t, http.StatusOK, "").Read(t, &e)
	code, err := totp.GenerateCode(e.Secret, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.As(p).Post("/v1/me/totp/confirm", map[string]any{"code": code}).Want(t, http.StatusNoContent, "")
	reset(w, home, p, sent(t, w, p), signintest.Second).Want(t, http.StatusNoContent, "")
	w.Clock.Add(time.Second)
	p.Password = signintest.Second
	challenged(t, w, p, "totp")
}
