package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Verdict is what Verify found.
type Verdict struct {
	OK         bool   `json:"ok"`
	Number     int64  `json:"number"`           // entries verified; when not OK, the number of the first bad one
	Unnumbered int    `json:"unnumbered"`       // newest events that have no number yet, maxUnnumbered at most; when not OK, not counted
	Reason     string `json:"reason,omitempty"` // gap, event_missing, event_changed, chain_broken, head_wrong, head_forged
}

const (
	// maxUnnumbered bounds the count of events without a number: more is a log that does not follow, and how many more says nothing.
	maxUnnumbered = 1000
	// outOfOrder is how much older than the head an event may be that is numbered after it: the feed orders those of one day, clocks differ.
	outOfOrder = 10 * time.Minute
)

// Verify walks the tenant's whole log against the events as they are stored now. The log follows the changes by moments: events that have no
// number yet are counted and are no fault. since is the tenant's creation.
func (l *Log) Verify(ctx context.Context, t id.Tenant, since, now time.Time) (Verdict, error) {
	head, _, err := l.head(ctx, t)
	if err != nil {
		return Verdict{}, err
	}
	if head.Number > 0 {
		mac, err := l.mac(ctx, t, head)
		if err != nil {
			return Verdict{}, err
		}
		if !hmac.Equal(mac, head.MAC) {
			return Verdict{Number: head.Number, Reason: "head_forged"}, nil
		}
	}
	var last Head
	from := since
	if head.Number > 0 {
		from = head.At.Add(-outOfOrder)
	}
	late := map[id.Event]bool{} // those with a number, from there on
	q := table.Query{PK: key.AuditLog(t), From: key.AuditLogEntry(t, 1).SK, To: key.AuditLogEntry(t, head.Number).SK, Limit: table.MaxGet}
	for head.Number > 0 {
		p, err := l.table.Query(ctx, q)
		if err != nil {
			return Verdict{}, err
		}
		reason, err := l.verifyPage(ctx, t, &last, p.Items, func(e *entry) {
			if !e.At.Before(from) {
				late[e.Event] = true
			}
		})
		if err != nil {
			return Verdict{}, err
		}
		if reason != "" {
			return Verdict{Number: last.Number + 1, Reason: reason}, nil
		}
		if q.Cursor = p.Cursor; p.Cursor == "" {
			break
		}
	}
	if last.Number != head.Number || !bytes.Equal(last.Hash, head.Hash) {
		return Verdict{Number: last.Number + 1, Reason: "head_wrong"}, nil
	}
	n, err := l.unnumbered(ctx, t, late, from, now)
	return Verdict{OK: true, Number: head.Number, Unnumbered: n}, err
}

// unnumbered counts the events from the moment on that are not among the numbered ones.
func (l *Log) unnumbered(ctx context.Context, t id.Tenant, numbered map[id.Event]bool, from, now time.Time) (n int, err error) {
	for after := ""; ; {
		var events []Event
		if events, after, err = Events(ctx, l.table, t, Filter{}, from, now, after, table.MaxGet); err != nil {
			return 0, err
		}
		for i := range events {
			if !numbered[events[i].ID] && !events[i].At.Before(from) {
				n++
			}
		}
		if after == "" || n >= maxUnnumbered {
			return min(n, maxUnnumbered), nil
		}
	}
}

// verifyPage moves last over the entries and shows each good one; it answers the reason of the first bad one.
func (l *Log) verifyPage(ctx context.Context, t id.Tenant, last *Head, rows []table.Item, good func(*entry)) (string, error) {
	entries := make([]entry, len(rows))
	keys := make([]table.Key, len(rows))
	for i, it := range rows {
		if err := json.Unmarshal(it.Doc, &entries[i]); err != nil {
			return "", err
		}
		keys[i] = key.AuditEvent(t, entries[i].At, entries[i].Event)
	}
	events, err := l.table.Get(ctx, keys...)
	if err != nil {
		return "", err
	}
	stored := map[table.Key]table.Item{}
	for _, it := range events {
		stored[it.Key] = it
	}
	for i := range entries {
		e := &entries[i]
		it, ok := stored[keys[i]]
		switch {
		case e.Number != last.Number+1:
			return "gap", nil
		case !ok:
			return "event_missing", nil
		case !bytes.Equal(leafHash(it), e.Leaf):
			return "event_changed", nil
		case !bytes.Equal(chain(last.Hash, e.Leaf), e.Hash):
			return "chain_broken", nil
		}
		last.Number, last.Hash = e.Number, e.Hash
		good(e)
	}
	return "", nil
}
