package local_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/local"
)

const (
	temporary = "Tmp-7Kq4-vexed-Heron"
	permanent = "Quiet-Otter-63-ladder"
	mail      = "zhang.wei.canary@example.com"
	mobile    = "+8613912345678"
)

var ann = identity.NameOf(id.Tenant("tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB"), id.User("user_01JD3Z4T0X8Y6QH2N5W7R9K1MB"))

// active makes a user with a permanent password.
func active(t testing.TB, p *local.Provider, n identity.Name) {
	t.Helper()
	must(t, p.CreateUser(t.Context(), n, mail, mobile, temporary, time.Hour))
	must(t, p.SetPassword(t.Context(), n, permanent))
}

func signIn(t testing.TB, p *local.Provider, n identity.Name) identity.Tokens {
	t.Helper()
	out, err := p.Authenticate(t.Context(), n, permanent)
	must(t, err)
	if out.Tokens == nil {
		t.Fatalf("sign-in asks for %q", out.Challenge)
	}
	return *out.Tokens
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t testing.TB, what string, err error) {
	t.Helper()
	if !fault.Is(err, "credentials_invalid") {
		t.Errorf("%s: got %v", what, err)
	}
}

func fresh(t testing.TB) (*local.Provider, *clocktest.Clock) {
	t.Helper()
	c := newClock()
	return open(t, filepath.Join(t.TempDir(), "identity"), c), c
}

// TestRefreshTokensRotate: each is good once, and its second use ends the sign-in, for the thief and for the owner.
func TestRefreshTokensRotate(t *testing.T) {
	p, _ := fresh(t)
	active(t, p, ann)
	first, bystander := signIn(t, p, ann), signIn(t, p, ann)
	second, err := p.Refresh(t.Context(), first.Refresh)
	must(t, err)
	if second.Refresh == first.Refresh {
		t.Fatal("the token was not rotated")
	}
	third, err := p.Refresh(t.Context(), second.Refresh)
	must(t, err)
	_, err = p.Refresh(t.Context(), first.Refresh)
	refused(t, "a spent token", err)
	_, err = p.Refresh(t.Context(), third.Refresh)
	refused(t, "the live token of that sign-in", err)
	_, err = p.Refresh(t.Context(), bystander.Refresh)
	if err != nil {
		t.Errorf("another sign-in: %v", err)
	}
}

func TestParallelUsesOfARefreshTokenHaveOneSuccess(t *testing.T) {
	p, _ := fresh(t)
	active(t, p, ann)
	token := signIn(t, p, ann).Refresh
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = p.Refresh(t.Context(), token) })
	}
	wg.Wait()
	passed := 0
	for _, err := range errs {
		if err == nil {
			passed++
		}
	}
	if passed != 1 {
		t.Errorf("%d succeeded", passed)
	}
}

// TestASignInEndsForGood: refreshing carries it on, and not beyond the life it began with.
func TestASignInEndsForGood(t *testing.T) {
	p, c := fresh(t)
	active(t, p, ann)
	tokens := signIn(t, p, ann)
	for range 3 {
		c.Add(10 * 24 * time.Hour)
		next, err := p.Refresh(t.Context(), tokens.Refresh)
		if c.Now().Sub(newClock().Now()) >= 30*24*time.Hour {
			refused(t, "after thirty days", err)
			return
		}
		must(t, err)
		tokens = next
	}
	t.Error("a sign-in outlived its thirty days")
}

// TestNothingRevives: what was given out before a user was disabled, or deleted, is dead when the name is good again.
func TestNothingRevives(t *testing.T) {
	p, _ := fresh(t)
	active(t, p, ann)
	tokens := signIn(t, p, ann)
	must(t, p.Disable(t.Context(), ann))
	must(t, p.Enable(t.Context(), ann))
	_, err := p.Refresh(t.Context(), tokens.Refresh)
	refused(t, "a token from before the user was disabled", err)

	tokens = signIn(t, p, ann)
	must(t, p.SetTemporaryPassword(t.Context(), ann, temporary, time.Hour))
	out, err := p.Authenticate(t.Context(), ann, temporary)
	must(t, err)
	must(t, p.Delete(t.Context(), ann))
	active(t, p, ann)
	_, err = p.Refresh(t.Context(), tokens.Refresh)
	refused(t, "a token of the deleted user of the same name", err)
	_, err = p.AnswerNewPassword(t.Context(), ann, out.Session, permanent)
	refused(t, "a challenge of the deleted user of the same name", err)
}

// TestWrongCodesWearOutASession: a mistyped code may be repeated, a guessing machine may not go on.
func TestWrongCodesWearOutASession(t *testing.T) {
	p, c := fresh(t)
	active(t, p, ann)
	secret := enrolled(t, p, ann, c)
	c.Add(time.Minute)
	for _, wrong := range []int{4, 5} {
		out, err := p.Authenticate(t.Context(), ann, permanent)
		must(t, err)
		for range wrong {
			_, err := p.AnswerTOTP(t.Context(), ann, out.Session, "no code")
			refused(t, "a wrong code", err)
		}
		_, err = p.AnswerTOTP(t.Context(), ann, out.Session, codeOf(t, secret, c))
		if wrong == 4 {
			must(t, err)
		} else {
			refused(t, "the right code after five wrong ones", err)
		}
		c.Add(time.Minute)
	}
}

// TestTheFileStaysSmall: what is over is forgotten, a little with each write.
func TestTheFileStaysSmall(t *testing.T) {
	p, c := fresh(t)
	active(t, p, ann)
	var sizes []int
	for range 4 {
		for range 20 {
			tokens := signIn(t, p, ann)
			_, err := p.Refresh(t.Context(), tokens.Refresh)
			must(t, err)
		}
		sizes = append(sizes, p.Records())
		c.Add(31 * 24 * time.Hour)
	}
	if last := sizes[len(sizes)-1]; last > sizes[0]+10 {
		t.Errorf("records after each month: %v", sizes)
	}
}

func TestPasswordsAreNotCutShort(t *testing.T) {
	p, _ := fresh(t)
	active(t, p, ann)
	long := strings.Repeat("🦉", 256)
	must(t, p.SetPassword(t.Context(), ann, long))
	_, err := p.Authenticate(t.Context(), ann, long+"x")
	refused(t, "a password with a tail", err)
	_, err = p.Authenticate(t.Context(), ann, long)
	must(t, err)
}
