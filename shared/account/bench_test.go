package account_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// load fills the tenant with n accounts of the owners in turn, many to a commit: the very writes of creation, less the checks.
func (w *world) load(b testing.TB, who *policy.Subject, owners []id.User, n int) (sample []id.Account) {
	b.Helper()
	var writes []table.Write
	flush := func(room int) {
		if len(writes)+room > table.MaxWrites || room == 0 && len(writes) > 0 {
			w.Commit(b, writes...)
			writes = nil
		}
	}
	for i := range n {
		w.Clock.Add(time.Millisecond)
		c := change.New(who.Principal, w.IDs, w.Now())
		a, err := w.accounts.Create(b.Context(), who, c, account.Draft{
			Name: fmt.Sprint("Lotus Trading ", i), Type: account.Types[i%2], Email: fmt.Sprintf("hello%d@lotus.example", i),
			Phone: fmt.Sprintf("+86138%08d", i), Owner: patch.Of(string(owners[i%len(owners)])),
			Address: account.Address{Country: "CN", City: "Hangzhou", Street: "West Lake 1"}, Industry: "Tea",
		})
		must(b, err)
		all, err := c.Writes()
		must(b, err)
		flush(len(all))
		for _, x := range all {
			if x.Op != table.OpCheck {
				writes = append(writes, x)
			}
		}
		if i%max(n/100, 1) == 0 {
			sample = append(sample, a.ID)
		}
	}
	flush(0)
	return sample
}

// cpu reports the processor time of an operation, which a busy machine stretches less than the time on the wall.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}

// BenchmarkAccounts measures the noun over the local table that does not wait for the disk: what Steward itself costs.
func BenchmarkAccounts(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		w := newWorld(b, func(r *principal.Tenant) { r.Shards = 4 })
		dept := w.department(b, "")
		director := w.user(b, principal.UserActive, "", "")
		manager := w.user(b, principal.UserActive, dept, director)
		owners := []id.User{}
		for i := range 100 {
			boss := director
			if i < 10 {
				boss = manager
			}
			owners = append(owners, w.user(b, principal.UserActive, dept, boss))
		}
		admin := w.as(director, everything(policy.All))
		sample := w.load(b, admin, owners, n)
		subjects := map[string]*policy.Subject{
			"rep":      w.as(owners[0], everything(policy.Own)),
			"manager":  w.as(manager, everything(policy.Reports)),
			"head":     w.as(manager, everything(policy.Department)),
			"walker":   w.as(director, everything(policy.Reports)), // over 64 partitions
			"director": admin,
		}
		for _, name := range []string{"rep", "manager", "head", "walker", "director"} {
			who := subjects[name]
			b.Run(fmt.Sprintf("n=%d/list50/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				defer cpu(b)()
				for b.Loop() {
					if _, err := w.accounts.List(b.Context(), who, account.Query{Limit: 50}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("n=%d/count/director", n), func(b *testing.B) {
			defer cpu(b)()
			for b.Loop() {
				if _, err := w.accounts.List(b.Context(), admin, account.Query{Limit: 1, Count: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("n=%d/get", n), func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			i := 0
			for b.Loop() {
				if _, err := w.accounts.Get(b.Context(), admin, sample[i%len(sample)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
		b.Run(fmt.Sprintf("n=%d/create", n), func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				w.create(b, admin, owners[0])
			}
		})
	}
}

// BenchmarkSearch measures searches over 10,000 accounts of a hundred owners: by an e-mail, by the start of a name, and by conditions joined
// over what a salesperson may see.
func BenchmarkSearch(b *testing.B) {
	w := newWorld(b, func(r *principal.Tenant) { r.Shards = 4 })
	director := w.user(b, principal.UserActive, "", "")
	owners := []id.User{}
	for range 100 {
		owners = append(owners, w.user(b, principal.UserActive, "", director))
	}
	admin, rep := w.as(director, everything(policy.All)), w.as(owners[0], everything(policy.Own))
	w.load(b, admin, owners, 10_000)
	and := `{"and":[{"field":"type","op":"eq","value":"enterprise"},{"or":[{"field":"name","op":"prefix","value":"lotus trading 1"},{"field":"address.city","op":"eq","value":"hangzhou"}]}]}`
	for _, row := range []struct {
		name string
		who  *policy.Subject
		q    account.Search
	}{
		{"email", admin, account.Search{Where: where(b, `{"field":"email","op":"eq","value":"hello77@lotus.example"}`)}},
		{"prefix", admin, account.Search{Where: where(b, `{"field":"name","op":"prefix","value":"lotus trading 77"}`)}},
		{"prefix/rep", rep, account.Search{Where: where(b, `{"field":"name","op":"prefix","value":"lotus trading 77"}`)}},
		{"and-or/rep", rep, account.Search{Where: where(b, and)}},
		{"and-or/director", admin, account.Search{Where: where(b, and)}},
		{"name/rep", rep, account.Search{Sort: by("name", account.Ascending)}},
		{"name/director", admin, account.Search{Sort: by("name", account.Ascending)}},
		{"created/director", admin, account.Search{Sort: by("createdAt", account.Ascending)}},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			row.q.Limit = 50
			for b.Loop() {
				if _, err := w.accounts.Search(b.Context(), row.who, row.q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
