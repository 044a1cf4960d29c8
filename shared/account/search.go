package account

import (
	"context"
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Search says which accounts to find, and in which order.
type Search struct {
	Where *Where // nil: all
	Sort  []Sort // to MaxSearchSorts; none: newest update first
	Limit int    // 1 to 100
	After string // the position that an earlier Page.Next of the same search named; "" is the start
	Count bool

	bounds *bounds
}

// bounds of the work that one search costs, in candidates: accounts that an index names.
type bounds struct {
	few  int // are rather read and put in order than looked for in the index of that order
	most int // are read where no index has the order, and by one count
	page int // are read for one page where an index has the order
}

var searchBounds = bounds{few: 1_000, most: 10_000, page: maxRead}

// Search answers a page of the accounts that the reader may view and that Where means: those that Get would answer, judged as they are stored,
// and no others. Some index nominates, a strong read decides: so one that was changed a moment ago may be missed for a moment, and none is
// found that is not so.
//
// By time of update and by name there is an index, and a page may be short and have a Next where the filter passes over many. For every other order
// all that may be found is read and put in order for each page, up to 10,000 accounts: beyond, it is Invalid search_too_wide, and the reader
// has to narrow the search (by e-mail, phone, the start of the name, owner, department or category, which indexes know) or to take
// another order.
//
// Faults: Denied permission_denied; Malformed unknown_field for a field that there is not or that the reader's roles hide or mask,
// filter_too_complex; Invalid with every part at fault: invalid_filter, not_one_of, required, wrong_type, invalid_date, invalid_id,
// unknown_country, too_many and those of e-mail and phone; Locked key_unavailable when the filter needs sealed fields and the key is disabled.
func (s *Accounts) Search(ctx context.Context, who *policy.Subject, q Search) (*Page, error) {
	if err := policy.RequireAny(who, policy.ModAccount, policy.View); err != nil {
		return nil, err
	}
	h := &hunt{judge: judge{s: s, who: who}, Search: &q}
	if q.bounds == nil {
		q.bounds = &searchBounds
	}
	c := &compiler{who: who, rules: rules{region: who.Org.Settings.Region}}
	h.order = c.order(q.Sort)
	if q.Where != nil {
		root := c.clause(q.Where, "/where", 1)
		h.clause = &root
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := h.look(ctx); err != nil {
		return nil, err
	}
	return h.run(ctx)
}

// hunt is one search under way.
type hunt struct {
	judge
	*Search
	order order
}

func (h *hunt) run(ctx context.Context) (*Page, error) {
	byName := h.order.by("name")
	ordered := byName || h.order.by("updatedAt")
	most := h.bounds.most
	if ordered {
		most = h.bounds.few
	}
	named, found, err := h.named(ctx, most)
	if err != nil {
		return nil, err
	}
	if found {
		return h.gather(ctx, named)
	}
	from, narrow, err := h.sources(ctx)
	if err != nil {
		return nil, err
	}
	if h.order.by("updatedAt") {
		return h.walk(ctx, from, from)
	}
	if !byName || narrow {
		places, complete, err := h.collect(ctx, from, most)
		if err != nil {
			return nil, err
		}
		if complete {
			return h.gather(ctx, places)
		}
	}
	if !byName {
		return nil, fault.New(fault.Invalid, "search_too_wide", "max", strconv.Itoa(h.bounds.most))
	}
	collated, err := h.collated(ctx)
	if err != nil {
		return nil, err
	}
	return h.walk(ctx, collated, from)
}

// reader reads candidates. Those in order are passed over where they no longer stand.
func (h *hunt) reader(place func(*Account) string) *reader {
	all := h.clause == nil && place != nil // and each is shown
	return &reader{s: h.s, who: h.who, dense: all, keyed: all || h.tenant != nil, place: place, admits: h.admits}
}

// walk reads the page from sources in the order, and counts from sources by time.
func (h *hunt) walk(ctx context.Context, from, byTime []source) (*Page, error) {
	page := &Page{}
	if h.Count {
		n, err := h.total(ctx, byTime)
		if err != nil {
			return nil, err
		}
		page.Count = &n
	}
	up := !h.order.keys[0].down
	if up {
		from = turned(from)
	}
	m, err := h.s.merge(ctx, from, up, h.After, h.Limit+1)
	if err != nil {
		return nil, err
	}
	r := h.reader(h.order.place)
	if page.Next, err = r.page(ctx, m, h.Limit, h.bounds.page); err != nil {
		return nil, err
	}
	page.Items, err = r.open(ctx)
	return page, err
}

// turned gives the sources with their given places lowest first.
func turned(from []source) []source {
	from = slices.Clone(from)
	for i := range from {
		if from[i].given != nil {
			from[i].given = slices.Clone(from[i].given)
			slices.Reverse(from[i].given)
		}
	}
	return from
}

// total counts what is found among the sources.
func (h *hunt) total(ctx context.Context, from []source) (Count, error) {
	if h.clause == nil {
		return h.s.count(ctx, h.who, &Query{Limit: h.Limit})
	}
	m, err := h.s.merge(ctx, from, false, "", table.MaxLimit)
	if err != nil {
		return Count{}, err
	}
	r, n := h.reader(newest), 0
	for left := h.bounds.most; ; {
		batch, err := m.take(ctx, max(min(r.want(table.MaxGet), left), 1))
		if err != nil {
			return Count{}, err
		}
		if len(batch) == 0 {
			return Count{Value: n, Exact: true}, nil
		}
		if left == 0 {
			return Count{Value: n, Why: StoppedAtBound}, nil
		}
		left -= len(batch)
		r.rows = r.rows[:0]
		if err := r.read(ctx, batch, len(batch)+1); err != nil {
			return Count{}, err
		}
		n += len(r.rows)
	}
}

// gather reads all candidates, in whatever order they come, and answers the page of those found. It holds a few pages at a time.
func (h *hunt) gather(ctx context.Context, candidates []string) (*Page, error) {
	ids := make([]string, len(candidates))
	for i, c := range candidates {
		ids[i] = string(accountIn(c))
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	r, best, n := h.reader(nil), []row{}, 0
	for batch := range slices.Chunk(ids, r.want(table.MaxGet)) {
		r.rows = r.rows[:0]
		if err := r.read(ctx, batch, len(batch)+1); err != nil {
			return nil, err
		}
		n += len(r.rows)
		for _, w := range r.rows {
			if w.place = h.order.place(w.account); h.After == "" || h.order.compare(w.place, h.After) > 0 {
				best = append(best, w)
			}
		}
		if len(best) > 4*h.Limit {
			best = h.order.sorted(best, h.Limit+1)
		}
	}
	page := &Page{}
	if h.Count {
		page.Count = &Count{Value: n, Exact: true}
	}
	r.rows = h.order.sorted(best, h.Limit+1)
	if len(r.rows) > h.Limit {
		r.rows = r.rows[:h.Limit]
		page.Next = r.rows[h.Limit-1].place
	}
	var err error
	page.Items, err = r.open(ctx)
	return page, err
}
