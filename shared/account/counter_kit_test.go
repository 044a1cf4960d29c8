package account_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
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
	return countingOn(t, newWorld(t, func(r *principal.Tenant) { r.Shards = 4 }))
}

func countingOn(t testing.TB, on *world) *counting {
	t.Helper()
	w := &counting{world: on, t: t}
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

// again gives the accounts to another process.
func (w *counting) again() *account.Accounts { return account.New(w.Table, w.Crypt, nil, nil) }

func (w *counting) counted(t testing.TB, s *account.Accounts, who *policy.Subject, q account.Query) account.Count {
	t.Helper()
	q.Limit, q.Count = 1, true
	p, err := s.List(context.WithoutCancel(t.Context()), who, q)
	must(t, err)
	return *p.Count
}
