package dynamo_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
	"github.com/steward-crm/steward/shared/table/dynamo/feed"
)

// made is the record of an item that was made at a version.
func made(item, version int) map[string]any {
	return map[string]any{"NewImage": map[string]any{
		"pk": map[string]string{"S": fmt.Sprint("p", item)}, "sk": map[string]string{"S": "s"}, "v": map[string]string{"N": fmt.Sprint(version)},
	}}
}

// TestFeedOfShards: whatever shards a stream has, whether they follow each other, split or are listed late, in whatever pieces it is read,
// from a position kept by another process, over throttling and iterators that expire: every change comes once, those of one item in order, and
// what is read twice from one position comes in the same order.
func TestFeedOfShards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := newClock()
		r := &river{pages: rapid.IntRange(0, 3).Draw(t, "pages"), idle: rapid.IntRange(0, 1).Draw(t, "idle")}
		const items = 12
		home, versions := [items]*bed{}, [items]int{}
		first := []*bed{r.shard(nil), r.shard(nil)}
		for i := range home {
			home[i] = first[i%2]
		}
		faults := rapid.SampledFrom([]string{"", "LimitExceededException", "ExpiredIteratorException", "InternalServerError"}).Draw(t, "fault")
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "chance"), 1))
		r.refuse = func(call string) string {
			if faults != "" && chance.IntN(15) == 0 && (call == "GetRecords" || faults != "ExpiredIteratorException") {
				return faults
			}
			return ""
		}
		f := follow(pretend, r, clock.Now)
		var pos string
		seen := map[string]int{}
		take := func(limit int) (got int) {
			list, next, err := f.Changes(t.Context(), pos, limit)
			if err != nil {
				t.Fatalf("after %q: %v", pos, err)
			}
			if len(list) == 0 && next != pos || len(list) > 0 && next != list[len(list)-1].Position || len(list) > limit {
				t.Fatalf("%d changes of %d, from %q to %q", len(list), limit, pos, next)
			}
			for _, c := range list {
				if seen[c.After.PK]++; int64(seen[c.After.PK]) != c.After.Version {
					t.Fatalf("%s comes at version %d, the %d. change of it", c.After.PK, c.After.Version, seen[c.After.PK])
				}
			}
			pos = next
			return len(list)
		}
		steps := map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				for range rapid.IntRange(1, 10).Draw(t, "n") {
					i := rapid.IntRange(0, items-1).Draw(t, "item")
					versions[i]++
					r.pour(home[i], clock.Now(), made(i, versions[i]))
				}
			},
			"end": func(t *rapid.T) { // the shard ends: one follows, or two, that DescribeStream may show later
				i := rapid.IntRange(0, items-1).Draw(t, "item")
				old := home[i]
				old.closed, old.hidden = true, false
				next := []*bed{r.shard(old)}
				if len(r.shards) < 12 && rapid.Bool().Draw(t, "split") {
					next = append(next, r.shard(old))
				}
				for j := range home {
					if home[j] == old {
						home[j] = next[j/2%len(next)]
					}
				}
				if rapid.Bool().Draw(t, "late") {
					rapid.SampledFrom(next).Draw(t, "which").hidden = true
				}
			},
			"show": func(*rapid.T) {
				for _, b := range r.shards {
					b.hidden = false
				}
				clock.Add(time.Hour)
			},
			"read":            func(t *rapid.T) { take(rapid.IntRange(1, 30).Draw(t, "limit")) },
			"time":            func(*rapid.T) { clock.Add(time.Second) },
			"another process": func(*rapid.T) { f = follow(pretend, r, clock.Now) },
			"read again": func(t *rapid.T) {
				names := func(f *feed.Feed, limit int) (out []string) {
					for p := pos; ; {
						list, next, err := f.Changes(t.Context(), p, limit)
						if err != nil {
							t.Fatal(err)
						}
						if len(list) == 0 {
							return out
						}
						for _, c := range list {
							out = append(out, fmt.Sprint(c.After.PK, c.After.Version, c.Position))
						}
						p = next
					}
				}
				if r.idle > 0 {
					return // what lies behind a gap is not known of
				}
				one, other := names(follow(pretend, r, clock.Now), 1000), names(follow(pretend, r, clock.Now), rapid.IntRange(20, 60).Draw(t, "pieces"))
				if !slices.Equal(one, other) {
					t.Fatalf("after %q: %q, and in pieces %q", pos, one, other)
				}
			},
		}
		t.Repeat(steps)
		steps["show"](t)
		for nothing := 0; nothing < 12; nothing++ {
			if take(1000) > 0 {
				nothing = 0
			}
		}
		for i, v := range versions {
			if seen[fmt.Sprint("p", i)] != v {
				t.Fatalf("%d of %d changes of item %d came", seen[fmt.Sprint("p", i)], v, i)
			}
		}
	})
}

