package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

// rows counts what lies in the buckets of a closed file.
func rows(t *testing.T, path string) map[string]int {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]int{}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { out[string(name)]++; return nil })
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestUpkeep writes for some days. What has expired, the tokens and the changes go away by and by, and nothing else does.
func TestUpkeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	c := newClock()
	s, err := local.Open(path, local.Options{Now: c.Now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	write := func() {
		t.Helper()
		n++
		kept := table.Item{Key: table.Key{PK: "kept", SK: fmt.Sprintf("%06d", n)}}
		gone := table.Item{Key: table.Key{PK: "gone", SK: kept.SK}, Expires: c.Now().Add(time.Hour), Index: map[table.Index]table.IndexKey{table.G1: {PK: "gone", SK: kept.SK}}}
		secret := table.Item{Key: table.Key{Space: table.Keys, PK: "gone", SK: kept.SK}, Expires: gone.Expires}
		if err := s.Commit(t.Context(), fmt.Sprint(n), table.Put(kept, table.Absent), table.Put(gone, table.Absent), table.Put(secret, table.Absent)); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 * 24 {
		for range 5 {
			write()
		}
		c.Add(time.Hour)
	}
	for range 3 { // the bound on each clean-up leaves a rest for the next
		write()
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	deleted := 0
	var oldest time.Time
	for position := ""; ; {
		list, next, err := s.Changes(t.Context(), position, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, ch := range list {
			if oldest.IsZero() {
				oldest = ch.At
			}
			if ch.After == nil {
				deleted++
			}
		}
		position = next
	}
	if age := c.Now().Sub(oldest); age < 24*time.Hour || age > 26*time.Hour {
		t.Errorf("the oldest change is %v old", age)
	}
	if deleted < 24*5 {
		t.Errorf("%d changes tell of expired items", deleted)
	}
	if list, _, err := s.Changes(t.Context(), "0000000000000001", 1); err != nil || len(list) != 1 || !list[0].At.Equal(oldest) {
		t.Errorf("a position that was trimmed: %v, %v", list, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := rows(t, path)
	if got["d"] != n+3 || got["k"] != 3 || got["1"] != 3 || got["x"] != 6 {
		t.Errorf("after %d commits: %v", n, got)
	}
	if got["t"] > 10 || got["l"] > 2*26*6 {
		t.Errorf("tokens or changes were left: %v", got)
	}
}

// TestLogWaitsForItsReaders has a machine off for a week: the first commits after it do not trim what nobody has read yet.
func TestLogWaitsForItsReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	c := newClock()
	commits := 0
	commit := func(s *local.Store) {
		t.Helper()
		commits++
		if err := s.Commit(t.Context(), fmt.Sprint(commits), table.Put(bareItem(fmt.Sprint(commits)), table.Absent)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{5, 10} {
		s, err := local.Open(path, local.Options{Now: c.Now, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			commit(s)
		}
		list, _, err := s.Changes(t.Context(), "", 1000)
		if err != nil || len(list) != want {
			t.Errorf("%d changes, want %d, %v", len(list), want, err)
		}
		c.Add(7 * 24 * time.Hour)
		if want == 10 {
			commit(s)
			if list, _, err = s.Changes(t.Context(), "", 1000); err != nil || len(list) != 1 {
				t.Errorf("running all week: %d changes, want 1, %v", len(list), err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSpaceIsUsedAgain rewrites the same items for long enough: the file reaches a size and stays there.
func TestSpaceIsUsedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	c := newClock()
	s, err := local.Open(path, local.Options{Now: c.Now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var early int64
	for i := range 2000 {
		it := bareItem(fmt.Sprint(i % 10))
		it.Sealed = make([]byte, 20_000)
		if err := s.Commit(t.Context(), fmt.Sprint(i), table.Put(it, table.Always)); err != nil {
			t.Fatal(err)
		}
		c.Add(10 * time.Minute) // 24 h are 144 commits
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if i == 500 {
			early = info.Size()
		}
		if i > 500 && info.Size() > early+early/4 { // pages of many sizes leave gaps
			t.Fatalf("%d bytes after %d commits, %d after 500", info.Size(), i, early)
		}
	}
}

// TestExpiredIsNowhere looks for an expired item before any commit could have swept it. The contract lets an index still name it; here
// it is gone from there too, and from scans.
func TestExpiredIsNowhere(t *testing.T) {
	c := newClock()
	s := localtest.Open(t, c.Now)
	it := bareItem("s")
	it.Expires = c.Now().Add(time.Minute)
	it.Index = map[table.Index]table.IndexKey{table.G1: {PK: "g", SK: "s"}}
	if err := s.Commit(t.Context(), "t", table.Put(it, table.Absent)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		got, err := s.Get(t.Context(), it.Key)
		if err != nil || len(got) != want {
			t.Errorf("get: %d, want %d, %v", len(got), want, err)
		}
		for _, q := range []table.Query{{PK: "p"}, {PK: "g", Index: table.G1}} {
			if p, err := s.Query(t.Context(), q); err != nil || len(p.Items) != want {
				t.Errorf("query of index %d: %d, want %d, %v", q.Index, len(p.Items), want, err)
			}
		}
		n := 0
		for range s.Scan(t.Context(), 0, 1) {
			n++
		}
		if n != want {
			t.Errorf("scan: %d, want %d", n, want)
		}
		c.Add(time.Minute)
	}
}

func TestPositions(t *testing.T) {
	s := localtest.Open(t, time.Now)
	for _, p := range []string{"x", "1", "0000000000000000", "ffffffffffffffff", "0000000000000001", "000000000000000g", "00000000000000001"} {
		if _, _, err := s.Changes(t.Context(), p, 10); !fault.Is(err, "position_unknown") {
			t.Errorf("position %q of an empty log: %v", p, err)
		}
	}
	if list, next, err := s.Changes(t.Context(), "", 10); list != nil || next != "" || err != nil {
		t.Errorf("an empty log: %v %q %v", list, next, err)
	}
}
