package auth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/signin"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/user"
)

func forgot(w *signintest.World, slug, address string) *edgetest.Answer {
	return w.API.Anonymous().Post("/v1/auth/forgot-password", map[string]any{"tenant": slug, "email": address})
}

func reset(w *signintest.World, from string, p *signintest.Person, code, password string) *edgetest.Answer {
	return w.API.Anonymous().From(from).Post("/v1/auth/reset-password",
		map[string]any{"tenant": p.Slug, "email": p.Email, "code": code, "newPassword": password})
}

// sent asks for a code and reads it from the mailbox.
func sent(t *testing.T, w *signintest.World, p *signintest.Person) string {
	t.Helper()
	w.Clock.Add(signin.ResendPause)
	forgot(w, p.Slug, p.Email).Want(t, http.StatusAccepted, "")
	w.Jobs(t)
	m := w.Mail(t, p.Email)
	if m.Template != "reset" || m.Code == "" || !strings.Contains(m.Text, m.Code) {
		t.Fatalf("the newest mail is %s", m.Template)
	}
	return m.Code
}

func TestAForgottenPassword(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	code := sent(t, w, p)
	reset(w, home, p, code, "short").Want(t, http.StatusUnprocessableEntity, "password_too_short").Field(t, "/newPassword", "password_too_short")
	reset(w, home, p, strings.ToLower(strings.ReplaceAll(code, "-", " ")), signintest.Second).Want(t, http.StatusNoContent, "")
	w.SignIn(p).Want(t, http.StatusUnauthorized, "credentials_invalid")
	w.As(p).Get("/v1/me").Want(t, http.StatusUnauthorized, "token_invalid") // every session ended
	w.API.Anonymous().Post("/v1/auth/refresh", map[string]any{"refreshToken": p.Refresh}).Want(t, http.StatusUnauthorized, "credentials_invalid")
	w.Clock.Add(time.Second)
	p.Password = signintest.Second
	w.SignedIn(t, p)
	reset(w, home, p, code, signintest.Third).Want(t, http.StatusBadRequest, "code_invalid")
	var done, refused int
	for _, e := range w.Events(t, p, "auth.resetPassword") {
		if e.Outcome == "done" {
			done++
		} else {
			refused++
		}
	}
	if done == 0 || refused != 1 || len(w.Events(t, p, "auth.forgotPassword")) != 1 {
		t.Errorf("events: %d done, %d refused", done, refused)
	}
}

// TestForgottenByNobody: the answer and its cost are the same for every account, and only an active user gets mail.
func TestForgottenByNobody(t *testing.T) {
	w, count := counted(t)
	active := w.Active(t, li)
	invited := w.Invited(t, user.Draft{Name: "新人", Email: "new@acme.example"})
	leaver := w.Active(t, "leaver@acme.example")
	w.Edit(t, key.User(w.Tenant, leaver.ID), func(doc map[string]any) { doc["status"] = "inactive" })
	suspended := w.AddTenant(t, "asleep")
	sleeper := w.InvitedTo(t, suspended, "asleep", user.Draft{Name: "休眠", Email: "sleeper@asleep.example"})
	w.Answer(t, sleeper)
	w.Edit(t, key.Tenant(suspended), func(doc map[string]any) { doc["status"] = "suspended" })
	w.Clock.Add(time.Hour)
	before := len(w.Outbox.Items())
	var first string
	var cost reads
	for _, c := range []struct{ what, slug, email string }{
		{"an active user", "acme", active.Email},
		{"an unknown user", "acme", "nobody@acme.example"},
		{"an unknown tenant", "nowhere", active.Email},
		{"an invited user", "acme", invited.Email},
		{"a leaver", "acme", leaver.Email},
		{"a suspended tenant", "asleep", sleeper.Email},
		{"no address", "acme", "not an address"},
		{"a very long slug", strings.Repeat("x", 3000), active.Email},
	} {
		was := *count
		a := forgot(w, c.slug, c.email).Want(t, http.StatusAccepted, "")
		spent := count.since(was)
		if first == "" {
			first, cost = signintest.Bytes(a), spent
		}
		if got := signintest.Bytes(a); got != first || spent != cost {
			t.Errorf("%s: %s for %+v, want %s for %+v", c.what, got, spent, first, cost)
		}
	}
	w.Jobs(t)
	if n := len(w.Outbox.Items()) - before; n != 1 || w.Mail(t, active.Email).Template != "reset" {
		t.Errorf("%d messages were sent", n)
	}
	for _, p := range []*signintest.Person{invited, leaver, sleeper} {
		if n := len(w.Events(t, p, "auth.forgotPassword")); n != 0 {
			t.Errorf("a code was issued to %s", p.Email)
		}
	}
	forgot(w, "", "").Want(t, http.StatusUnprocessableEntity, "required").Field(t, "/email", "required").Field(t, "/tenant", "required")
}

