package account_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// visible is the naive oracle: which of the accounts the user may see in the scope, by walking the organisation for each.
func (w *world) visible(u id.User, s policy.Scope, all map[id.Account]*account.Account) []*account.Account {
	var out []*account.Account
	for _, a := range all {
		ok := a.Owner == u || s == policy.All
		if s >= policy.Reports {
			for m := a.Owner; m != "" && !ok; m = w.places[m].Manager {
				ok = m == u
			}
		}
		mine := w.places[u].Department
		if s >= policy.Department && mine != "" && a.Department == mine {
			ok = true
		}
		if s >= policy.Subtree && mine != "" {
			for d := a.Department; d != "" && !ok; d = w.parents[d] {
				ok = d == mine
			}
		}
		if ok {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, newestFirst)
	return out
}

// newestFirst is the order of lists.
func newestFirst(x, y *account.Account) int {
	return -cmp.Or(x.UpdatedAt.Compare(y.UpdatedAt), cmp.Compare(x.ID, y.ID))
}

func idsOf(all []*account.Account) []id.Account {
	out := []id.Account{}
	for _, a := range all {
		out = append(out, a.ID)
	}
	return out
}

// pages reads the list to its end, doing between after each page.
func (w *world) pages(t *testing.T, who *policy.Subject, q account.Query, between func()) []id.Account {
	t.Helper()
	out := []id.Account{}
	for range 1_000 {
		p, err := w.accounts.List(t.Context(), who, q)
		must(t, err)
		if len(p.Items) > q.Limit {
			t.Fatalf("a page of %d, limit %d", len(p.Items), q.Limit)
		}
		for _, a := range p.Items {
			out = append(out, a.ID)
		}
		if p.Next == "" {
			if len(p.Items) == 0 && q.After != "" && between == nil {
				t.Fatal("a page was promised, and it is empty")
			}
			return out
		}
		q.After = p.Next
		if between != nil {
			between()
		}
	}
	t.Fatal("the list does not end")
	return nil
}

// organisation makes random departments, users and accounts. Several accounts share a millisecond, and the index has four shards.
func organisation(t *testing.T, r *rand.Rand) (*world, []id.User, map[id.Account]*account.Account) {
	w := newWorld(t, func(row *principal.Tenant) { row.Shards = 4 })
	depts := []id.Department{""}
	for range 1 + r.IntN(6) {
		depts = append(depts, w.department(t, depts[r.IntN(len(depts))]))
	}
	users := []id.User{w.user(t, principal.UserActive, depts[r.IntN(len(depts))], "")}
	for range 2 + r.IntN(10) {
		users = append(users, w.user(t, principal.UserActive, depts[r.IntN(len(depts))], users[r.IntN(len(users))]))
	}
	all := map[id.Account]*account.Account{}
	boss := w.as(users[0], everything(policy.All))
	for range 10 + r.IntN(60) {
		a := w.random(t, r, boss, users, depts)
		all[a.ID] = a
	}
	return w, users, all
}

func (w *world) random(t *testing.T, r *rand.Rand, boss *policy.Subject, users []id.User, depts []id.Department) *account.Account {
	a := w.create(t, boss, users[r.IntN(len(users))], func(d *account.Draft) {
		switch r.IntN(3) {
		case 0:
			d.Department = patch.Of(string(depts[r.IntN(len(depts))]))
		case 1:
			d.Department = patch.Field[string]{Set: true, Null: true}
		}
		d.Type = account.Types[r.IntN(2)]
	})
	if r.IntN(2) == 0 {
		w.Clock.Add(-time.Millisecond)
	}
	return a
}

// TestListIsCheck holds I4: for random organisations, scopes and page sizes the pages are what the naive oracle and Get say, in order,
// without gap or double, also while others create and touch accounts between the pages.
func TestListIsCheck(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			w, users, all := organisation(t, r)
			depts := []id.Department{""}
			for d := range w.parents {
				depts = append(depts, d)
			}
			boss := w.as(users[0], everything(policy.All))
			for _, scope := range policy.Scopes {
				u := users[r.IntN(len(users))]
				who := w.as(u, everything(scope))
				want := idsOf(w.visible(u, scope, all))
				for a, x := range all {
					_, err := w.accounts.Get(t.Context(), who, a)
					if (err == nil) != slices.Contains(want, a) {
						t.Fatalf("%v: get says %v of an account of %s in %q", scope, err, x.Owner, x.Department)
					}
				}
				for _, limit := range []int{1, 3, 7, 100} {
					if got := w.pages(t, who, account.Query{Limit: limit}, nil); !slices.Equal(got, want) {
						t.Fatalf("%v, limit %d: %v\nwant %v", scope, limit, got, want)
					}
				}
				p, err := w.accounts.List(t.Context(), who, account.Query{Limit: 1, Count: true})
				must(t, err)
				if *p.Count != (account.Count{Value: len(want), Exact: true}) {
					t.Fatalf("%v: counted %+v, want %d", scope, *p.Count, len(want))
				}

				// While others write: whatever nobody touched is seen once and in its order.
				touched := map[id.Account]bool{}
				got := w.pages(t, who, account.Query{Limit: 1 + r.IntN(5)}, func() {
					if r.IntN(2) == 0 {
						a := w.random(t, r, boss, users, depts)
						all[a.ID], touched[a.ID] = a, true
						return
					}
					victim := slices.Sorted(keys(all))[r.IntN(len(all))]
					touched[victim] = true
					all[victim] = w.rename(t, boss, victim, fmt.Sprint("renamed ", r.Uint32()))
				})
				untouched := func(a id.Account) bool { return touched[a] }
				if double := firstDouble(got); double != "" {
					t.Fatalf("%v: %s twice", scope, double)
				}
				got, left := slices.DeleteFunc(got, untouched), slices.DeleteFunc(slices.Clone(want), untouched)
				if !slices.Equal(got, left) {
					t.Fatalf("%v, with writes between: %v\nwant %v", scope, got, left)
				}
			}
		})
	}
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func firstDouble(ids []id.Account) id.Account {
	seen := map[id.Account]bool{}
	for _, a := range ids {
		if seen[a] {
			return a
		}
		seen[a] = true
	}
	return ""
}

