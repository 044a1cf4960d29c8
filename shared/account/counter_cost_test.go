package account_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/metered"
)

// TestCostOfTurns holds what infra/docs/cost.md says of the counters against what they read and write over a late feed.
func TestCostOfTurns(t *testing.T) {
	var w *counting
	for shards := map[table.Key]bool{}; len(shards) < 5; { // each owner's tallies in a shard of their own, as in a tenant of many shards
		w = newCounting(t)
		clear(shards)
		for _, u := range w.users {
			shards[account.CounterShardOf(w.row.ID, u)] = true
		}
	}
	f := newLate(w, 8)
	pick := picker(rand.New(rand.NewPCG(41, 41)))
	for range 60 {
		w.act(t, pick)
	}
	w.lagging(f, lag)
	w.settled(t)
	w.recount(t)
	w.Counters = account.NewCounters(metered.New(w.Table), f).Lagging(lag, nil)
	must(t, w.Work(t.Context(), w.Now)) // the round that was never taken
	var rows strings.Builder
	for _, row := range []struct {
		what string
		do   func()
	}{
		{"a minute in which nothing changed", func() { w.Clock.Add(time.Minute) }},
		{"a minute with one account changed", func() { w.act(t, func(int) int { return 0 }); w.Clock.Add(time.Minute) }},
		{fmt.Sprintf("the hourly recount of a tenant of 5 users and %d accounts", len(w.all)+1), func() { w.Clock.Add(time.Hour) }},
	} {
		row.do()
		ctx, cost := metered.Count(t.Context())
		must(t, w.Work(ctx, w.Now))
		c := cost.Figures()
		fmt.Fprintf(&rows, "| %s | %d | %g | %d |\n", row.what, c.Requests(), c.ReadUnits(), c.WriteUnits)
	}
	page, err := os.ReadFile("../../infra/docs/cost.md")
	must(t, err)
	if !strings.Contains(string(page), "|---|---|---|---|\n"+rows.String()+"\n") {
		t.Errorf("the table of counters in infra/docs/cost.md should be\n%s", &rows)
	}
}
