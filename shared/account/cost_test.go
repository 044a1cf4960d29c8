package account_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table/metered"
)

// TestCostOfPage holds what a first page of 50 asks of the table: one round of requests to the indexes, and one for the rows with their keys. Few
// partitions are merged; of more, the merge, the departments of the team or the walk of the tenant, whichever takes least of 16 requests or 12 units.
func TestCostOfPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(r *principal.Tenant) { r.Shards = 4 })
		director := w.user(t, principal.UserActive, "", "")
		hire := func(d id.Department, n int) (boss id.User) {
			boss = w.user(t, principal.UserActive, d, director)
			for range n {
				w.user(t, principal.UserActive, d, boss)
			}
			return boss
		}
		east, west := w.department(t, ""), w.department(t, "")
		few, many, lead := hire(east, 14), hire(west, 40), hire(east, 3)
		region := w.department(t, "")
		head := w.user(t, principal.UserActive, region, director)
		for range 20 {
			d := w.department(t, region)
			for range 5 {
				w.user(t, principal.UserActive, d, director)
			}
		}
		admin := w.as(director, everything(policy.All))
		owners := slices.Sorted(keys(w.places))
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(owners), func(i, j int) { owners[i], owners[j] = owners[j], owners[i] })
		w.load(t, admin, owners, 820)
		far := account.New(metered.Away(w.Table, time.Millisecond), w.Crypt, w.access, nil)
		for _, row := range []struct {
			what            string
			user            id.User
			scope           policy.Scope
			tenant          int // users
			queries, rounds int
			units           float64
			keys            int
		}{
			{"one's own: one partition and what is granted", few, policy.Own, 1000, 2, 2, 1, 0},
			{"14 reports fill a round", few, policy.Reports, 1000, 16, 2, 8, 101},
			{"14 reports in a tiny tenant, where a walk would read less: few requests all the same", few, policy.Reports, 15, 16, 2, 8, 101},
			{"40 reports in one department: its partition and what is stray", many, policy.Reports, 1000, 3, 2, 3.5, 101},
			{"a department of 19, of whom 3 report to one: its partition answers alone", lead, policy.Department, 1000, 6, 2, 4.5, 101},
			{"a region of 100 users in 20 departments: a walk, because they are many, though their partitions are few", head, policy.Subtree, 250, 6, 2, 7, 101},
			{"all: the shards", director, policy.All, 1000, 5, 2, 4.5, 101},
		} {
			who := w.as(row.user, everything(row.scope))
			who.Org.Users = row.tenant
			ctx, cost := metered.Count(t.Context())
			_, err := far.List(ctx, who, account.Query{Limit: 50})
			must(t, err)
			f := cost.Figures()
			if f.Queries != row.queries || f.Rounds != row.rounds || f.IndexUnits != row.units || row.keys > 0 && f.Keys != row.keys {
				t.Errorf("%s: %+v", row.what, f)
			}
		}
	})
}

// TestListAcrossPlans: a reader whose plan changes between two pages, or while one is read, loses no account and sees none twice. The tenant seems
// to grow and shrink, so that the reports' accounts seem rare and are merged, or frequent and are looked for in a walk; it does not find
// them for long, because the newest accounts are others', and goes on as a merge.
func TestListAcrossPlans(t *testing.T) {
	w := newWorld(t, func(r *principal.Tenant) { r.Shards = 4 })
	east := w.department(t, "")
	director := w.user(t, principal.UserActive, "", "")
	head := w.user(t, principal.UserActive, east, director)
	owners := []id.User{director, head}
	for range 40 {
		owners = append(owners, w.user(t, principal.UserActive, "", head))
	}
	admin := w.as(director, everything(policy.All))
	w.load(t, admin, owners, 420) // 41 of 42 are the head's to see
	shared := w.load(t, admin, owners[:1], 200)[3]
	must(t, w.run(t.Context(), admin, func(c *change.Set) error {
		return w.accounts.GrantTo(t.Context(), admin, c, shared, policy.RecordGrant{Kind: policy.KindTeam, To: policy.ToUser(head), On: policy.ActView}, false)
	}))
	w.load(t, admin, owners[:1], 2500)
	newest := w.load(t, admin, owners[1:5], 40)[39]
	who := w.as(head, everything(policy.Reports))
	far := account.New(metered.New(w.Table), w.Crypt, w.access, nil)
	page := func(q account.Query, users int) (*account.Page, metered.Figures) {
		who.Org.Users = users
		ctx, cost := metered.Count(t.Context())
		p, err := far.List(ctx, who, q)
		must(t, err)
		return p, cost.Figures()
	}
	rare, frequent := 5000, 42
	var want []id.Account
	for q := (account.Query{Limit: 100}); ; {
		p, _ := page(q, rare)
		for _, a := range p.Items {
			want = append(want, a.ID)
		}
		if q.After = p.Next; q.After == "" {
			break
		}
	}
	if len(want) != 451 || want[0] != newest || want[40] != shared {
		t.Fatalf("%d accounts: want 451, forty that are the newest of all and one that is shared first", len(want))
	}
	if _, f := page(account.Query{Limit: 50}, rare); f.Queries != 42 {
		t.Errorf("reports whose accounts seem rare are merged, each partition once: %+v", f)
	}
	// The walk reads no more than the merge of 42 partitions would, 15 entries each, and what it is reading then; after it comes the merge.
	if _, f := page(account.Query{Limit: 50}, frequent); f.Queries < 46 || f.Rows > 1700 {
		t.Errorf("a walk that finds nothing goes on as a merge: %+v", f)
	}
	for _, limit := range []int{1, 7, 50} {
		got, users := []id.Account{}, []int{frequent, rare}
		q := account.Query{Limit: limit}
		for n := 0; len(got) < 120; n++ {
			p, _ := page(q, users[n%2])
			for _, a := range p.Items {
				got = append(got, a.ID)
			}
			q.After = p.Next
		}
		if !slices.Equal(got, want[:len(got)]) {
			t.Errorf("limit %d: %v\nwant %v", limit, got, want[:len(got)])
		}
	}
}