// TestOneMailAMinute: asking again sends nothing for a minute, and the code that was sent stays good; ten an hour at most.
func TestOneMailAMinute(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	code := sent(t, w, p)
	mails := w.Sent(p.Email)
	forgot(w, p.Slug, p.Email).Want(t, http.StatusAccepted, "")
	forgot(w, p.Slug, strings.ToUpper(p.Email)).Want(t, http.StatusAccepted, "")
	w.Jobs(t)
	if w.Sent(p.Email) != mails {
		t.Error("a second mail within the minute")
	}
	next := sent(t, w, p)
	if next == code {
		t.Error("the next code is the same")
	}
	reset(w, home, p, code, signintest.Second).Want(t, http.StatusBadRequest, "code_invalid") // replaced
	reset(w, home, p, next, signintest.Second).Want(t, http.StatusNoContent, "")
	for range 12 {
		w.Clock.Add(signin.ResendPause)
		forgot(w, p.Slug, p.Email).Want(t, http.StatusAccepted, "")
		w.Jobs(t)
	}
	if n := w.Sent(p.Email) - mails; n > 10 {
		t.Errorf("%d mails within the hour", n)
	}
}

// TestWrongResetCodes all get one answer, at one cost, and change nothing but counters and the trace of the refusal.
func TestWrongResetCodes(t *testing.T) {
	w, count := counted(t)
	p, other := w.Active(t, li), w.Active(t, "han.meimei@acme.example")
	idle := w.Active(t, "idle@acme.example")
	expired := sent(t, w, p)
	w.Clock.Add(signin.CodeLife)
	var first string
	var cost reads
	check := func(what string, who *signintest.Person, code string) {
		t.Helper()
		before := *count
		a := reset(w, home, who, code, signintest.Second).Want(t, http.StatusBadRequest, "code_invalid")
		spent := count.since(before)
		if first == "" {
			first, cost = signintest.Bytes(a), spent
		}
		if got := signintest.Bytes(a); got != first || spent != cost {
			t.Errorf("%s: %s for %+v, want %s for %+v", what, got, spent, first, cost)
		}
	}
	check("one that is over", p, expired)
	theirs, mine := sent(t, w, other), sent(t, w, p)
	check("one of another user", p, theirs)
	check("one that is wrong", p, "00000-00000")
	check("one that is very long", p, strings.Repeat("0", 10_000))
	check("any, of a user who asked for none", idle, mine)
	check("any, of an unknown user", &signintest.Person{Slug: "acme", Email: "nobody@acme.example"}, mine)
	check("any, of an unknown tenant", &signintest.Person{Slug: "nowhere", Email: p.Email}, mine)

	// A weak password without the code learns nothing about itself.
	reset(w, home, idle, mine, "short").Want(t, http.StatusBadRequest, "code_invalid")

	w.SignedIn(t, p) // the old password is as good as ever
	// One for another purpose.
	w.Clock.Add(time.Minute)
	w.SignedIn(t, idle)
	w.As(idle).Post("/v1/me/verifications", map[string]any{"attribute": "email"}).Want(t, http.StatusAccepted, "")
	w.Jobs(t)
	reset(w, home, idle, w.Mail(t, idle.Email).Code, signintest.Second).Want(t, http.StatusBadRequest, "code_invalid")
}

