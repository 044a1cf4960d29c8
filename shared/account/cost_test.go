package account_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table/metered"
)

// TestCostOfPage holds what a first page of 50 asks of the table: one round for up to 16 partitions, one more for each 16 after them as long as
// that reads less than a walk of the tenant, and one round for the rows with their keys.
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
		admin := w.as(director, everything(policy.All))
		owners := slices.Sorted(maps.Keys(w.places)) // in one order, since whether a shard's first read is enough depends on whose accounts come first
		for i := range 600 {
			w.Clock.Add(time.Millisecond)
			c := change.New(admin.Principal, w.IDs, w.Now())
			_, err := w.accounts.Create(t.Context(), admin, c, account.Draft{
				Name: "Lotus Trading", Email: "hello@lotus.example", Phone: "+8613800138000", Owner: patch.Of(string(owners[i%len(owners)])),
			})
			must(t, err)
			must(t, c.Commit(t.Context(), w.Table))
		}
		far := account.New(metered.Away(w.Table, time.Millisecond), w.Crypt, w.access, nil)
		for _, row := range []struct {
			what                  string
			user                  id.User
			scope                 policy.Scope
			tenant                int // users
			queries, rounds, keys int
		}{
			{"one's own: one partition and what is granted", few, policy.Own, 1000, 2, 2, 0},
			{"14 reports fill a round", few, policy.Reports, 1000, 16, 2, 102},
			{"14 reports in a tiny tenant, where a walk would read less: a round all the same", few, policy.Reports, 15, 16, 2, 102},
			{"40 reports in a large tenant: three rounds read less than a walk", many, policy.Reports, 1000, 42, 4, 102},
			{"40 reports in a small tenant: a walk reads less than three rounds", many, policy.Reports, 60, 5, 2, 102},
			{"a department of 19, of whom 3 report to one: its partition answers alone", lead, policy.Department, 1000, 6, 2, 102},
			{"all: the shards", director, policy.All, 1000, 4, 2, 102},
		} {
			who := w.as(row.user, everything(row.scope))
			who.Org.Users = row.tenant
			ctx, cost := metered.Count(t.Context())
			_, err := far.List(ctx, who, account.Query{Limit: 50})
			must(t, err)
			f := cost.Figures()
			if f.Queries != row.queries || f.Rounds != row.rounds || row.keys > 0 && f.Keys != row.keys {
				t.Errorf("%s: %+v", row.what, f)
			}
		}
	})
}