func (w *world) rename(t testing.TB, who *policy.Subject, a id.Account, name string) *account.Account {
	t.Helper()
	w.Clock.Add(time.Millisecond)
	var out *account.Account
	must(t, w.run(t.Context(), who, func(c *change.Set) (err error) {
		out, err = w.accounts.Update(t.Context(), who, c, a, 0, account.Patch{Name: patch.Of(name)})
		return err
	}))
	return out
}

// TestListFilters holds that a filter gives what the oracle's list gives when filtered, and a count that equals it.
func TestListFilters(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	w, users, all := organisation(t, r)
	boss := w.as(users[0], everything(policy.All))
	var off id.Account
	for _, a := range slices.Sorted(keys(all)) {
		off = a
	}
	must(t, w.run(t.Context(), boss, func(c *change.Set) (err error) {
		all[off], err = w.accounts.Deactivate(t.Context(), boss, c, off, 0)
		return err
	}))
	for _, scope := range policy.Scopes {
		u := users[1]
		who := w.as(u, everything(scope))
		for name, f := range map[string]struct {
			query account.Query
			keep  func(*account.Account) bool
		}{
			"owner": {account.Query{Owner: users[2]}, func(a *account.Account) bool { return a.Owner == users[2] }},
			"self":  {account.Query{Owner: u}, func(a *account.Account) bool { return a.Owner == u }},
			"department": {account.Query{Department: w.places[u].Department}, func(a *account.Account) bool {
				return w.places[u].Department == "" || a.Department == w.places[u].Department
			}},
			"type":     {account.Query{Type: "individual"}, func(a *account.Account) bool { return a.Type == "individual" }},
			"inactive": {account.Query{Status: account.Inactive}, func(a *account.Account) bool { return a.ID == off }},
			"two":      {account.Query{Owner: u, Type: "enterprise"}, func(a *account.Account) bool { return a.Owner == u && a.Type == "enterprise" }},
			"none":     {account.Query{Stage: "loyal"}, func(*account.Account) bool { return false }},
		} {
			want := slices.DeleteFunc(w.visible(u, scope, all), func(a *account.Account) bool { return !f.keep(a) })
			f.query.Limit = 4
			if got := w.pages(t, who, f.query, nil); !slices.Equal(got, idsOf(want)) {
				t.Errorf("%v %s: %v\nwant %v", scope, name, got, idsOf(want))
			}
			f.query.Count = true
			p, err := w.accounts.List(t.Context(), who, f.query)
			must(t, err)
			if *p.Count != (account.Count{Value: len(want), Exact: true}) {
				t.Errorf("%v %s: counted %+v, want %d", scope, name, *p.Count, len(want))
			}
		}
	}
}

