package id_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/id"
)

const ulid = "01JD3Z4T0X8Y6QH2N5W7R9K1MB"

func TestParse(t *testing.T) {
	if got, err := id.Parse[id.Account]("acct_" + ulid); err != nil || got != "acct_"+ulid {
		t.Fatalf("%s, %v", got, err)
	}
	for _, bad := range []string{
		"", "acct_", ulid, "user_" + ulid, "acct-" + ulid, "acct_" + strings.ToLower(ulid), "ACCT_" + ulid, "acct_" + ulid + "0", "acct_" + ulid[1:],
		"acct_8" + ulid[1:], "acct_" + strings.Replace(ulid, "B", "I", 1), "acct_" + ulid[:25] + "\x00", " acct_" + ulid, "acct_" + ulid + "\n",
	} {
		if got, err := id.Parse[id.Account](bad); err == nil {
			t.Errorf("Parse(%q) = %s", bad, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("acct_" + ulid)
	f.Add("acct_")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := id.Parse[id.Account](s); err == nil && string(got) != s {
			t.Errorf("%q has two ids: %q", s, got)
		}
	})
}

// TestIDsGrow holds that sorting by id is sorting by making: within a millisecond, among goroutines, and when the clock steps back.
func TestIDsGrow(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	s := id.NewSource(func() time.Time { return now }, rand.NewChaCha8([32]byte{1}))
	var all []id.Event
	for i := range 3000 {
		switch i {
		case 1000:
			now = now.Add(-time.Hour)
		case 2000:
			now = now.Add(2 * time.Hour)
		}
		all = append(all, id.New[id.Event](s))
	}
	if !slices.IsSorted(all) || len(slices.Compact(all)) != 3000 {
		t.Error("ids do not grow")
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[id.Event]bool{}
	for range 8 {
		wg.Go(func() {
			for range 200 {
				e := id.New[id.Event](s)
				mu.Lock()
				seen[e] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 1600 {
		t.Errorf("%d different ids of 1600", len(seen))
	}
}
