package tenant

import (
	"context"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// DeadLetter is a webhook of a known type that said what cannot be followed. It tells whoever looks where and what was wrong; the sender
// has the message itself.
type DeadLetter struct {
	Webhook string       `json:"webhookId"`
	Type    string       `json:"type"`
	At      time.Time    `json:"at"`
	Code    string       `json:"code"`
	Fields  []DeadMember `json:"fields,omitempty"`
}

// DeadMember is one member at fault.
type DeadMember struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
}

const deadPart = "DEAD"

// Bury stages a dead letter for a webhook that was refused with the fault. A webhook that has one already gets no other.
func (s *Store) Bury(ctx context.Context, c *change.Set, d Delivery, typ string, why error) error {
	k := key.Control(deadPart, d.ID)
	items, err := s.table.Get(ctx, k)
	if err != nil || len(items) > 0 {
		return err
	}
	f := fault.Of(why)
	letter := DeadLetter{Webhook: d.ID, Type: typ, At: c.Now, Code: f.Code}
	for _, x := range f.Fields {
		letter.Fields = append(letter.Fields, DeadMember{named(x.Pointer), x.Code})
	}
	if err := put(c, table.Item{Key: k, Expires: c.Now.Add(Kept)}, letter, table.Absent); err != nil {
		return err
	}
	as(c, System)
	c.Record(audit.Event{Action: "webhooks.bury", Target: d.ID, Outcome: audit.Denied, Code: f.Code, Note: typ})
	return nil
}

// named keeps of a pointer what can only be names of members: a sender may have put anything into the name of an unknown one.
func named(pointer string) string {
	for i, part := range strings.Split(pointer, "/") {
		odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
		if len(part) > 40 || strings.ContainsFunc(part, odd) {
			return strings.Join(strings.Split(pointer, "/")[:i], "/") + "/…"
		}
	}
	return pointer
}

// DeadLetters lists dead letters by webhook id, up to limit, and where the next page begins.
func (s *Store) DeadLetters(ctx context.Context, after string, limit int) ([]DeadLetter, string, error) {
	page, err := s.table.Query(ctx, table.Query{PK: key.ControlPartition(deadPart), Limit: limit, Cursor: after})
	if err != nil {
		return nil, "", err
	}
	letters := make([]DeadLetter, len(page.Items))
	for i, it := range page.Items {
		if err := decode(it.Doc, &letters[i]); err != nil {
			return nil, "", err
		}
	}
	return letters, page.Cursor, nil
}
