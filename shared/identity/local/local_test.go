package local_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/identity/identitytest"
	"github.com/steward-crm/steward/shared/identity/local"
)

func TestContract(t *testing.T) {
	identitytest.Run(t, func(t *testing.T) identitytest.Subject {
		c := newClock()
		return identitytest.Subject{Identity: open(t, filepath.Join(t.TempDir(), "identity"), c), Now: c.Now, Advance: c.Advance}
	})
}

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

var key = [32]byte{1, 2, 3}

func open(t testing.TB, path string, c *clock) *local.Provider {
	t.Helper()
	p, err := local.Open(path, local.Options{Now: c.Now, Key: key, Cost: local.Cheap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}
