// Package metered tells what a piece of work costs at the table: requests, the rounds that they come in, rows, and the units that
// DynamoDB would bill. It wraps any table, changes nothing of what the table answers, and is for tests and benchmarks, where the cost of
// a list is a figure to hold.
//
// It reckons with sizes as Item.Size gives them, from what the port shows: it knows nothing of expired items that a store read and left
// out, of the size of what a write replaces, or whether a commit was a replay.
package metered

import (
	"context"
	"iter"
	"time"

	"github.com/steward-crm/steward/shared/table"
)

// New gives the table with its requests counted, for those whose context Count made.
func New(t table.Table) table.Table { return &meter{Table: t} }

// Away is New for a store that is some way off: each Get, Query and Commit waits that long before it is handed on. It is what
// Figures.Rounds needs where goroutines send requests side by side: a local store may have answered the first before the last is sent, and
// then Rounds depends on the scheduler. In a synctest bubble the distance takes no time, and Rounds is exact.
func Away(t table.Table, distance time.Duration) table.Table { return &meter{t, distance} }

type meter struct {
	table.Table
	distance time.Duration
}

// start opens a request and goes the distance.
func (m *meter) start(ctx context.Context) *request {
	r := begin(ctx)
	if m.distance > 0 {
		wait := time.NewTimer(m.distance)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done(): // the table says so itself
		}
	}
	return r
}

// Get implements table.Table. One without keys asks nothing, and counts as nothing.
func (m *meter) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if len(keys) == 0 {
		return m.Table.Get(ctx)
	}
	r := m.start(ctx)
	items, err := m.Table.Get(ctx, keys...)
	r.end(func(f *Figures) {
		f.Gets++
		if err == nil {
			f.addGet(len(keys), items)
		}
	})
	return items, err
}

// Query implements table.Table.
func (m *meter) Query(ctx context.Context, q table.Query) (table.Page, error) {
	r := m.start(ctx)
	p, err := m.Table.Query(ctx, q)
	r.end(func(f *Figures) {
		f.Queries++
		if err == nil {
			f.addQuery(q.Index, p.Items)
		}
	})
	return p, err
}

// Commit implements table.Table.
func (m *meter) Commit(ctx context.Context, token string, writes ...table.Write) error {
	r := m.start(ctx)
	err := m.Table.Commit(ctx, token, writes...)
	r.end(func(f *Figures) {
		f.Commits++
		if tried(err) {
			f.addCommit(writes)
		}
	})
	return err
}

// Scan implements table.Table.
func (m *meter) Scan(ctx context.Context, segment, of int) iter.Seq2[table.Item, error] {
	addScan(ctx)
	return m.Table.Scan(ctx, segment, of)
}
