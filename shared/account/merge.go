package account

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// source is one ordered index partition of accounts, or a handful of accounts that no index has in order.
type source struct {
	index  table.Index
	pk     string
	prefix string                // before the place in its sort keys
	starts string                // how its sort keys start; only those are read, from the first on
	admits func(*key.Entry) bool // by what the entry itself says; nil admits all
	thin   float64               // the share of its entries that is expected to be admitted; 0 is all
	given  []string              // places, in order; without an index
}

// merge walks sources together in the order of their places, each place once.
type merge struct {
	table   table.Table
	up      bool // lowest place first
	streams []stream
	last    string
}

type stream struct {
	source
	query table.Query
	head  []string // places that were read and not taken
	done  bool
}

// atOnce is how many partitions are read side by side: a store far away answers them in one round.
const atOnce = 16

// The bounds of one read of an index.
const (
	leastRead = 10
	mostRead  = table.MaxLimit
)

// merge opens the sources after the place; want is how many places are expected to be taken.
func (s *Accounts) merge(ctx context.Context, from []source, up bool, after string, want int) (*merge, error) {
	m := &merge{table: s.table, up: up, streams: make([]stream, len(from))}
	for i, x := range from {
		m.streams[i] = stream{source: x, head: x.given, done: x.given != nil}
		if x.given != nil {
			m.streams[i].skip(after, up)
			continue
		}
		share := float64(max(2*want/len(from), leastRead))
		if x.thin > 0 {
			share /= x.thin
		}
		q := table.Query{Index: x.index, PK: x.pk, Reverse: !up, Limit: int(min(share, mostRead))}
		if x.prefix != "" {
			q.From, q.To = x.prefix, x.prefix+"\x7f"
		}
		if x.starts != "" {
			q.Prefix = x.starts
		}
		switch { // owner and department follow a place: what is after it is above, or below, all that starts with it
		case after != "" && up:
			q.From = x.prefix + after + "$"
		case after != "":
			q.To = x.prefix + after
		}
		m.streams[i].query = q
	}
	if len(m.streams) == 1 {
		return m, m.streams[0].fill(ctx, s.table)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range m.streams {
		g.Go(func() error { return m.streams[i].fill(ctx, s.table) })
	}
	return m, g.Wait()
}

// skip passes over given places that are not after the one.
func (x *stream) skip(after string, up bool) {
	if after == "" {
		return
	}
	n := 0
	for n < len(x.head) && !before(after, x.head[n], up) {
		n++
	}
	x.head = x.head[n:]
}

func before(a, b string, up bool) bool {
	if up {
		return a < b
	}
	return a > b
}

// fill reads the next page of a stream that ran dry.
func (x *stream) fill(ctx context.Context, t table.Table) error {
	for len(x.head) == 0 && !x.done {
		p, err := t.Query(ctx, x.query)
		if err != nil {
			return err
		}
		x.head = slices.Grow(x.head, len(p.Items))
		for i := range p.Items {
			e, ok := key.EntryOf(p.Items[i].At.SK[len(x.prefix):])
			if ok && (x.admits == nil || x.admits(&e)) {
				x.head = append(x.head, e.Place)
			}
		}
		x.query.Cursor = p.Cursor
		x.done = p.Cursor == ""
	}
	return nil
}

// take gives up to n places in order; none is the end.
func (m *merge) take(ctx context.Context, n int) ([]string, error) {
	var out []string
	for len(out) < n {
		best := -1
		for i := range m.streams {
			x := &m.streams[i]
			if len(x.head) == 0 {
				if err := x.fill(ctx, m.table); err != nil {
					return nil, err
				}
			}
			if len(x.head) > 0 && (best < 0 || before(x.head[0], m.streams[best].head[0], m.up)) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		x := &m.streams[best]
		at := x.head[0]
		x.head = x.head[1:]
		if at != m.last { // an account may lie in two partitions, at the same place in each
			out = append(out, at)
			m.last = at
		}
	}
	return out, nil
}

// accountIn is the account that a place names: its last part.
func accountIn(place string) id.Account {
	return id.Account(place[strings.LastIndexByte(place, '#')+1:])
}
