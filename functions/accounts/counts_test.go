package accounts_test

import (
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
)

type countsBody struct {
	By   string `json:"by"`
	Rows []struct {
		Key   string `json:"key"`
		Value int    `json:"value"`
	} `json:"rows"`
	Exact bool   `json:"exact"`
	AsOf  string `json:"asOf"`
	Why   string `json:"why"`
}

// counts reads statistics as rows by key.
func (d *desk) counts(t testing.TB, w edgetest.Who, by string) map[string]int {
	t.Helper()
	var b countsBody
	d.As(w).Get("/v1/accounts/counts?by="+by).Want(t, 200, "").Read(t, &b)
	if b.By != by || !b.Exact || b.AsOf != "" || b.Why != "" {
		t.Errorf("by %s: %+v", by, b)
	}
	rows := map[string]int{}
	for _, r := range b.Rows {
		rows[r.Key] = r.Value
	}
	return rows
}

// TestCounts holds A28 through the API: counts by a field are what the list counts with that filter, for who sees all and who sees some, at once
// after a change, with counters and without.
func TestCounts(t *testing.T) {
	d := open(t)
	boss, rep, other := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...), d.user(t, all(policy.Own)...)
	counters := account.NewCounters(d.Table, d.Feed)
	for round := range 3 {
		for n := range 7 {
			owner := rep
			if n%3 == 0 {
				owner = other
			}
			d.create(t, boss, m{"ownerId": owner.User, "type": account.Types[n%2], "stage": account.Stages[n%3], "valueTier": "high"})
		}
		for _, who := range []edgetest.Who{boss, rep, other} {
			for by, filter := range map[string]string{"owner": "ownerId", "status": "status", "type": "type", "valueTier": "valueTier", "stage": "stage"} {
				total := 0
				for k, n := range d.counts(t, who, by) {
					var page struct {
						Count struct {
							Value int    `json:"value"`
							Exact bool   `json:"exact"`
							AsOf  string `json:"asOf"`
							Why   string `json:"why"`
						} `json:"count"`
					}
					d.As(who).Get("/v1/accounts?limit=1&count=true&"+filter+"="+k).Want(t, 200, "").Read(t, &page)
					if page.Count.Value != n || !page.Count.Exact || page.Count.AsOf != "" || page.Count.Why != "" {
						t.Errorf("round %d: %s=%s: %d in the statistics, %+v in the list", round, filter, k, n, page.Count)
					}
					total += n
				}
				if want := map[edgetest.Who]int{boss: 7, rep: 4, other: 3}[who] * (round + 1); total != want {
					t.Errorf("round %d: by %s: %d accounts in all, want %d", round, by, total, want)
				}
			}
		}
		if _, err := counters.Advance(t.Context(), d.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := counters.Recount(t.Context(), d.tenant, d.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCountsRefused: bad parameters, and a field that the caller may not read.
func TestCountsRefused(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	d.rules(t, boss, policy.ModAccount, map[string]policy.Access{"type": policy.Hidden, "ownerId": policy.Masked})
	for query, code := range map[string]string{
		"?by=": "invalid_parameter", "?by=name": "invalid_parameter", "?by=type": "unknown_field", "?by=owner": "unknown_field",
		"?by=status&by=stage": "invalid_query", "?by=status&status=active": "unknown_parameter",
	} {
		d.As(boss).Get("/v1/accounts/counts"+query).Want(t, 400, code)
	}
	d.As(d.user(t, policy.Grant{Module: policy.ModContact, Action: policy.View, Scope: policy.All})).Get("/v1/accounts/counts?by=status").
		Want(t, 403, "permission_denied")
	d.As(boss).Get("/v1/accounts/counts").Want(t, 200, "") // by status
	if got := d.counts(t, boss, "status"); len(got) != 0 {
		t.Errorf("of no accounts: %v", got)
	}
}
