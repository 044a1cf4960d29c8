// Package audit holds the audit event: who did what to what, when, from where and in which request. An event is an item of the
// change's own commit, so there is no change without an event and no event without a change. Events are only ever added.
//
// The package owns the event's form, its item, its reading back and the numbered log that is built from it. It does not seal: the
// noun hands over before and after as bytes that are sealed already.
package audit

import (
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Outcome says whether the act was done.
type Outcome string

// The outcomes.
const (
	Done   Outcome = "done"
	Denied Outcome = "denied" // a refusal of note: a permission, a wrong password
)

// Event is one act. A noun fills Action (when it differs from the operation), Target, Fields, Sealed and Digest; change fills the rest
// from the principal.
type Event struct {
	ID        id.Event   `json:"id"`
	Tenant    id.Tenant  `json:"tenantId"`
	At        time.Time  `json:"at"`
	Actor     string     `json:"actor"` // a user id, or system
	Action    string     `json:"action"`
	Target    string     `json:"target"`           // id of what was acted on
	Outcome   Outcome    `json:"outcome"`          //
	Code      string     `json:"code,omitempty"`   // of the refusal
	Fields    []string   `json:"fields,omitempty"` // names of the fields that changed, never their values
	Note      string     `json:"note,omitempty"`   // plain words of the system, ids only: a step, a reason code
	Source    string     `json:"source,omitempty"`
	RequestID id.Request `json:"requestId,omitempty"`
	Session   string     `json:"session,omitempty"`
	Digest    []byte     `json:"digest,omitempty"` // keyed digest of before and after: verifies after they were shredded
	Sealed    []byte     `json:"-"`                // before and after, sealed under the target's key
}

// Fill completes the event from who acted. An empty Action is the principal's operation, an empty Outcome is Done.
func (e *Event) Fill(p principal.Principal, eid id.Event, at time.Time) {
	e.ID, e.Tenant, e.At = eid, p.Tenant, at.UTC()
	e.Source, e.RequestID, e.Session = p.Source, p.RequestID, p.Session
	if e.Actor == "" {
		e.Actor = "system"
		if p.User != "" {
			e.Actor = string(p.User)
		}
	}
	if e.Action == "" {
		e.Action = p.Operation
	}
	if e.Outcome == "" {
		e.Outcome = Done
	}
}

// Write is the event's part of a commit.
func (e *Event) Write() (table.Write, error) {
	doc, err := json.Marshal(e)
	if err != nil {
		return table.Write{}, err
	}
	it := table.Item{
		Key:    key.AuditEvent(e.Tenant, e.At, e.ID),
		Doc:    doc,
		Sealed: e.Sealed,
		Index:  map[table.Index]table.IndexKey{table.G2: key.AuditByActor(e.Tenant, e.Actor, e.ID)},
	}
	if e.Target != "" {
		it.Index[table.G3] = key.AuditByTarget(e.Tenant, e.Target, e.ID)
	}
	return table.Put(it, table.Absent), nil
}

// FromItem reads an event back.
func FromItem(it table.Item) (Event, error) {
	var e Event
	err := json.Unmarshal(it.Doc, &e)
	e.Sealed = it.Sealed
	return e, err
}
