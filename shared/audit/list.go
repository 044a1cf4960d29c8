package audit

import (
	"context"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Filter says which events of a tenant are asked for. Zero members do not narrow.
type Filter struct {
	Actor    string // a user id, or system
	Target   string // id of what was acted on
	Action   string
	Outcome  Outcome
	From, To time.Time // both inclusive
}

// maxWalk bounds how many rows one page looks at, so that a narrow filter over a long log costs a bounded read; the page then ends
// early, with a position to go on from.
const maxWalk = 5000

// Events reads events newest first: those after the position, up to limit. next is the position of the following page, "" at the end; a
// page may hold fewer than limit events and still have a next. since bounds the walk when From is open: the tenant's creation. It
// authorises nothing: whoever calls it has.
func Events(ctx context.Context, t table.Table, tenant id.Tenant, f Filter, since, now time.Time, after string, limit int) (events []Event, next string, err error) {
	if f.From.IsZero() || f.From.Before(since) {
		f.From = since.Add(-time.Minute) // clocks of two processes differ a little
	}
	if f.To.IsZero() || f.To.After(now) {
		f.To = now.Add(time.Minute)
	}
	if f.Actor != "" || f.Target != "" {
		return indexed(ctx, t, tenant, f, after, limit)
	}
	return byDay(ctx, t, tenant, f, after, limit)
}

// indexed walks the actor's or the target's index, and reads the events strongly.
func indexed(ctx context.Context, t table.Table, tenant id.Tenant, f Filter, after string, limit int) ([]Event, string, error) {
	q := table.Query{Index: table.G3, PK: key.AuditByTarget(tenant, f.Target, "").PK, Reverse: true, Limit: table.MaxGet}
	if f.Target == "" {
		q.Index, q.PK = table.G2, key.AuditByActor(tenant, f.Actor, "").PK
	}
	q.From, q.To = lowest(f.From), highest(f.To)
	if after != "" {
		if _, err := id.Parse[id.Event](after); err != nil {
			return nil, "", fault.New(fault.Malformed, "invalid_cursor")
		}
		q.To = min(q.To, after)
	}
	var out []Event
	for walked := 0; walked < maxWalk; {
		p, err := t.Query(ctx, q)
		if err != nil {
			return nil, "", err
		}
		keys := make([]table.Key, len(p.Items))
		for i := range p.Items {
			keys[i] = p.Items[i].Key
		}
		rows, err := t.Get(ctx, keys...)
		if err != nil {
			return nil, "", err
		}
		for _, it := range rows {
			e, err := FromItem(it)
			if err != nil {
				return nil, "", err
			}
			if string(e.ID) == after || !f.holds(e) {
				continue
			}
			if out = append(out, e); len(out) == limit {
				return out, string(e.ID), nil
			}
		}
		walked += len(p.Items)
		if q.Cursor = p.Cursor; p.Cursor == "" {
			return out, "", nil
		}
		if walked >= maxWalk {
			return out, p.Items[len(p.Items)-1].At.SK, nil
		}
	}
	return out, "", nil
}

// byDay walks the days' partitions backwards. A position is the day and the event.
func byDay(ctx context.Context, t table.Table, tenant id.Tenant, f Filter, after string, limit int) ([]Event, string, error) {
	const form = "20060102"
	day := f.To.UTC().Truncate(24 * time.Hour)
	below := ""
	if after != "" {
		d, e, _ := strings.Cut(after, "/")
		at, err := time.Parse(form, d)
		if err != nil {
			return nil, "", fault.New(fault.Malformed, "invalid_cursor")
		}
		day, below = at, e
	}
	last := f.From.UTC().Truncate(24 * time.Hour)
	var out []Event
	walked := 0
	for ; !day.Before(last); day = day.AddDate(0, 0, -1) {
		walked += 10 // an empty day costs a read as well
		q := table.Query{PK: key.AuditDay(tenant, day), Reverse: true, Limit: table.MaxGet, To: below}
		for {
			p, err := t.Query(ctx, q)
			if err != nil {
				return nil, "", err
			}
			for _, it := range p.Items {
				if it.SK == below {
					continue
				}
				e, err := FromItem(it)
				if err != nil {
					return nil, "", err
				}
				if walked++; f.holds(e) {
					out = append(out, e)
				}
				if len(out) == limit || walked >= maxWalk {
					return out, day.Format(form) + "/" + it.SK, nil
				}
			}
			if q.Cursor = p.Cursor; p.Cursor == "" {
				break
			}
		}
		below = ""
		if walked >= maxWalk {
			return out, day.AddDate(0, 0, -1).Format(form) + "/", nil
		}
	}
	return out, "", nil
}

func (f *Filter) holds(e Event) bool {
	return (f.Actor == "" || e.Actor == f.Actor) && (f.Target == "" || e.Target == f.Target) &&
		(f.Action == "" || e.Action == f.Action) && (f.Outcome == "" || e.Outcome == f.Outcome) &&
		!e.At.Before(f.From) && !e.At.After(f.To)
}

// lowest and highest are the bounds of the ids made in a millisecond. The bounds are a minute wide of the mark on either side, because
// an event's id is made a moment after the request whose time it bears; holds does the rest.
func lowest(at time.Time) string {
	u := ulid.MustNew(ulid.Timestamp(at.Add(-time.Minute)), nil)
	return id.Event("").Prefix() + "_" + u.String()
}

func highest(at time.Time) string {
	u := ulid.MustNew(ulid.Timestamp(at.Add(time.Minute)), nil)
	_ = u.SetEntropy([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255}) // ten bytes are the right length
	return id.Event("").Prefix() + "_" + u.String()
}
