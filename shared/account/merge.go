package account

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

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
	heavy  bool                  // many people's accounts, and not one's
	thin   float64               // of a shard of the whole tenant: the share of its entries that is expected to be admitted; 0 of all others
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

// How much the first read of each source reads, in blocks: so many entries are half a read unit of DynamoDB's, and fewer cost the same.
// Whatever is missing after the first reads costs a round of its own for each source, so a page reads up to pageBlocks ahead, and the
// heavy sources more than the others. Shards are alike, so twice the share of each is enough.
const (
	block      = 12
	pageBlocks = 20
	mostRead   = table.MaxLimit
)

// firstReads are how many entries the first read of each source asks for when so many places are expected to be taken.
func firstReads(from []source, want int) (heavy, light int) {
	if len(from) == 0 {
		return 0, 0
	}
	n := 0
	for i := range from {
		if from[i].heavy {
			n++
		}
	}
	most := (want + block - 1) / block // each has all that is wanted
	left := max(pageBlocks, 2*want/block) - len(from)
	more := func(n int) int {
		if n == 0 || left <= 0 {
			return 1
		}
		k := min(1+left/n, most)
		left -= n * (k - 1)
		return k
	}
	heavy = more(n)
	light = more(len(from) - n)
	return heavy * block, light * block
}

// merge opens the sources after the place; want is how many places are expected to be taken.
func (s *Accounts) merge(ctx context.Context, from []source, up bool, after string, want int) (*merge, error) {
	m := &merge{table: s.table, up: up, streams: make([]stream, len(from))}
	heavy, light := firstReads(from, want)
	for i, x := range from {
		m.streams[i] = stream{source: x, head: x.given, done: x.given != nil}
		if x.given != nil {
			m.streams[i].skip(after, up)
			continue
		}
		share := float64(light)
		switch {
		case x.thin > 0:
			share = float64(max(2*want/len(from), block)) / x.thin
		case x.heavy:
			share = float64(heavy)
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
	var next atomic.Int64
	for range min(atOnce, len(m.streams)) { // each reads several: a goroutine of its own for each would grow its stack anew
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(m.streams) {
					return nil
				}
				if err := m.streams[i].fill(ctx, s.table); err != nil {
					return err
				}
			}
		})
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
				x.query.Limit = max(x.query.Limit, min(n-len(out), mostRead))
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
