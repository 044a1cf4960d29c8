package metered_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local/localtest"
	"github.com/steward-crm/steward/shared/table/metered"
	"github.com/steward-crm/steward/shared/table/tabletest"
)

// TestContract shows that counting changes nothing of what the table does.
func TestContract(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) tabletest.Store {
		c := clocktest.At(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))
		s := localtest.Open(t, c.Now)
		return tabletest.Store{Table: counted{metered.New(s)}, Feed: s, Now: c.Now, Advance: c.Add}
	})
}

// counted has every request counted, so that the contract runs over all of the meter.
type counted struct{ table.Table }

func (c counted) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	ctx, _ = metered.Count(ctx)
	return c.Table.Get(ctx, keys...)
}

func (c counted) Query(ctx context.Context, q table.Query) (table.Page, error) {
	ctx, _ = metered.Count(ctx)
	return c.Table.Query(ctx, q)
}

func (c counted) Commit(ctx context.Context, token string, writes ...table.Write) error {
	ctx, _ = metered.Count(ctx)
	return c.Table.Commit(ctx, token, writes...)
}

var origin = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func open(t *testing.T) table.Table {
	t.Helper()
	return metered.New(localtest.Open(t, func() time.Time { return origin }))
}

func at(sk string) table.Key { return table.Key{PK: "p", SK: sk} }

// sized is an item of this many bytes as Item.Size counts them.
func sized(t *testing.T, sk string, size int) table.Item {
	t.Helper()
	it := table.Item{Key: at(sk)}
	it.Sealed = bytes.Repeat([]byte{1}, size-it.Size())
	if it.Size() != size {
		t.Fatalf("%d bytes, want %d", it.Size(), size)
	}
	return it
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, s table.Table, items ...table.Item) {
	t.Helper()
	for i, it := range items {
		must(t, s.Commit(t.Context(), fmt.Sprint(it.PK, it.SK, i), table.Put(it, table.Always)))
	}
}

// entry is an item that an index page answers with exactly 128 bytes.
func entry(n int) table.Item {
	return table.Item{Key: table.Key{PK: "e", SK: fmt.Sprintf("%055d", n)}, Index: map[table.Index]table.IndexKey{table.G1: {PK: "g", SK: fmt.Sprintf("%055d", n)}}}
}

// TestFigures holds what each request costs, alone.
func TestFigures(t *testing.T) {
	s := open(t)
	put(t, s, sized(t, "small", 100), sized(t, "4 KB", 4096), sized(t, "4 KB and 1", 4097))
	for n := range 64 {
		put(t, s, entry(n))
	}
	two := entry(70)
	two.Index[table.G2] = table.IndexKey{PK: "g", SK: "s"}
	get := func(keys ...string) func(context.Context) error {
		return func(ctx context.Context) error {
			var k []table.Key
			for _, sk := range keys {
				k = append(k, at(sk))
			}
			_, err := s.Get(ctx, k...)
			return err
		}
	}
	query := func(q table.Query) func(context.Context) error {
		return func(ctx context.Context) error { _, err := s.Query(ctx, q); return err }
	}
	commit := func(writes ...table.Write) func(context.Context) error {
		return func(ctx context.Context) error { return s.Commit(ctx, rand.Text(), writes...) }
	}
	for _, c := range []struct {
		what string
		do   func(context.Context) error
		want metered.Figures
		fail string // the fault; "condition" is a failed condition
	}{
		{"get: 4 KB are one unit", get("4 KB"), metered.Figures{Gets: 1, Rounds: 1, Keys: 1, Rows: 1, GetUnits: 1}, ""},
		{"get: a byte more are two", get("4 KB and 1"), metered.Figures{Gets: 1, Rounds: 1, Keys: 1, Rows: 1, GetUnits: 2}, ""},
		{"get: each item is rounded up", get("small", "4 KB and 1", "4 KB"), metered.Figures{Gets: 1, Rounds: 1, Keys: 3, Rows: 3, GetUnits: 4}, ""},
		{"get: a missing item costs one", get("none", "small", "nor this"), metered.Figures{Gets: 1, Rounds: 1, Keys: 3, Rows: 1, GetUnits: 3}, ""},
		{"get: no keys, no request", get(), metered.Figures{}, ""},
		{"get: refused", get("small", "small"), metered.Figures{Gets: 1, Rounds: 1}, "duplicate_keys"},

		{"base: the page is rounded up, not its items", query(table.Query{PK: "p", From: "small"}), metered.Figures{Queries: 1, Rounds: 1, Rows: 1, QueryUnits: 1}, ""},
		{"base: three items of 8,293 bytes", query(table.Query{PK: "p"}), metered.Figures{Queries: 1, Rounds: 1, Rows: 3, QueryUnits: 3}, ""},
		{"base: an empty page", query(table.Query{PK: "none"}), metered.Figures{Queries: 1, Rounds: 1, QueryUnits: 1}, ""},
		{"base: refused", query(table.Query{}), metered.Figures{Queries: 1, Rounds: 1}, "key_malformed"},

		{"index: one entry", query(table.Query{Index: table.G1, PK: "g", Limit: 1}), metered.Figures{Queries: 1, Rounds: 1, Rows: 1, IndexUnits: 0.5}, ""},
		{"index: 32 entries of 128 bytes are 4 KB", query(table.Query{Index: table.G1, PK: "g", Limit: 32}), metered.Figures{Queries: 1, Rounds: 1, Rows: 32, IndexUnits: 0.5}, ""},
		{"index: one more", query(table.Query{Index: table.G1, PK: "g", Limit: 33}), metered.Figures{Queries: 1, Rounds: 1, Rows: 33, IndexUnits: 1}, ""},
		{"index: an empty page", query(table.Query{Index: table.G1, PK: "none"}), metered.Figures{Queries: 1, Rounds: 1, IndexUnits: 0.5}, ""},

		{"commit: 1 KB is one unit, twice", commit(table.Put(sized(t, "a", 1024), table.Always)), metered.Figures{Commits: 1, Rounds: 1, Writes: 1, WriteUnits: 2}, ""},
		{"commit: a byte more are two, twice", commit(table.Put(sized(t, "a", 1025), table.Always)), metered.Figures{Commits: 1, Rounds: 1, Writes: 1, WriteUnits: 4}, ""},
		{"commit: and one for each index", commit(table.Put(two, table.Always)), metered.Figures{Commits: 1, Rounds: 1, Writes: 1, WriteUnits: 4}, ""},
		{"commit: deletes and checks", commit(table.Delete(at("b"), table.Always), table.Check(at("c"), table.Absent)), metered.Figures{Commits: 1, Rounds: 1, Writes: 2, WriteUnits: 4}, ""},
		{"commit: conditions that do not hold are billed", commit(table.Put(sized(t, "a", 10_000), table.Absent)), metered.Figures{Commits: 1, Rounds: 1, Writes: 1, WriteUnits: 20}, "condition"},
		{"commit: refused", commit(), metered.Figures{Commits: 1, Rounds: 1}, "empty_commit"},
	} {
		ctx, cost := metered.Count(t.Context())
		err := c.do(ctx)
		switch {
		case c.fail == "":
			must(t, err)
		case c.fail == "condition":
			if _, ok := errors.AsType[*table.ConditionFailed](err); !ok {
				t.Errorf("%s: %v", c.what, err)
			}
		case !fault.Is(err, c.fail):
			t.Errorf("%s: %v, want %s", c.what, err, c.fail)
		}
		if got := cost.Figures(); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.what, got, c.want)
		}
	}
}