// pretend is a test for what only demands that one is there.
var pretend = &testing.T{}

// read reads to the end.
func drain(t testing.TB, f table.Feed, pos string) (versions []int64, next string) {
	t.Helper()
	for {
		list, p, err := f.Changes(t.Context(), pos, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return versions, p
		}
		for _, c := range list {
			versions = append(versions, c.After.Version)
		}
		pos = p
	}
}

// TestFeedLost: what is not there any more to be read is told, once it is known; what was read to its end may go.
func TestFeedLost(t *testing.T) {
	clock := newClock()
	r := &river{}
	a := r.shard(nil)
	for i := range 4 {
		r.pour(a, clock.Now(), made(1, i+1))
	}
	list, _, err := follow(t, r, clock.Now).Changes(t.Context(), "", 2)
	if err != nil {
		t.Fatal(err)
	}
	middle := list[1].Position
	_, end := drain(t, follow(t, r, clock.Now), middle)
	b := r.shard(a)
	a.closed = true
	r.pour(b, clock.Now(), made(1, 5))
	if got, _ := drain(t, follow(t, r, clock.Now), end); !slices.Equal(got, []int64{5}) {
		t.Errorf("after the end of a shard: %v", got)
	}
	_, later := drain(t, follow(t, r, clock.Now), end)
	if strings.Contains(later, a.id) {
		t.Errorf("%q names a shard that is read to its end, beside its child", later)
	}

	a.first = 3 // records are trimmed
	for p, want := range map[string]bool{middle: true, later: false, "": false} {
		_, _, err := follow(t, r, clock.Now).Changes(t.Context(), p, 10)
		if fault.Is(err, "position_unknown") != want || err != nil != want {
			t.Errorf("trimmed, after %q: %v", p, err)
		}
	}
	r.shards = r.shards[1:] // and the whole shard
	for p, want := range map[string]bool{middle: true, end: true, later: false, "": false} {
		_, _, err := follow(t, r, clock.Now).Changes(t.Context(), p, 10)
		if fault.Is(err, "position_unknown") != want || err != nil != want {
			t.Errorf("a shard is gone, after %q: %v", p, err)
		}
	}
	for _, p := range []string{"x", ",", ":", a.id + ":1," + a.id + ":2", b.id + ":1x"} {
		if _, _, err := follow(t, r, clock.Now).Changes(t.Context(), p, 10); !fault.Is(err, "position_unknown") {
			t.Errorf("after %q: %v", p, err)
		}
	}
}

// TestFeedCalls: a consumer that goes on reads nothing twice, and one that finds nothing costs two reads a shard.
func TestFeedCalls(t *testing.T) {
	clock := newClock()
	r := &river{}
	a := r.shard(nil)
	for i := range 100 {
		r.pour(a, clock.Now(), made(1, i+1))
	}
	f := follow(t, r, clock.Now)
	list, pos, err := f.Changes(t.Context(), "", 30)
	for err == nil && len(list) > 0 {
		list, pos, err = f.Changes(t.Context(), pos, 30)
	}
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"DescribeStream": 1, "GetShardIterator": 1, "GetRecords": 2 + 2*2}; !maps.Equal(r.calls, want) {
		t.Errorf("100 changes by 30: %v, want %v", r.calls, want)
	}
}

// TestFeedWithoutADescription: an answer that describes no stream is none.
func TestFeedWithoutADescription(t *testing.T) {
	f := follow(t, &river{mute: true}, newClock().Now)
	if _, _, err := f.Changes(t.Context(), "", 10); !fault.IsKind(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

// TestFeedUnread: what comes before a record that cannot be read is answered; then the record is met, until it can be read.
func TestFeedUnread(t *testing.T) {
	clock := newClock()
	r := &river{}
	a := r.shard(nil)
	r.pour(a, clock.Now(), made(1, 1))
	number := r.pour(a, clock.Now(), map[string]any{"NewImage": map[string]any{"pk": map[string]string{"S": "p"}, "sk": map[string]string{"S": "s"}}})
	r.pour(a, clock.Now(), made(1, 2))
	f := follow(t, r, clock.Now)
	list, pos, err := f.Changes(t.Context(), "", 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	for range 2 {
		list, next, err := f.Changes(t.Context(), pos, 10)
		if u, ok := errors.AsType[*dynamo.Unread](err); !ok || u.Position != number || len(list) != 0 || next != pos {
			t.Errorf("%v to %q, %v", list, next, err)
		}
	}
}
