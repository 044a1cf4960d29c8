package account_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// BenchmarkCount counts what people of every kind may view in a tenant of 1,000 owners in 111 departments, by the counters; the budget is 1 ms at
// 100,000 accounts and about that at a million, and 150 bytes an account of what is kept in memory. STEWARD_BENCH_ACCOUNTS names one
// more size.
func BenchmarkCount(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if n, err := strconv.Atoi(os.Getenv("STEWARD_BENCH_ACCOUNTS")); err == nil {
		sizes = append(sizes, n)
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) { benchCount(b, n) })
	}
}

func benchCount(b *testing.B, n int) {
	w := newWorld(b, func(r *principal.Tenant) { r.Shards = 16 })
	c := account.NewCounters(w.Table, w.Feed)
	all := w.department(b, "")
	director := w.user(b, principal.UserActive, all, "")
	var owners []id.User
	var region id.Department
	var head, manager id.User
	for range 10 {
		region = w.department(b, all)
		head = w.user(b, principal.UserActive, region, director)
		for range 10 {
			team := w.department(b, region)
			for range 10 {
				boss := head
				if len(owners) > 0 && len(owners)%50 >= 10 { // forty of each fifty report to the first
					boss = manager
				}
				u := w.user(b, principal.UserActive, team, boss)
				if len(owners)%50 == 0 {
					manager = u
				}
				owners = append(owners, u)
			}
		}
	}
	admin := w.as(director, everything(policy.All))
	sample := w.load(b, admin, owners, n)
	for {
		done, err := c.Advance(b.Context(), w.Now())
		must(b, err)
		if done == 0 {
			break
		}
	}
	sharing := owners[1]
	for _, a := range sample {
		must(b, w.run(b.Context(), admin, func(c *change.Set) error {
			return w.accounts.GrantTo(b.Context(), admin, c, a, policy.RecordGrant{Kind: policy.KindTeam, To: policy.ToUser(sharing), On: policy.ActView}, false)
		}))
	}
	subjects := []struct {
		name string
		who  *policy.Subject
	}{
		{"rep", w.as(owners[0], everything(policy.Own))},
		{"rep, in the team of 100 more", w.as(sharing, everything(policy.Own))},
		{"manager of 40", w.as(manager, everything(policy.Reports))},
		{"head of 100", w.as(head, everything(policy.Subtree))},
		{"director, all", admin},
		{"director, reports", w.as(director, everything(policy.Reports))},
	}
	s := account.New(w.Table, w.Crypt, nil, nil).TrustCounters().Counting(w.Feed)
	const copies = 20
	var before, after runtime.MemStats
	var others []*account.Accounts
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range copies {
		x := account.New(w.Table, w.Crypt, nil, nil).TrustCounters().Counting(w.Feed)
		_, err := x.Stats(b.Context(), admin, "owner")
		must(b, err)
		others = append(others, x)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / copies / float64(n)
	runtime.KeepAlive(others)
	for _, x := range subjects {
		for name, q := range map[string]account.Query{"all": {Limit: 1, Count: true}, "of a type": {Limit: 1, Count: true, Type: "individual"}} {
			b.Run(x.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					got, err := s.Count(b.Context(), x.who, q)
					if err != nil || !got.Exact || !got.AsOf.IsZero() {
						b.Fatal(got, err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/count")
				b.ReportMetric(kept, "B/account")
			})
		}
		b.Run(x.name+"/by owner", func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Stats(b.Context(), x.who, "owner"); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/count")
		})
	}
}
