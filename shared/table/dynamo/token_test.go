package dynamo_test

import (
	"errors"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

var spot = table.Key{PK: "p", SK: "s"}

// TestReplayLaterInTheTokensLife repeats a commit whose conditions ask whether a stored item has expired: the request holds the time, and
// has to be found again.
func TestReplayLaterInTheTokensLife(t *testing.T) {
	for _, later := range []time.Duration{0, time.Second, 59 * time.Second, 61 * time.Second, 5 * time.Minute, table.TokenLife - time.Second} {
		for what, expires := range map[string]time.Duration{"never expires": 0, "expires in an hour": time.Hour, "expires within the minute": 20 * time.Second} {
			for name, cond := range map[string]table.Cond{"present": table.Present, "version": table.VersionIs(1), "equals": table.Equals("a", "b")} {
				c := newClock()
				s, peer := openStrict(t, c.Now, nil)
				it := table.Item{Key: spot, Doc: []byte(`{"a":"b"}`)}
				if expires != 0 {
					it.Expires = c.Now().Add(expires)
				}
				commit := func(token string, w table.Write) error { return s.Commit(t.Context(), token, w) }
				if err := commit("make", table.Put(it, table.Absent)); err != nil {
					t.Fatal(err)
				}
				next := table.Put(table.Item{Key: spot, Doc: []byte(`{"a":"c"}`)}, cond)
				if err := commit("change", next); err != nil {
					t.Fatalf("%s, %s: %v", what, name, err)
				}
				c.Add(later)
				if err := commit("change", next); err != nil {
					t.Errorf("%s, %s, again after %v: %v", what, name, later, err)
				}
				other := next
				other.Item.Doc = nil
				if err := commit("change", other); !fault.Is(err, "token_reused") {
					t.Errorf("%s, %s, other writes after %v: %v", what, name, later, err)
				}
				if peer.applied != 2 {
					t.Errorf("%s, %s, after %v: %d transactions applied", what, name, later, peer.applied)
				}
			}
		}
	}
}

// TestExpiryToTheSecond holds each condition against an item on both sides of its expiry.
func TestExpiryToTheSecond(t *testing.T) {
	for _, c := range []struct {
		left time.Duration // until the item expires
		live bool
	}{{time.Second, true}, {1, true}, {0, false}, {-time.Second, false}, {61 * time.Second, true}, {-time.Hour, false}} {
		for name, cond := range map[string]table.Cond{"present": table.Present, "version": table.VersionIs(1), "equals": table.Equals("a", "b"), "absent": table.Absent} {
			clk := newClock()
			s, _ := openStrict(t, clk.Now, nil)
			expires := clk.Now().Add(2 * time.Hour)
			it := table.Item{Key: spot, Doc: []byte(`{"a":"b"}`), Expires: expires}
			if err := s.Commit(t.Context(), "make", table.Put(it, table.Absent)); err != nil {
				t.Fatal(err)
			}
			clk.Add(expires.Sub(clk.Now()) - c.left)
			err := s.Commit(t.Context(), "check", table.Check(spot, cond))
			f, failed := errors.AsType[*table.ConditionFailed](err)
			if want := c.live == (cond == table.Absent); failed != want || err != nil && !failed {
				t.Errorf("%s, %v before its expiry: %v", name, c.left, err)
			}
			if failed && (f.Failed[0].Item != nil) != c.live {
				t.Errorf("%s, %v before its expiry: the failure names %v", name, c.left, f.Failed[0].Item)
			}
		}
	}
}

// TestRemovalOfTheExpired: Absent takes away what has expired, unless the commit fails anyway.
func TestRemovalOfTheExpired(t *testing.T) {
	c := newClock()
	s, peer := openStrict(t, c.Now, nil)
	old := table.Item{Key: spot, Expires: c.Now().Add(time.Minute)}
	commit := func(token string, w ...table.Write) error { return s.Commit(t.Context(), token, w...) }
	for token, w := range map[string]table.Write{"1": table.Put(old, table.Absent), "2": table.Put(table.Item{Key: table.Key{PK: "p", SK: "t"}}, table.Absent)} {
		if err := commit(token, w); err != nil {
			t.Fatal(err)
		}
	}
	c.Add(time.Minute)
	rows := len(peer.tables["data"])
	err := commit("fails", table.Put(table.Item{Key: spot}, table.Absent), table.Check(table.Key{PK: "p", SK: "t"}, table.Absent))
	f, ok := errors.AsType[*table.ConditionFailed](err)
	if !ok || len(f.Failed) != 1 || f.Failed[0].Write != 1 || len(peer.tables["data"]) != rows {
		t.Errorf("a commit that fails for another reason: %v, %d rows of %d", err, len(peer.tables["data"]), rows)
	}
	for range 2 {
		if err := commit("does", table.Put(table.Item{Key: spot}, table.Absent)); err != nil {
			t.Fatal(err)
		}
	}
	items, err := s.Get(t.Context(), spot)
	if err != nil || len(items) != 1 || items[0].Version != 1 {
		t.Errorf("a new life: %v, %v", items, err)
	}
}
