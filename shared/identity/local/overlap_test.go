package local_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
)

// TestARightPasswordOutlivesAnEndOfSessions: whoever signs in while all their sessions are being ended has the right password all the same.
// That a password which was replaced meanwhile is refused, the second half shows.
func TestARightPasswordOutlivesAnEndOfSessions(t *testing.T) {
	ctx := t.Context()
	p := open(t, filepath.Join(t.TempDir(), "identity"), newClock())
	n := identity.NameOf("tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB", id.User("user_01JD3Z4T0X8Y6QH2N5W7R9K1MB"))
	if err := p.CreateUser(ctx, n, "li@example.com", "", "temporary-Password-1", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := p.SetPassword(ctx, n, "first-Password-1"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := p.SignOutEverywhere(ctx, n); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 40 {
		if _, err := p.Authenticate(ctx, n, "first-Password-1"); err != nil {
			t.Errorf("a right password: %v", err)
			break
		}
	}
	close(done)
	wg.Wait()
	if err := p.SetPassword(ctx, n, "second-Password-2"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Authenticate(ctx, n, "first-Password-1"); err == nil {
		t.Error("a password that was replaced signs in")
	}
}
