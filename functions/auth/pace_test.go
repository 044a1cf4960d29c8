package auth_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/signin"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/user"
)

const (
	home  = "198.51.100.7:1000"
	thief = "203.0.113.9:2000"
)

func try(w *signintest.World, from string, p *signintest.Person, password string) *edgetest.Answer {
	return w.API.Anonymous().From(from).Post("/v1/auth/sign-in", map[string]any{"tenant": p.Slug, "email": p.Email, "password": password})
}

// TestThePaceOfAttempts: a few are free, then pauses grow, and nobody is locked out from anywhere else.
func TestThePaceOfAttempts(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	unknown := &signintest.Person{Slug: "acme", Email: "nobody@acme.example"}
	for _, who := range []*signintest.Person{p, unknown} {
		for range signin.FreeAttempts + 1 {
			try(w, thief, who, "wrong-Password-1").Want(t, http.StatusUnauthorized, "credentials_invalid")
		}
		wait := 0
		for range 3 {
			a := try(w, thief, who, signintest.First).Want(t, http.StatusTooManyRequests, "too_many_attempts")
			if n := signintest.RetryAfter(t, a); n <= wait {
				t.Errorf("the pause went from %d to %d", wait, n)
			} else {
				wait = n
			}
			w.Clock.Add(time.Duration(wait) * time.Second)
			try(w, thief, who, "wrong-Password-1").Want(t, http.StatusUnauthorized, "credentials_invalid")
		}
	}
	try(w, home, p, signintest.First).Want(t, http.StatusOK, "") // the owner, elsewhere, in the thief's pause

	w.Clock.Add(signin.LongestPause)
	try(w, thief, p, signintest.First).Want(t, http.StatusOK, "") // a right password begins anew
	for range signin.FreeAttempts {
		try(w, thief, p, "wrong-Password-1").Want(t, http.StatusUnauthorized, "credentials_invalid")
	}
}

// TestOneNetworkIsOneSource: whoever has a /64 has all its addresses.
func TestOneNetworkIsOneSource(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	for i := range signin.FreeAttempts + 1 {
		try(w, "[2001:db8::"+strconv.Itoa(i+1)+"]:1", p, "wrong-Password-1").Want(t, http.StatusUnauthorized, "credentials_invalid")
	}
	try(w, "[2001:db8::ffff]:1", p, signintest.First).Want(t, http.StatusTooManyRequests, "too_many_attempts")
	try(w, "[2001:db8:0:1::1]:1", p, signintest.First).Want(t, http.StatusOK, "")
}

// TestManyAtOnceAreMany: attempts are counted before they are judged, so a burst gets no further than a queue.
func TestManyAtOnceAreMany(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	codes := make([]string, 12)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() { codes[i] = try(w, thief, p, "wrong-Password-"+strconv.Itoa(i)).Code() })
	}
	wg.Wait()
	judged := 0
	for _, c := range codes {
		if c == "credentials_invalid" {
			judged++
		}
	}
	if judged == 0 || judged > signin.FreeAttempts+1 {
		t.Errorf("%d of a burst of %d were judged: %v", judged, len(codes), codes)
	}
}

// TestOnePasswordAtEverybody: a source that fails at many accounts has to wait, for accounts known and unknown; a user who signed in from
// there lately does not.
func TestOnePasswordAtEverybody(t *testing.T) {
	w := signintest.New(t)
	regular, guest := w.Active(t, li), w.Active(t, "han.meimei@acme.example")
	try(w, thief, regular, signintest.First).Want(t, http.StatusOK, "")
	var a *edgetest.Answer
	for i := range signin.SourceBurst {
		a = try(w, thief, &signintest.Person{Slug: "acme", Email: "user" + strconv.Itoa(i) + "@acme.example"}, "wrong-Password-1")
		a.Want(t, http.StatusUnauthorized, "credentials_invalid")
	}
	try(w, thief, &signintest.Person{Slug: "acme", Email: "one.more@acme.example"}, "wrong-Password-1").
		Want(t, http.StatusTooManyRequests, "too_many_attempts")
	a = try(w, thief, guest, signintest.First).Want(t, http.StatusTooManyRequests, "too_many_attempts")
	try(w, thief, regular, signintest.First).Want(t, http.StatusOK, "")
	try(w, home, guest, signintest.First).Want(t, http.StatusOK, "")
	w.Clock.Add(time.Duration(signintest.RetryAfter(t, a)) * time.Second)
	try(w, thief, guest, signintest.First).Want(t, http.StatusOK, "")
}

// TestAFirstDayCostsASourceNothing: a whole company answers its invitations from behind one address.
func TestAFirstDayCostsASourceNothing(t *testing.T) {
	w := signintest.New(t)
	for i := range 1 + signin.SourceBurst/signin.FreeAttempts {
		p := w.Invited(t, user.Draft{Name: "新人", Email: "new" + strconv.Itoa(i) + "@acme.example"})
		for range signin.FreeAttempts {
			try(w, home, p, p.Password).Want(t, http.StatusOK, "")
		}
	}
}

// TestSuccessesCostASourceNothing: an office behind one address may sign in all morning.
func TestSuccessesCostASourceNothing(t *testing.T) {
	w := signintest.New(t)
	p := w.Active(t, li)
	for range signin.SourceBurst + 5 {
		try(w, home, p, signintest.First).Want(t, http.StatusOK, "")
	}
}
