package account_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// counting is a world with counters, whose turns the test takes.
type counting struct {
	*world
	*account.Counters
	t     testing.TB
	boss  *policy.Subject
	users []id.User
	depts []id.Department
	cats  []id.Category
	all   []id.Account
}

func newCounting(t testing.TB) *counting {
	t.Helper()
	w := &counting{world: newWorld(t, func(r *principal.Tenant) { r.Shards = 4 }), t: t}
	w.Counters = account.NewCounters(w.Table, w.Feed)
	w.depts = []id.Department{"", w.department(t, ""), w.department(t, "")}
	w.cats = w.categories(t)
	for i := range 5 {
		w.users = append(w.users, w.user(t, principal.UserActive, w.depts[i%3], ""))
	}
	w.boss = w.as(w.users[0], everything(policy.All))
	return w
}

func (w *counting) categories(t testing.TB) []id.Category {
	t.Helper()
	cats := []id.Category{id.New[id.Category](w.IDs), id.New[id.Category](w.IDs)}
	for _, c := range cats {
		w.Commit(t, table.Put(item(t, key.Category(w.row.ID, c), access.Category{ID: c}), table.Absent))
	}
	return cats
}

func (w *counting) turns(t testing.TB) {
	t.Helper()
	for range 10_000 {
		n, err := w.Advance(context.WithoutCancel(t.Context()), w.Now())
		must(t, err)
		if n == 0 {
			return
		}
	}
	t.Fatal("the turns never end")
}

func (w *counting) recount(t testing.TB) {
	t.Helper()
	for range 1_000 {
		done, err := w.Recount(context.WithoutCancel(t.Context()), w.row.ID, w.Now())
		must(t, err)
		if done {
			return
		}
	}
	t.Fatal("the recount never ends")
}

// equalRecount holds that what is stored is what is there, and all of it.
func (w *counting) equalRecount(t testing.TB, complete bool) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	got, all, err := w.Stored(ctx, w.row.ID)
	must(t, err)
	want, err := account.Brute(ctx, w.Table, w.row.ID)
	must(t, err)
	if d := cmp.Diff(want, got); d != "" || all != complete {
		t.Fatalf("complete %v, want %v; counts differ from a recount (-want +got):\n%s", all, complete, d)
	}
}

// act does something at random to some account.
func (w *counting) act(t testing.TB, pick func(n int) int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	w.Clock.Add(time.Millisecond)
	run := func(stage func(*change.Set) error) {
		t.Helper()
		must(t, w.run(ctx, w.boss, stage))
	}
	op := pick(7)
	if len(w.all) == 0 || op < 2 {
		d := account.Draft{
			Name: "Lotus Trading", Email: "hello@lotus.example", Phone: "+8613800138000", Owner: patch.Of(string(w.users[pick(len(w.users))])),
			Type: append(account.Types, "")[pick(3)], Stage: append(account.Stages, "")[pick(4)],
		}
		var a *account.Account
		run(func(c *change.Set) (err error) { a, err = w.accounts.Create(ctx, w.boss, c, d); return err })
		w.all = append(w.all, a.ID)
		return
	}
	a := w.all[pick(len(w.all))]
	rewrite := func(edit func(*account.Account)) {
		t.Helper()
		run(func(c *change.Set) error { return w.accounts.Rewrite(ctx, w.boss, c, a, edit) })
	}
	switch op {
	case 2:
		tier := append(account.ValueTiers, "")[pick(4)]
		rewrite(func(x *account.Account) { x.ValueTier = tier })
	case 3:
		dept := w.depts[pick(len(w.depts))]
		rewrite(func(x *account.Account) { x.Department = dept })
	case 4:
		to := w.users[pick(len(w.users))]
		rewrite(func(x *account.Account) { x.Owner = to })
	case 5:
		cats := account.CategoriesOf(w.cats[:pick(len(w.cats)+1)])
		rewrite(func(x *account.Account) { x.Categories = cats })
	case 6:
		off := pick(2) == 0
		run(func(c *change.Set) (err error) {
			if off {
				_, err = w.accounts.Deactivate(ctx, w.boss, c, a, 0)
			} else {
				_, err = w.accounts.Reactivate(ctx, w.boss, c, a, 0)
			}
			return err
		})
	}
}

func picker(r *rand.Rand) func(int) int { return func(n int) int { return r.IntN(n) } }

