package account_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// listBy reads the list to its end, each page by the way that it is asked for.
func (w *estate) listBy(t *testing.T, who *policy.Subject, limit, most int, way func() string) (out []id.Account, any bool) {
	t.Helper()
	out = []id.Account{}
	q := account.Query{Limit: limit}
	for range 1_000 {
		name := way()
		p, ok, err := w.accounts.ListBy(t.Context(), who, q, name, most)
		must(t, err)
		if !ok && name == account.Teamed {
			p, ok, err = w.accounts.ListBy(t.Context(), who, q, account.Merged, most)
			must(t, err)
		}
		if !ok {
			return nil, false
		}
		for _, a := range p.Items {
			out = append(out, a.ID)
		}
		if q.After = p.Next; q.After == "" {
			return out, true
		}
	}
	t.Fatal("the list does not end")
	return nil, false
}

// TestEveryWayListsTheSame: whatever moved, each way to plan a list gives everybody the accounts that Get answers and no others, in order and once,
// also when the way changes between pages or gives up in the middle of one.
func TestEveryWayListsTheSame(t *testing.T) {
	ways := []string{account.Merged, account.Teamed, account.Walked}
	for seed := range uint64(16) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newEstate(t, seed)
			for range 6 {
				for range 8 {
					w.act(t)
				}
				for _, u := range append([]id.User{w.boss}, w.people...) {
					who := w.who(t, u)
					if !who.Self.Active {
						continue
					}
					want := w.seen(t, who)
					if got := w.pages(t, who, account.Query{Limit: 1 + w.rand.IntN(9)}, nil); !slices.Equal(got, want) {
						t.Fatalf("%v %s, as it is planned: %v\nwant %v", w.scopeOf(u), u, got, want)
					}
					for _, way := range append(ways, "each in turn") {
						limit, most := 1+w.rand.IntN(9), pick(w.rand, []int{1, 10, 1000})
						next := func() string { return way }
						if way == "each in turn" {
							next = func() string { return pick(w.rand, ways) }
						}
						if got, any := w.listBy(t, who, limit, most, next); any && !slices.Equal(got, want) {
							t.Fatalf("%v %s, by %s, limit %d, most %d: %v\nwant %v", w.scopeOf(u), u, way, limit, most, got, want)
						}
					}
				}
			}
		})
	}
}
