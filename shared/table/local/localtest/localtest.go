// Package localtest opens a local table for a test: in the test's own folder, not waiting for the disk, closed at its end. It knows
// nothing of what a test keeps there.
package localtest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/table/local"
)

// Open gives an empty table on the clock.
func Open(t testing.TB, now func() time.Time) *local.Store {
	t.Helper()
	return OpenFaulty(t, now, nil)
}

// OpenFaulty gives an empty table on the clock that misbehaves as told.
func OpenFaulty(t testing.TB, now func() time.Time, f *local.Faults) *local.Store {
	t.Helper()
	s, err := local.Open(filepath.Join(t.TempDir(), "table.db"), local.Options{Now: now, NoSync: true, Faults: f})
	if err != nil {
		t.Fatalf("localtest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("localtest: closing: %v", err)
		}
	})
	return s
}