// TestCountersAreARecount: whatever is done, in whatever order, with turns and recounts taken anywhere between, what the counters say at the end is what
// reading every account says.
func TestCountersAreARecount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newCounting(t)
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "pick") }
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch pick(5) {
			case 0:
				_, err := w.Advance(t.Context(), w.Now())
				must(t, err)
			case 1:
				if pick(3) == 0 {
					w.recount(t)
				}
			default:
				w.act(t, pick)
			}
		}
		w.turns(t)
		w.equalRecount(t, true)
	})
}

// TestCountersSurviveEveryDeath: the process dies at every step of every turn in turn, before a commit or after it, and a new one goes on. Each change
// counts once.
func TestCountersSurviveEveryDeath(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(3, 3)))
	died := errors.New("died")
	for step := range 60 {
		for range 3 {
			w.act(t, pick)
		}
		n := 0
		die := func(local.Call) error {
			if n++; n == 1+step%6 {
				return died
			}
			return nil
		}
		if step%2 == 0 {
			w.Faults.Before = die
		} else {
			n = step % 6 // the one commit of a turn, done, its answer lost
			w.Faults.After = die
		}
		_, err := w.Advance(t.Context(), w.Now())
		if step%12 < 2 && !errors.Is(err, died) {
			t.Fatalf("step %d did not die: %v", step, err)
		}
		w.Faults.Before, w.Faults.After = nil, nil
		w.Counters = account.NewCounters(w.Table, w.Feed)
	}
	w.turns(t)
	w.equalRecount(t, true)
}

// TestCountersOfTwoProcesses: two processes take turns and recount while others write, and each change counts once.
func TestCountersOfTwoProcesses(t *testing.T) {
	w := newCounting(t)
	var work, writes sync.WaitGroup
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	defer stop()
	for range 2 {
		c := account.NewCounters(w.Table, w.Feed)
		work.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.Advance(context.WithoutCancel(ctx), w.Now()); err != nil {
					t.Error(err)
				}
				// It may give way to the other process too often: then it is busy, and says so.
				if _, err := c.Recount(context.WithoutCancel(ctx), w.row.ID, w.Now()); err != nil && !fault.Is(err, "busy") {
					t.Error(err)
				}
			}
		})
	}
	writes.Go(func() {
		pick := picker(rand.New(rand.NewPCG(4, 4)))
		for range 150 {
			w.act(t, pick)
		}
	})
	writes.Wait()
	stop()
	work.Wait()
	w.turns(t)
	w.equalRecount(t, true)
}

// TestCountersOfOldData: accounts older than the feed are counted by the first recount, in bounded calls, while others write at every step of
// it; until it is through the counts are not taken for complete.
func TestCountersOfOldData(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(5, 5)))
	for range 60 {
		w.act(t, pick)
	}
	w.turns(t)
	w.forget(t)
	w.act(t, pick)
	w.turns(t)
	if _, complete, err := w.Stored(t.Context(), w.row.ID); err != nil || complete {
		t.Fatalf("complete without the old accounts: %v", err)
	}
	w.meddle(pick)
	w.recount(t)
	w.Faults.Before = nil
	w.turns(t)
	w.equalRecount(t, true)
}

// forget takes away all counts, but for how far the feed was read.
func (w *counting) forget(t testing.TB) {
	t.Helper()
	for it, err := range w.Table.Scan(t.Context(), 0, 1) {
		must(t, err)
		if key.IsCounter(it.Key) {
			w.Commit(t, table.Delete(it.Key, table.Always))
		}
	}
}

// meddle has others write between the steps of whoever reads.
func (w *counting) meddle(pick func(int) int) {
	var one sync.Mutex
	w.Faults.Before = func(c local.Call) error {
		if c.Op == "commit" || !one.TryLock() {
			return nil
		}
		defer one.Unlock()
		if pick(3) == 0 {
			w.act(w.t, pick)
		}
		return nil
	}
}

// TestRecountMendsDrift: counts that are wrong, for whatever reason, are right after a recount, though others write at every step of it.
func TestRecountMendsDrift(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(6, 6)))
	for range 60 {
		w.act(t, pick)
	}
	w.turns(t)
	w.equalRecount(t, true)
	for _, u := range w.users[:3] {
		w.Edit(t, account.CounterShardOf(w.row.ID, u), func(doc map[string]any) {
			rows := doc["t"].([]any)
			row := rows[0].(map[string]any)
			row["n"] = row["n"].(float64) + 7
			if len(rows) > 1 {
				doc["t"] = rows[1:]
			}
		})
	}
	got, _, err := w.Stored(t.Context(), w.row.ID)
	must(t, err)
	want, err := account.Brute(t.Context(), w.Table, w.row.ID)
	must(t, err)
	if maps.Equal(got, want) {
		t.Fatal("nothing drifted: the test is broken")
	}
	w.meddle(pick)
	w.recount(t)
	w.Faults.Before = nil
	w.turns(t)
	w.equalRecount(t, true)
}

