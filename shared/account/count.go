package account

import (
	"context"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Count is how many accounts the query has in all for this reader. An exact count is of now, or, when it says AsOf, of then: the counters had
// seen all changes up to that time. When Exact is false there are at least Value, and Why says what kept it from counting on.
type Count struct {
	Value int
	Exact bool
	AsOf  time.Time // zero: now
	Why   Why       // of a count that is not exact
}

// Why is why a count is not exact.
type Why string

// The reasons.
const (
	StoppedAtBound Why = "stopped_at_bound" // counting had to read accounts, and read as many as one call may
	TooManyGrants  Why = "too_many_grants"  // more single records are shared with the reader, or kept from them, than one call reads
	CountersBehind Why = "counters_behind"  // the counters are still being built, or what they count changed all the while
)

// Bounds of counting.
const (
	maxCount = 10_000 // index entries
	few      = 500    // accounts that are counted by their index entries where the counters may lag
)

// count counts by the counters, else by the indexes where no filter needs more than they say, else by reading.
func (s *Accounts) count(ctx context.Context, who *policy.Subject, q *Query) (Count, error) {
	why := StoppedAtBound
	if weigh := q.weight(); weigh != nil {
		v, err := s.survey(ctx, who, q.filtered())
		if err != nil {
			return Count{}, err
		}
		n := 0
		v.each(q.Owner != "" || q.Department != "" || q.Category != "", func(c *tally, times int) { n += times * weigh(c) })
		if v.answers(n, s.few) {
			return Count{Value: n, Exact: v.why == "", AsOf: v.asOf, Why: v.why}, nil
		}
		why = v.reason()
	}
	n, err := s.countIndexed(ctx, who, q)
	if !n.Exact {
		n.Why = why
	}
	return n, err
}

// weight gives how many of a tally's accounts the query has; nil when tallies do not tell.
func (q *Query) weight() func(*tally) int {
	at := -1 // of the one counted value that is asked for
	for _, f := range []struct{ field, value string }{
		{"status", string(q.Status)}, {"type", q.Type}, {"valueTier", q.ValueTier}, {"stage", q.Stage},
	} {
		if f.value == "" {
			continue
		}
		if at >= 0 {
			return nil // how many have both, no tally says
		}
		for i, x := range counted {
			if x == f {
				at = i
			}
		}
		if at < 0 {
			return nil
		}
	}
	return func(c *tally) int {
		switch {
		case q.Owner != "" && c.Owner != q.Owner, q.Department != "" && c.Department != q.Department, q.Category != "" && !c.of(q.Category):
			return 0
		case at >= 0:
			return c.by[at]
		}
		return c.n
	}
}

// countIndexed counts by what the indexes nominate.
func (s *Accounts) countIndexed(ctx context.Context, who *policy.Subject, q *Query) (Count, error) {
	denied, all, err := s.denied(ctx, who)
	if err != nil {
		return Count{}, err
	}
	if q.filtered() || !all {
		n := 0
		all, err := s.readAll(ctx, who, q, func(*Account) { n++ })
		return Count{Value: n, Exact: all}, err
	}
	from, err := s.plan(ctx, who, q)
	if err != nil {
		return Count{}, err
	}
	m, err := s.merge(ctx, from, false, "", 1000)
	if err != nil {
		return Count{}, err
	}
	return countEntries(ctx, m, denied)
}

// readAll reads the accounts that the query has for the reader, and reports whether that were all: else it stopped at a bound.
func (s *Accounts) readAll(ctx context.Context, who *policy.Subject, q *Query, each func(*Account)) (bool, error) {
	from, err := s.plan(ctx, who, q)
	if err != nil {
		return false, err
	}
	m, err := s.merge(ctx, from, false, "", 1000)
	if err != nil {
		return false, err
	}
	r := s.reader(who, q)
	r.dense, r.keyed = false, false // nothing is opened
	for read := 0; read < maxRead; {
		batch, err := m.take(ctx, table.MaxGet)
		if err != nil || len(batch) == 0 {
			return err == nil, err
		}
		if err := r.read(ctx, batch, maxRead); err != nil {
			return false, err
		}
		for i := range r.rows {
			each(r.rows[i].account)
		}
		r.rows = r.rows[:0]
		read += len(batch)
	}
	return false, nil
}

// countEntries counts index entries, less those of accounts that are denied.
func countEntries(ctx context.Context, m *merge, denied map[id.Account]bool) (Count, error) {
	n := 0
	for {
		batch, err := m.take(ctx, table.MaxLimit)
		if err != nil {
			return Count{}, err
		}
		for _, place := range batch {
			if !denied[accountIn(place)] {
				n++
			}
		}
		if len(batch) == 0 {
			return Count{Value: n, Exact: true}, nil
		}
		if n > maxCount {
			return Count{Value: maxCount}, nil
		}
	}
}

// denied are the accounts whose view some grant switches off for the reader, whether or not anything else lets them see those. False: there
// are more than are read.
func (s *Accounts) denied(ctx context.Context, who *policy.Subject) (map[id.Account]bool, bool, error) {
	reach := policy.ReachOf(who, policy.ModAccount, policy.View)
	g := &concerns{of: map[id.Account]*concern{}}
	all, err := s.concern(ctx, who, g, reach.Denying, reach.Overflowed)
	out := map[id.Account]bool{}
	for a, c := range g.of {
		if c.closes {
			out[a] = true
		}
	}
	return out, all, err
}

// entries calls each with every entry of the partition of G2.
func (s *Accounts) entries(ctx context.Context, pk string, each func(*key.Entry)) error {
	return s.entriesUntil(ctx, pk, func(e *key.Entry) bool { each(e); return true })
}

// entriesUntil calls each with the entries of the partition of G2 until it answers false.
func (s *Accounts) entriesUntil(ctx context.Context, pk string, each func(*key.Entry) bool) error {
	q := table.Query{Index: table.G2, PK: pk, Limit: table.MaxLimit}
	for {
		p, err := s.table.Query(ctx, q)
		if err != nil {
			return err
		}
		for i := range p.Items {
			if e, ok := key.EntryOf(p.Items[i].At.SK); ok && !each(&e) {
				return nil
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return nil
		}
	}
}
