package tabletest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/table"
)

func scanSegments(t *testing.T, s *suite) {
	want := map[table.Key]int64{}
	for i := range 60 {
		k := s.key(fmt.Sprint("p", i%11), fmt.Sprint(i))
		s.must(t, table.Put(table.Item{Key: k, Doc: []byte(`{"a":1}`)}, table.Absent))
		want[k] = 1
	}
	hidden := s.key("p0", "key")
	hidden.Space = table.Keys
	s.must(t, table.Put(table.Item{Key: hidden}, table.Absent))
	for _, of := range []int{1, 3} {
		got := map[table.Key]int64{}
		for segment := range of {
			for it, err := range s.Table.Scan(t.Context(), segment, of) {
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(it.PK, s.mark) {
					continue
				}
				if _, twice := got[it.Key]; twice {
					t.Errorf("%v twice", it.Key)
				}
				if got[it.Key] = it.Version; !sameDoc(it.Doc, []byte(`{"a":1}`)) {
					t.Errorf("%v: doc %s", it.Key, it.Doc)
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d segments: %d items, want %d", of, len(got), len(want))
		}
	}
	for range s.Table.Scan(t.Context(), 0, 1) {
		break // an abandoned scan holds nothing
	}
	for _, err := range s.Table.Scan(t.Context(), 3, 3) {
		if err == nil {
			t.Error("segment 3 of 3: no error")
		}
	}
}

// changes reads the feed from a position until it has n changes of this part, or twice nothing more comes.
func (s *suite) changes(t *testing.T, after string, n, limit int) (out []table.Change, next string) {
	t.Helper()
	s.soon(t, fmt.Sprintf("%d changes in the feed", n), func() bool {
		for {
			var list []table.Change
			var pos string
			err := patiently(t.Context(), func() (err error) { list, pos, err = s.Feed.Changes(t.Context(), after, limit); return err })
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				if pos != after {
					t.Fatalf("nothing new, and the position went from %q to %q", after, pos)
				}
				return len(out) >= n
			}
			if len(list) > limit || pos != list[len(list)-1].Position {
				t.Fatalf("%d changes for %d, the last at %q, the position %q", len(list), limit, list[len(list)-1].Position, pos)
			}
			after = pos
			for _, c := range list {
				if it := either(c); strings.HasPrefix(it.PK, s.mark) {
					out = append(out, c)
				}
			}
		}
	})
	if len(out) > n {
		t.Fatalf("%d changes in the feed, want %d", len(out), n)
	}
	return out, after
}

func either(c table.Change) *table.Item {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

func feedImages(t *testing.T, s *suite) {
	if s.Feed == nil {
		return
	}
	it := table.Item{Key: s.key("p", "s"), Doc: []byte(`{"n":1}`), Sealed: []byte{1}, Index: map[table.Index]table.IndexKey{table.G1: {PK: s.part("g"), SK: "1"}}}
	two := it
	two.Doc, two.Index = []byte(`{"n":2}`), nil
	before := s.Now().Add(-time.Minute)
	s.must(t, table.Put(it, table.Absent))
	s.must(t, table.Put(two, table.Always))
	s.must(t, table.Delete(it.Key, table.Always))
	s.must(t, table.Put(it, table.Absent))
	it.Version, two.Version = 1, 2
	list, _ := s.changes(t, "", 4, 100)
	for i, want := range []struct{ before, after *table.Item }{{nil, &it}, {&it, &two}, {&two, nil}, {nil, &it}} {
		c := list[i]
		for what, pair := range map[string][2]*table.Item{"before": {c.Before, want.before}, "after": {c.After, want.after}} {
			if pair[1] == nil && pair[0] != nil {
				t.Errorf("change %d: %s is %v, want none", i, what, pair[0])
			}
			if pair[1] != nil {
				same(t, fmt.Sprintf("change %d, %s", i, what), pair[0], *pair[1])
			}
		}
		if c.At.Before(before) || c.At.After(s.Now().Add(time.Minute)) {
			t.Errorf("change %d at %v", i, c.At)
		}
	}
}

func feedPositions(t *testing.T, s *suite) {
	if s.Feed == nil {
		return
	}
	var want []string
	for i := range 10 {
		var w []table.Write
		for j := range 5 {
			k := s.key("p", fmt.Sprintf("%02d-%d", i, j))
			want = append(want, k.SK)
			w = append(w, table.Put(table.Item{Key: k}, table.Absent))
		}
		s.must(t, w...)
	}
	whole, _ := s.changes(t, "", len(want), 1000)
	names := func(list []table.Change) (out []string) {
		for _, c := range list {
			out = append(out, c.After.SK)
		}
		return out
	}
	inOrder := func(a, b string) int { return strings.Compare(a[:2], b[:2]) } // within a commit any order will do
	if got := names(whole); !slices.IsSortedFunc(got, inOrder) {
		t.Errorf("not in the order of the commits: %v", got)
	}
	for _, limit := range []int{1, 2, 3, 7} {
		list, _ := s.changes(t, "", len(want), limit)
		if got := names(list); !slices.Equal(got, names(whole)) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
	for i := range whole { // from the middle of a commit too
		list, next := s.changes(t, whole[i].Position, len(want)-1-i, 1000)
		if got := names(list); !slices.Equal(got, names(whole[i+1:])) {
			t.Errorf("after change %d: %v", i, got)
		}
		if again, _ := s.changes(t, next, 0, 1000); len(again) != 0 {
			t.Errorf("after the end: %v", again)
		}
	}
}

func feedOnlyCommits(t *testing.T, s *suite) {
	if s.Feed == nil {
		return
	}
	k := s.key("p", "s")
	secret := s.key("p", "s")
	secret.Space = table.Keys
	s.must(t, table.Put(table.Item{Key: secret}, table.Absent))
	s.must(t, table.Put(table.Item{Key: k}, table.Absent), table.Check(s.key("p", "t"), table.Absent), table.Delete(s.key("p", "u"), table.Always))
	wantFailed(t, "a failing commit", s.try(t, s.token(), table.Put(table.Item{Key: s.key("p", "v")}, table.Absent), table.Put(table.Item{Key: k}, table.Absent)), 1)
	s.must(t, table.Check(k, table.Present))
	token := s.token()
	for range 2 {
		if err := s.try(t, token, table.Put(table.Item{Key: s.key("p", "w")}, table.Absent)); err != nil {
			t.Fatal(err)
		}
	}
	list, _ := s.changes(t, "", 2, 1000)
	if list[0].After.Key != k || list[1].After.SK != "w" {
		t.Errorf("the feed holds %v", list)
	}
}

func feedChanged(t *testing.T, s *suite) {
	if s.Feed == nil {
		return
	}
	bell := s.Feed.Changed()
	select {
	case <-bell:
		t.Log("another's commit rang")
		bell = s.Feed.Changed()
	default:
	}
	s.must(t, table.Put(table.Item{Key: s.key("p", "s")}, table.Absent))
	select {
	case <-bell:
	case <-time.After(s.Lag + 10*time.Second):
		t.Error("a commit, and the bell did not ring")
	}
	s.changes(t, "", 1, 1000)
}
