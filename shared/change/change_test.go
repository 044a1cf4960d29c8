package change_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

var (
	ctx   = context.Background()
	now   = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	clock = func() time.Time { return now }
)

type world struct {
	*testing.T
	table *local.Store
	ids   *id.Source
	who   principal.Principal
	acct  table.Key
}

func newWorld(t *testing.T) *world {
	ids := id.NewSource(clock, rand.NewChaCha8([32]byte{1}))
	who := principal.Principal{Tenant: id.New[id.Tenant](ids), User: id.New[id.User](ids), Operation: "accounts.create", Source: "127.0.0.1"}
	return &world{t, localtest.Open(t, clock), ids, who, key.Account(who.Tenant, id.New[id.Account](ids))}
}

func (w *world) set() *change.Set { return change.New(w.who, w.ids, now) }

// count answers how many items the store holds.
func (w *world) count() (n int) {
	w.Helper()
	for _, err := range w.table.Scan(ctx, 0, 1) {
		if err != nil {
			w.Fatal(err)
		}
		n++
	}
	return n
}

func taken() error { return fault.New(fault.Conflict, "email_taken") }

func TestCommitWritesTheChangeWithItsEvent(t *testing.T) {
	w := newWorld(t)
	c := w.set()
	c.Put(table.Item{Key: w.acct, Doc: []byte(`{}`)}, table.Absent, taken())
	c.Record(audit.Event{Target: "acct_1"})
	if err := c.Commit(ctx, w.table); err != nil {
		t.Fatal(err)
	}
	events, _, err := audit.Events(ctx, w.table, w.who.Tenant, audit.Filter{}, now, now, "", 10)
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	e := events[0]
	if e.Actor != string(w.who.User) || e.Action != "accounts.create" || e.Outcome != audit.Done || e.Source != "127.0.0.1" || !e.At.Equal(now) {
		t.Errorf("the event says %+v", e)
	}
}

func TestNoChangeWithoutAnEvent(t *testing.T) {
	w := newWorld(t)
	c := w.set()
	c.Put(table.Item{Key: w.acct}, table.Absent, nil)
	if err := c.Commit(ctx, w.table); !fault.Is(err, "change_without_event") {
		t.Fatalf("got %v", err)
	}
	if w.count() != 0 {
		t.Fatal("something was written")
	}
}

func TestFailedConditions(t *testing.T) {
	other := key.Company("tnt_x")
	for _, row := range []struct {
		name  string
		stage func(w *world, c *change.Set)
		want  func(error) bool
	}{
		{
			"a guard answers its own fault",
			func(w *world, c *change.Set) { c.Put(table.Item{Key: w.acct}, table.Absent, taken()) },
			func(err error) bool { return fault.Is(err, "email_taken") },
		},
		{
			"a premise that moved asks for another run",
			func(w *world, c *change.Set) { c.Put(table.Item{Key: w.acct}, table.VersionIs(7), nil) },
			func(err error) bool { return errors.Is(err, change.ErrMoved) },
		},
		{
			"a moved premise comes before a guard: the guard may be judged on old facts",
			func(w *world, c *change.Set) {
				c.Put(table.Item{Key: w.acct}, table.Absent, taken())
				c.Check(other, table.Present, nil)
			},
			func(err error) bool { return errors.Is(err, change.ErrMoved) },
		},
		{
			"of two guards the first speaks",
			func(w *world, c *change.Set) {
				c.Delete(w.acct, table.VersionIs(9), taken())
				c.Check(other, table.Present, fault.New(fault.Conflict, "other"))
			},
			func(err error) bool { return fault.Is(err, "email_taken") },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.table.Commit(ctx, "setup", table.Put(table.Item{Key: w.acct}, table.Absent)); err != nil {
				t.Fatal(err)
			}
			for _, end := range []func(*change.Set) error{
				func(c *change.Set) error { return c.Verify(ctx, w.table) },
				func(c *change.Set) error { return c.Commit(ctx, w.table) },
			} {
				c := w.set()
				row.stage(w, c)
				c.Record(audit.Event{})
				if err := end(c); !row.want(err) {
					t.Errorf("got %v", err)
				}
				if w.count() != 1 {
					t.Error("something was written")
				}
			}
		})
	}
}

// TestLastTellsOfAllOthers: what is staged last is given every write of the set, whenever it was staged, and commits or fails with it.
func TestLastTellsOfAllOthers(t *testing.T) {
	for _, row := range []struct {
		name string
		last func(*world, []table.Write) ([]table.Write, error)
		want func(error) bool
		kept int // items, the event among them
	}{
		{"one more", func(w *world, _ []table.Write) ([]table.Write, error) {
			return []table.Write{table.Put(table.Item{Key: key.Company(w.who.Tenant)}, table.Absent)}, nil
		}, func(err error) bool { return err == nil }, 3},
		{"none", func(*world, []table.Write) ([]table.Write, error) { return nil, nil }, func(err error) bool { return err == nil }, 2},
		{"its premise moved", func(w *world, _ []table.Write) ([]table.Write, error) {
			return []table.Write{table.Put(table.Item{Key: key.Company(w.who.Tenant)}, table.Present)}, nil
		}, func(err error) bool { return errors.Is(err, change.ErrMoved) }, 0},
		{"it cannot tell", func(*world, []table.Write) ([]table.Write, error) { return nil, taken() }, func(err error) bool { return fault.Is(err, "email_taken") }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			c := w.set()
			c.Last(func(staged []table.Write) ([]table.Write, error) {
				if len(staged) != 1 || staged[0].Item.Key != w.acct {
					t.Errorf("it is told of %d writes", len(staged))
				}
				return row.last(w, staged)
			})
			c.Put(table.Item{Key: w.acct, Doc: []byte(`{}`)}, table.Absent, taken())
			c.Record(audit.Event{Target: "acct_1"})
			if err := c.Commit(ctx, w.table); !row.want(err) || w.count() != row.kept {
				t.Errorf("%v; %d items", err, w.count())
			}
		})
	}
}

func TestVerifyWritesNothing(t *testing.T) {
	w := newWorld(t)
	c := w.set()
	c.Put(table.Item{Key: w.acct}, table.Absent, taken())
	c.Record(audit.Event{})
	if err := c.Verify(ctx, w.table); err != nil {
		t.Fatal(err)
	}
	if w.count() != 0 {
		t.Fatal("something was written")
	}
}

func TestRunStagesAgainWhenAPremiseMoves(t *testing.T) {
	w := newWorld(t)
	runs, effects := 0, 0
	err := change.Run(ctx, w.table, w.who, w.ids, clock, func(c *change.Set) error {
		runs++
		if runs < 3 {
			c.Check(w.acct, table.Present, nil)
		}
		c.After(func(context.Context) error { effects++; return nil })
		c.Record(audit.Event{})
		return nil
	})
	if err != nil || runs != 3 || effects != 1 {
		t.Fatalf("%d runs, %d effects, %v; want 3, 1, nil", runs, effects, err)
	}
	err = change.Run(ctx, w.table, w.who, w.ids, clock, func(c *change.Set) error {
		c.Check(w.acct, table.Present, nil)
		c.Record(audit.Event{})
		return nil
	})
	if !fault.Is(err, "busy") {
		t.Fatalf("a premise that never holds still: %v, want busy", err)
	}
}
