package local_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/identity/identitytest"
	"github.com/steward-crm/steward/shared/identity/local"
)

func TestContract(t *testing.T) {
	identitytest.Run(t, func(t *testing.T) identitytest.Subject {
		c := newClock()
		return identitytest.Subject{Identity: open(t, filepath.Join(t.TempDir(), "identity"), c), Now: c.Now, Advance: c.Add}
	})
}

func newClock() *clocktest.Clock { return clocktest.At(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)) }

var key = [32]byte{1, 2, 3}

func open(t testing.TB, path string, c *clocktest.Clock) *local.Provider {
	t.Helper()
	p, err := local.Open(path, local.Options{Now: c.Now, Key: key, Cost: local.Cheap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}
