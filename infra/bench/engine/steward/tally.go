package steward

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/table"
)

// tally has the counters count the accounts from what each user owns, as they do after changes were missed: following the feed of a load would
// write the same shards again every sixty accounts.
func (e *Engine) tally(ctx context.Context) error {
	end, err := e.end(ctx)
	if err != nil {
		return err
	}
	c := account.NewCounters(e.store, from{e.store, end})
	for {
		if done, err := c.Recount(ctx, e.tenant.ID, time.Now()); done || err != nil {
			return err
		}
	}
}

// from is the feed for somebody who has read nothing yet, from a position on.
type from struct {
	table.Feed
	position string
}

// Changes implements table.Feed.
func (f from) Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error) {
	if after == "" {
		after = f.position
	}
	return f.Feed.Changes(ctx, after, limit)
}

// end is the position of the last change: a position is the number of a change in 16 hex digits, and the store refuses those it never gave.
func (e *Engine) end(ctx context.Context) (string, error) {
	at := func(n int) string { return fmt.Sprintf("%016x", n) }
	first := sort.Search(1<<40, func(n int) bool {
		_, _, err := e.store.Changes(ctx, at(n), 1)
		return err != nil
	})
	_, _, err := e.store.Changes(ctx, at(first-1), 1)
	return at(first - 1), err
}