// TestTriesOfAResetCode: five from one source, and then the right one is refused there; its owner, elsewhere, is not stopped.
func TestTriesOfAResetCode(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	code := sent(t, w, p)
	for range signin.CodeTries {
		reset(w, thief, p, "00000-00000", signintest.Second).Want(t, http.StatusBadRequest, "code_invalid")
	}
	reset(w, thief, p, code, signintest.Second).Want(t, http.StatusBadRequest, "code_invalid")
	for range 7 { // a right code with passwords that are refused is no guessing
		reset(w, home, p, code, "short").Want(t, http.StatusUnprocessableEntity, "password_too_short")
	}
	reset(w, home, p, code, signintest.Second).Want(t, http.StatusNoContent, "")
}

// TestParallelUsesOfAResetCode is I35: n uses, one success, and the password is that one's.
func TestParallelUsesOfAResetCode(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	code := sent(t, w, p)
	passwords := []string{"Quartz-Pelican-41-oven", "Velvet-Cactus-52-pier", "Hollow-Badger-37-lamp", "Copper-Walnut-95-raft"}
	codes := make([]string, len(passwords))
	var wg sync.WaitGroup
	for i, pw := range passwords {
		wg.Go(func() { codes[i] = reset(w, home, p, code, pw).Code() })
	}
	wg.Wait()
	won := -1
	for i, c := range codes {
		switch {
		case c == "" && won < 0:
			won = i
		case c != "code_invalid":
			t.Errorf("use %d: %q", i, c)
		}
	}
	if won < 0 {
		t.Fatal("none succeeded")
	}
	w.Clock.Add(time.Second)
	p.Password = passwords[won]
	w.SignedIn(t, p)
}

// TestAResetThatWasCutShort: the provider failed after the commit. The old password is in force, the code is spent, and the very same new
// password may be chosen again.
func TestAResetThatWasCutShort(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	code := sent(t, w, p)
	broken := *w.Platform
	broken.Identity = &deaf{Identity: w.Identity}
	v := w.Over(t, &broken)
	reset(v, home, p, code, signintest.Second).Want(t, http.StatusServiceUnavailable, "identity_unavailable")
	w.As(p).Get("/v1/me").Want(t, http.StatusUnauthorized, "token_invalid")
	w.Clock.Add(time.Second)
	w.SignedIn(t, p)
	reset(w, home, p, code, signintest.Second).Want(t, http.StatusBadRequest, "code_invalid")
	reset(w, home, p, sent(t, w, p), signintest.Second).Want(t, http.StatusNoContent, "")
	w.Clock.Add(time.Second)
	p.Password = signintest.Second
	w.SignedIn(t, p)
}

// TestAJobThatRunsAgain sends the code it sent before: it issues no second one, and revives none that was used.
func TestAJobThatRunsAgain(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	broken := *w.Platform
	mute := &silent{Notify: w.Notify}
	broken.Notify = mute
	v := w.Over(t, &broken)
	w.Clock.Add(signin.ResendPause)
	forgot(v, p.Slug, p.Email).Want(t, http.StatusAccepted, "")
	v.Jobs(t) // the code is issued, and cannot be sent
	mute.heals()
	w.Clock.Add(5 * time.Second)
	v.Jobs(t)
	code := w.Mail(t, p.Email).Code
	reset(w, home, p, code, signintest.Second).Want(t, http.StatusNoContent, "")
	if n := len(w.Events(t, p, "auth.forgotPassword")); n != 1 {
		t.Errorf("the code was issued %d times", n)
	}
	if _, err := w.Identity.GetUser(t.Context(), identity.NameOf(p.Tenant, p.ID)); err != nil {
		t.Error(err)
	}
}
