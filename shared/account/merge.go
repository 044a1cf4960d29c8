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
	room   int                   // entries that half a read unit has room for
	part   float64               // of the places that are taken: the part that is expected to lie here; 0 when nobody knows
	walk   *walking              // that it belongs to; nil of one that is read by itself
	slice  float64               // of the entries of a walk: the part that is expected to lie here
	given  []string              // places, in order; without an index
}

// merge walks sources together in the order of their places, each place once.
type merge struct {
	table   table.Table
	up      bool   // lowest place first
	after   string // where it began
	streams []stream
	last    string
}

type stream struct {
	source
	query table.Query
	head  []string // places that were read and not taken
	met   string   // the place of the last entry that was read, admitted or not
	read  int      // entries
	found int      // of those, admitted
	done  bool
}

// atOnce is how many partitions are read side by side. A store far away answers them in one round: a manager of 60 waits no longer than one of 10.
// More would not help them, for whoever has more partitions mostly walks, and each asks for a connection of its own.
const atOnce = 64

// merge opens the sources after the place; want is how many places are expected to be taken.
func (s *Accounts) merge(ctx context.Context, from []source, up bool, after string, want int) (*merge, error) {
	m := &merge{table: s.table, up: up, after: after}
	m.open(from, after, want)
	return m, m.fill(ctx, m.which(func(x *stream) bool { return !x.done }))
}

// open adds the sources, each to be read from the place on.
func (m *merge) open(from []source, after string, want int) {
	reads := firstReads(from, want)
	m.streams = slices.Grow(m.streams, len(from))
	for i, x := range from {
		if x.given != nil {
			st := stream{source: x, head: x.given, done: true}
			st.skip(after, m.up)
			m.streams = append(m.streams, st)
			continue
		}
		q := table.Query{Index: x.index, PK: x.pk, Reverse: !m.up, Limit: min(reads[i]*x.room, x.plenty(want), mostRead)}
		if x.prefix != "" {
			q.From, q.To = x.prefix, x.prefix+"\x7f"
		}
		if x.starts != "" {
			q.Prefix = x.starts
		}
		switch { // owner and department follow a place: what is after it is above, or below, all that starts with it
		case after != "" && m.up:
			q.From = x.prefix + after + "$"
		case after != "":
			q.To = x.prefix + after
		}
		m.streams = append(m.streams, stream{source: x, query: q})
	}
}

// hides reports whether the stream may yet have a place before the one; "" stands for the last of all. What it has read and passed over counts, so
// that it need not be read on until something is admitted.
func (x *stream) hides(place string, up bool) bool {
	return len(x.head) == 0 && !x.done && (place == "" || x.met == "" || before(x.met, place, up))
}

func (m *merge) which(is func(*stream) bool) []*stream {
	var out []*stream
	for i := range m.streams {
		if x := &m.streams[i]; is(x) {
			out = append(out, x)
		}
	}
	return out
}

// fill reads a page of each of the streams, side by side. Each goroutine starts the next before it reads: where reading waits for a store far
// away, all are soon under way, and where it does not, the first few have read everything before others had to grow stacks of their own.
func (m *merge) fill(ctx context.Context, all []*stream) error {
	if len(all) == 1 {
		return all[0].fill(ctx, m.table)
	}
	g, ctx := errgroup.WithContext(ctx)
	var next, started atomic.Int64
	var read func() error
	start := func() {
		if n := started.Add(1); n <= atOnce && int(next.Load()) < len(all) {
			g.Go(read)
		}
	}
	read = func() error {
		start()
		for {
			i := int(next.Add(1)) - 1
			if i >= len(all) {
				return nil
			}
			if err := all[i].fill(ctx, m.table); err != nil {
				return err
			}
		}
	}
	start()
	return g.Wait()
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

// fill reads the next page.
func (x *stream) fill(ctx context.Context, t table.Table) error {
	p, err := t.Query(ctx, x.query)
	if err != nil {
		return err
	}
	x.head = slices.Grow(x.head, len(p.Items))
	had := len(x.head)
	for i := range p.Items {
		e, ok := key.EntryOf(p.Items[i].At.SK[len(x.prefix):])
		if ok {
			x.met = e.Place
		}
		if ok && (x.admits == nil || x.admits(&e)) {
			x.head = append(x.head, e.Place)
		}
	}
	x.read, x.found = x.read+len(p.Items), x.found+len(x.head)-had
	x.query.Cursor = p.Cursor
	x.done = p.Cursor == ""
	return nil
}

// refill reads on where a place before the one may lie, when so many are missing.
func (m *merge) refill(ctx context.Context, place string, missing int) error {
	hides := func(x *stream) bool { return x.hides(place, m.up) }
	var w *walking
	for _, x := range m.which(hides) {
		if x.walk != nil {
			w = x.walk
		}
		x.query.Limit = max(x.query.Limit, min(missing, mostRead))
	}
	if w != nil {
		if w.ahead(m.streams, missing); m.walked(w, missing) {
			m.turn(missing)
		}
	}
	return m.fill(ctx, m.which(func(x *stream) bool {
		return hides(x) || w != nil && x.walk == w && !x.done && float64(len(x.head)) < 2*x.part*float64(missing)
	}))
}

// walked reports that a walk has read what it may, or will have before so many are found, and something else is to be read instead.
func (m *merge) walked(w *walking, missing int) bool {
	n := w.entries(missing)
	for i := range m.streams {
		if m.streams[i].walk == w {
			n += m.streams[i].read
		}
	}
	return w.instead != nil && n >= w.most
}

// turn goes on from the last place with what is merged instead of the walk.
func (m *merge) turn(missing int) {
	var instead []source
	m.streams = slices.DeleteFunc(m.streams, func(x stream) bool {
		if x.walk == nil || x.walk.instead == nil {
			return false
		}
		instead = x.walk.instead
		return true
	})
	after := m.last
	if after == "" {
		after = m.after
	}
	m.open(instead, after, missing)
}

// take gives up to n places in order; none is the end.
func (m *merge) take(ctx context.Context, n int) ([]string, error) {
	var out []string
	for len(out) < n {
		best, place := m.first()
		if m.hidden(place) {
			if err := m.refill(ctx, place, n-len(out)); err != nil {
				return nil, err
			}
			continue
		}
		if best == nil {
			break
		}
		best.head = best.head[1:]
		if place != m.last { // an account may lie in two partitions, at the same place in each
			out = append(out, place)
			m.last = place
		}
	}
	return out, nil
}

// first is the first of all places that were read and not taken, and the stream that has it; nil when there are none.
func (m *merge) first() (best *stream, place string) {
	for i := range m.streams {
		if x := &m.streams[i]; len(x.head) > 0 && (best == nil || before(x.head[0], place, m.up)) {
			best, place = x, x.head[0]
		}
	}
	return best, place
}

// hidden reports whether some stream may have a place before the one.
func (m *merge) hidden(place string) bool {
	for i := range m.streams {
		if m.streams[i].hides(place, m.up) {
			return true
		}
	}
	return false
}

// accountIn is the account that a place names: its last part.
func accountIn(place string) id.Account {
	return id.Account(place[strings.LastIndexByte(place, '#')+1:])
}
