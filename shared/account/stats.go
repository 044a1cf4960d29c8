package account

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
)

// Stats are how many accounts the reader may view, by the values of one field. Exact, AsOf and Why are those of a Count, for all rows.
type Stats struct {
	By    string
	Rows  []Stat
	Exact bool
	AsOf  time.Time
	Why   Why
}

// Stat is how many accounts have the value. Key is an id or a word; "" is those without any. An account of several categories counts in
// each.
type Stat struct {
	Key   string `json:"key"`
	Value int    `json:"value"`
}

// dimensions are what can be counted by, with the field of an account that it shows.
var dimensions = []struct{ name, field string }{
	{"owner", "ownerId"},
	{"department", "departmentId"},
	{"category", "categoryIds"},
	{"status", "status"},
	{"type", "type"},
	{"valueTier", "valueTier"},
	{"stage", "stage"},
}

// Dimensions are what Stats counts by.
func Dimensions() []string {
	out := make([]string, len(dimensions))
	for i, d := range dimensions {
		out[i] = d.name
	}
	return out
}

// Stats counts the accounts that the reader may view by one of Dimensions: each row is what List would count with that filter, most accounts
// first. Faults: Denied permission_denied; Malformed unknown_field for what is no dimension, and for a field that the reader's roles hide or
// mask, which counts would tell.
func (s *Accounts) Stats(ctx context.Context, who *policy.Subject, by string) (*Stats, error) {
	if err := policy.RequireAny(who, policy.ModAccount, policy.View); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(dimensions, func(d struct{ name, field string }) bool { return d.name == by })
	if at < 0 || !Filterable(who, dimensions[at].field) {
		return nil, fault.New(fault.Malformed, "unknown_field").With(fault.At("/by", "unknown_field"))
	}
	out := &Stats{By: by, Rows: []Stat{}, Exact: true}
	rows := map[string]int{}
	v, err := s.survey(ctx, who, true)
	if err != nil {
		return nil, err
	}
	n := 0
	apart := by == "owner" || by == "department" || by == "category"
	v.each(apart, func(c *tally, times int) { n += times * c.n; c.spread(by, times, rows) })
	if v.answers(n, s.few) {
		out.Exact, out.AsOf, out.Why = v.why == "", v.asOf, v.why
	} else {
		clear(rows)
		if out.Exact, err = s.readAll(ctx, who, &Query{}, func(a *Account) { a.tally().spread(by, 1, rows) }); err != nil {
			return nil, err
		}
		if !out.Exact {
			out.Why = v.reason()
		}
	}
	for k, n := range rows {
		if n > 0 {
			out.Rows = append(out.Rows, Stat{k, n})
		}
	}
	slices.SortFunc(out.Rows, func(a, b Stat) int { return cmp.Or(-cmp.Compare(a.Value, b.Value), cmp.Compare(a.Key, b.Key)) })
	return out, nil
}

// spread adds the tally's accounts to the rows of their values.
func (c *tally) spread(by string, times int, rows map[string]int) {
	n := times * c.n
	switch by {
	case "owner":
		rows[string(c.Owner)] += n
		return
	case "department":
		rows[string(c.Department)] += n
		return
	case "category":
		for _, k := range c.categories {
			rows[string(k)] += n
		}
		if len(c.categories) == 0 {
			rows[""] += n
		}
		return
	}
	for i, x := range counted {
		if x.field == by {
			rows[x.value] += times * c.by[i]
			n -= times * c.by[i]
		}
	}
	rows[""] += n
}
