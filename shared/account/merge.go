package account

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/table"
)

// source is one index partition that is ordered by time of update.
type source struct {
	index  table.Index
	pk     string
	prefix string // before the position in its sort keys
}

// candidate is an account that an index names.
type candidate struct {
	id       id.Account
	position string
}

// merge walks sources together, highest position first, each account once.
type merge struct {
	table   table.Table
	streams []stream
	last    string
}

type stream struct {
	query table.Query
	skip  string // the position to start after: queries include it
	strip int
	head  []string // positions that were read and not taken
	done  bool
}

// atOnce is how many partitions are read side by side: a store far away answers them in one round.
const atOnce = 16

func (s *Accounts) merge(ctx context.Context, from []source, after string, want int) (*merge, error) {
	m := &merge{table: s.table, streams: make([]stream, len(from))}
	for i, x := range from {
		q := table.Query{Index: x.index, PK: x.pk, Reverse: true, Limit: min(max(2*want/len(from), 10), 1000)}
		if x.prefix != "" {
			q.From, q.To = x.prefix, x.prefix+"\x7f"
		}
		if after != "" {
			q.To = x.prefix + after
		}
		m.streams[i] = stream{query: q, skip: after, strip: len(x.prefix)}
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

// fill reads the next page of a stream that ran dry.
func (x *stream) fill(ctx context.Context, t table.Table) error {
	for len(x.head) == 0 && !x.done {
		p, err := t.Query(ctx, x.query)
		if err != nil {
			return err
		}
		for i := range p.Items {
			if at := p.Items[i].At.SK[x.strip:]; at != x.skip {
				x.head = append(x.head, at)
			}
		}
		x.query.Cursor = p.Cursor
		x.done = p.Cursor == ""
	}
	return nil
}

// take gives up to n candidates in order; none is the end.
func (m *merge) take(ctx context.Context, n int) ([]candidate, error) {
	var out []candidate
	for len(out) < n {
		best := -1
		for i := range m.streams {
			x := &m.streams[i]
			if len(x.head) == 0 {
				if err := x.fill(ctx, m.table); err != nil {
					return nil, err
				}
			}
			if len(x.head) > 0 && (best < 0 || strings.Compare(x.head[0], m.streams[best].head[0]) > 0) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		x := &m.streams[best]
		at := x.head[0]
		x.head = x.head[1:]
		if at != m.last { // an account may lie in two partitions, at the same position in each
			out = append(out, candidate{accountIn(at), at})
			m.last = at
		}
	}
	return out, nil
}