// TestSums adds requests of every kind up, within a Cost and in the one above it; what is asked outside counts nowhere.
func TestSums(t *testing.T) {
	s := open(t)
	outer, all := metered.Count(t.Context())
	inner, some := metered.Count(outer)
	must(t, s.Commit(outer, "1", table.Put(sized(t, "a", 100), table.Absent)))
	_, err := s.Get(inner, at("a"), at("b"))
	must(t, err)
	_, err = s.Query(inner, table.Query{PK: "p"})
	must(t, err)
	_, err = s.Query(inner, table.Query{Index: table.G3, PK: "p"})
	must(t, err)
	_, err = s.Get(t.Context(), at("a"))
	must(t, err)
	for _, err := range s.Scan(inner, 0, 1) {
		must(t, err)
	}
	want := metered.Figures{Gets: 1, Queries: 2, Scans: 1, Rounds: 3, Keys: 2, Rows: 2, GetUnits: 2, QueryUnits: 1, IndexUnits: 0.5}
	if got := some.Figures(); got != want {
		t.Errorf("inner:\n got %+v\nwant %+v", got, want)
	}
	if n, u := some.Figures().Requests(), some.Figures().ReadUnits(); n != 3 || u != 3.5 {
		t.Errorf("%d requests, %v read units", n, u)
	}
	want.Commits, want.Writes, want.WriteUnits, want.Rounds = 1, 1, 2, 4
	if got := all.Figures(); got != want {
		t.Errorf("outer:\n got %+v\nwant %+v", got, want)
	}
}

// TestRounds counts requests that are sent side by side as one round, however many, and those that wait for others, or for a place among
// so many at once, as several. The store is a second away, in a bubble where that takes no time: so many rounds are so many seconds.
func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near := localtest.Open(t, time.Now)
		s := metered.Away(near, time.Second)
		together := func(ctx context.Context, n, atOnce int) {
			var g errgroup.Group
			g.SetLimit(atOnce)
			for i := range n {
				g.Go(func() error {
					_, err := s.Query(ctx, table.Query{Index: table.G1, PK: fmt.Sprint(i)})
					return err
				})
			}
			must(t, g.Wait())
		}
		for _, c := range []struct{ n, atOnce, rounds int }{{1, 1, 1}, {16, 16, 1}, {3, 1, 3}, {16, 8, 2}, {17, 16, 2}} {
			ctx, cost := metered.Count(t.Context())
			start := time.Now()
			together(ctx, c.n, c.atOnce)
			if took := time.Since(start); took != time.Duration(c.rounds)*time.Second {
				t.Errorf("%d requests, %d at once: took %v", c.n, c.atOnce, took)
			}
			if f := cost.Figures(); f.Rounds != c.rounds || f.Queries != c.n {
				t.Errorf("%d requests, %d at once: %d rounds of %d, want %d", c.n, c.atOnce, f.Rounds, f.Queries, c.rounds)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Get(ended, at("a")); !fault.IsKind(err, fault.Unavailable) {
			t.Errorf("after the context's end: %v", err)
		}
	})
}