// TestCountersThatMissedChanges: who has not read the feed for longer than it keeps may have missed changes, and does not vouch for the counts before all
// are recounted; who has read it to its end goes on.
func TestCountersThatMissedChanges(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(7, 7)))
	for range 20 {
		w.act(t, pick)
	}
	w.turns(t)
	for range 3 { // a quiet day, with a look at the feed now and then
		w.Clock.Add(10 * time.Hour)
		w.turns(t)
	}
	w.act(t, pick)
	w.turns(t)
	w.equalRecount(t, true)
	w.Clock.Add(30 * time.Hour)
	w.act(t, pick)
	w.turns(t)
	w.equalRecount(t, false)
	w.recount(t)
	w.equalRecount(t, true)
}

// TestCountersGiveUp: a tenant whose counts do not fit is not counted, and is taken up again by a recount when they do.
func TestCountersGiveUp(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(8, 8)))
	w.act(t, pick)
	w.turns(t)
	w.equalRecount(t, true)
	w.Narrow(100, 1<<20)
	for range 20 {
		w.act(t, pick)
	}
	w.turns(t)
	w.recount(t)
	if _, complete, err := w.Stored(t.Context(), w.row.ID); err != nil || complete {
		t.Fatalf("complete without room: %v", err)
	}
	w.Narrow(300<<10, 1<<20)
	w.recount(t)
	w.turns(t)
	w.equalRecount(t, true)
}

// neighbour is another tenant of the same deployment.
func (w *counting) neighbour(t testing.TB) *counting {
	t.Helper()
	x := *w
	y := *w.world
	x.world = &y
	tenant := w.Tenant(t, func(r *principal.Tenant) { r.Shards = 4 })
	items, err := w.Table.Get(t.Context(), key.Tenant(tenant))
	must(t, err)
	must(t, json.Unmarshal(items[0].Doc, &y.row))
	x.users, x.all = nil, nil
	for range 150 {
		x.users = append(x.users, x.user(t, principal.UserActive, "", ""))
	}
	x.depts, x.cats = x.depts[:1], x.categories(t)
	x.boss = x.as(x.users[0], everything(policy.All))
	return &x
}

// TestTurnsOfManyTenants: a turn takes as many changes as one commit has room for, and no tenant's accounts count for another.
func TestTurnsOfManyTenants(t *testing.T) {
	for name, room := range map[string]int{"of writes": 3 << 20, "of bytes": 2_000} {
		t.Run(name, func(t *testing.T) {
			first := newCounting(t)
			tenants := []*counting{first.neighbour(t), first.neighbour(t), first.neighbour(t)}
			pick := picker(rand.New(rand.NewPCG(9, 9)))
			for range 70 {
				for _, w := range tenants {
					w.act(t, pick)
				}
			}
			first.turns(t)
			reassign := func(n int) int {
				if n == 7 { // what to do: the owner, of many, is another
					return 4
				}
				return pick(n)
			}
			for range 70 {
				for _, w := range tenants {
					w.act(t, reassign)
				}
			}
			first.Narrow(300<<10, room)
			n, err := first.Advance(t.Context(), first.Now())
			must(t, err)
			if rest, err := first.Advance(t.Context(), first.Now()); n > 900 || rest < 2 || err != nil {
				t.Errorf("turns did %d changes and %d, %v: the room was never short", n, rest, err)
			}
			first.turns(t)
			for _, w := range tenants {
				w.equalRecount(t, true)
			}
		})
	}
}

// TestFollowRests: counters at the end of the feed write nothing, though others that follow it write their positions.
func TestFollowRests(t *testing.T) {
	w := newCounting(t)
	w.act(t, picker(rand.New(rand.NewPCG(1, 1))))
	w.turns(t)
	other := key.Control("FEED", "other")
	for n := range 20 {
		w.Commit(t, table.Put(item(t, other, map[string]any{"n": n}), table.Always))
		if n, err := w.Advance(t.Context(), w.Now()); n != 0 || err != nil {
			t.Fatalf("%d changes done with, %v", n, err)
		}
	}
	commits := 0
	w.Faults.After = func(local.Call) error { commits++; return nil }
	for n := range 1_000 { // but not for ever: what was read is read again each time
		w.Commit(t, table.Put(item(t, other, map[string]any{"n": n}), table.Always))
	}
	w.turns(t)
	if commits-1_000 < 1 || commits-1_000 > 8 {
		t.Errorf("%d turns for 1,000 changes that count nothing", commits-1_000)
	}
}