// TestListOfManyReports walks the tenant's index instead of merging a partition for each report, with the same outcome.
func TestListOfManyReports(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	head := w.user(t, principal.UserActive, "", boss)
	all := map[id.Account]*account.Account{}
	admin := w.as(boss, everything(policy.All))
	for n := range 90 {
		u := w.user(t, principal.UserActive, "", head)
		if n%2 == 0 {
			u = boss
		}
		a := w.create(t, admin, u)
		all[a.ID] = a
	}
	who := w.as(head, everything(policy.Reports))
	want := idsOf(w.visible(head, policy.Reports, all))
	if len(want) != 45 {
		t.Fatalf("the oracle sees %d", len(want))
	}
	for _, limit := range []int{1, 10, 44, 45, 46, 100} {
		if got := w.pages(t, who, account.Query{Limit: limit}, nil); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v\nwant %v", limit, got, want)
		}
	}
	p, err := w.accounts.List(t.Context(), who, account.Query{Limit: 10, Count: true})
	must(t, err)
	if *p.Count != (account.Count{Value: 45, Exact: true}) {
		t.Errorf("counted %+v", *p.Count)
	}
}

// TestListUnderLag holds that a lagging index shows nothing that is not so: no row that the reader may not see, none at an old place.
func TestListUnderLag(t *testing.T) {
	w := newWorld(t)
	dept := w.department(t, "")
	boss := w.user(t, principal.UserActive, "", "")
	rep := w.user(t, principal.UserActive, dept, boss)
	admin := w.as(boss, everything(policy.All))
	stays := w.create(t, admin, rep)
	moves := w.create(t, admin, boss, func(d *account.Draft) { d.Department = patch.Of(string(dept)) })
	who := w.as(rep, everything(policy.Department))
	if got := w.pages(t, who, account.Query{Limit: 9}, nil); !slices.Equal(got, []id.Account{moves.ID, stays.ID}) {
		t.Fatalf("before: %v", got)
	}
	w.Store.FreezeIndexes()
	must(t, w.run(t.Context(), admin, func(c *change.Set) error {
		_, err := w.accounts.Update(t.Context(), admin, c, moves.ID, 0, account.Patch{Department: patch.Field[string]{Set: true, Null: true}})
		return err
	}))
	if got := w.pages(t, who, account.Query{Limit: 9}, nil); !slices.Equal(got, []id.Account{stays.ID}) {
		t.Errorf("while the index lags: %v", got)
	}
	w.rename(t, admin, stays.ID, "Renamed")
	if got := w.pages(t, who, account.Query{Limit: 9}, nil); len(got) != 0 {
		t.Errorf("listed %v at a place that is no longer theirs", got)
	}
	w.Store.ThawIndexes()
	if got := w.pages(t, who, account.Query{Limit: 9}, nil); !slices.Equal(got, []id.Account{stays.ID}) {
		t.Errorf("after: %v", got)
	}
}

// TestFilterable holds that nobody filters by what they are not shown.
func TestFilterable(t *testing.T) {
	w := newWorld(t)
	u := w.user(t, principal.UserActive, "", "")
	role := everything(policy.All)
	role.Fields = append(role.Fields,
		policy.FieldRule{Module: policy.ModAccount, Field: "type", Access: policy.Hidden},
		policy.FieldRule{Module: policy.ModAccount, Field: "ownerId", Access: policy.Masked},
		policy.FieldRule{Module: policy.ModAccount, Field: "stage", Access: policy.Read})
	who := w.as(u, role)
	for field, want := range map[string]bool{"type": false, "ownerId": false, "stage": true, "valueTier": true, "status": true} {
		if got := account.Filterable(who, field); got != want {
			t.Errorf("%s: %v, want %v", field, got, want)
		}
	}
}
