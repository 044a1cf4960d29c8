package account

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// Revision is one change of an account or of one of its contacts, with the fields that changed as the reader may see them today.
type Revision struct {
	ID      id.Event                  `json:"id"`
	At      time.Time                 `json:"at"`
	Actor   string                    `json:"actor"`              // a user's id, or system
	Action  string                    `json:"action"`             // the operation, such as accounts.update
	Contact id.Contact                `json:"contactId,omitzero"` // of a change of a contact
	Fields  []string                  `json:"fields,omitzero"`    // that changed, but for those that are hidden from the reader
	Before  map[string]jsontext.Value `json:"before,omitzero"`
	After   map[string]jsontext.Value `json:"after,omitzero"`
	Reason  string                    `json:"reason,omitzero"` // that the actor gave; not to whom all that it was given for is hidden
	Locked  bool                      `json:"locked,omitzero"` // the key that opens before and after is disabled
}

// RevisionPage is a part of an account's history.
type RevisionPage struct {
	Items []Revision
	Next  string // "" at the end
}

// grantFields are names of changes that are no fields of an account: who was let in. The team is shown with the account; the others to who may
// share it.
var grantFields = []string{"team", "shares", "overrides", "temporary"}

// History answers the changes of an account, newest first, to who may see it: values by the roles of today, so that what is hidden now
// is hidden in the past as well. Denied attempts are the audit's alone. A page may be short and have a Next.
func (s *Accounts) History(ctx context.Context, who *policy.Subject, a id.Account, after string, limit int) (*RevisionPage, error) {
	h, err := s.look(ctx, who, a, policy.View)
	if err != nil {
		return nil, err
	}
	f := audit.Filter{Target: string(a), Outcome: audit.Done}
	events, next, err := audit.Events(ctx, s.table, who.Tenant, f, h.CreatedAt, who.At, after, limit)
	if err != nil {
		return nil, err
	}
	v := sightOf(who)
	r := h.resource(who.Tenant)
	contacts := v.contacts && policy.Decide(who, policy.ModContact, policy.View, r).Allowed
	shares := policy.Decide(who, policy.ModAccount, policy.Share, r).Allowed
	page := &RevisionPage{Items: []Revision{}, Next: next}
	for i := range events {
		e := &events[i]
		contact := strings.HasPrefix(e.Action, "contacts.")
		if contact && !contacts {
			continue
		}
		x := past{who: who, sight: v, contacts: contacts, shares: shares, contact: contact, event: e}
		rev, err := x.revision(h.key)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, rev)
	}
	return page, nil
}

// past is one event on its way to a reader.
type past struct {
	who              *policy.Subject
	sight            sight
	contacts, shares bool // may see contacts, may share the account
	contact          bool // the event is of a contact
	event            *audit.Event
}

func (x *past) revision(k *crypt.AccountKey) (Revision, error) {
	e := x.event
	rev := Revision{ID: e.ID, At: e.At, Actor: e.Actor, Action: e.Action, Fields: slices.DeleteFunc(slices.Clone(e.Fields), x.hidden)}
	if x.contact {
		rev.Contact = id.Contact(e.Note)
	}
	if k == nil || len(e.Sealed) == 0 {
		rev.Locked = k == nil && len(e.Sealed) > 0
		return rev, nil
	}
	b, err := k.Open(audit.Place(e.Target), e.Sealed)
	if err != nil {
		return rev, err
	}
	var was struct {
		Before map[string]jsontext.Value `json:"before"`
		After  map[string]jsontext.Value `json:"after"`
	}
	if err := json.Unmarshal(b, &was); err != nil {
		return rev, fault.New(fault.Internal, "internal").Because(err)
	}
	if raw, ok := was.After["reason"]; ok && len(rev.Fields) > 0 {
		if err := json.Unmarshal(raw, &rev.Reason); err != nil {
			return rev, fault.New(fault.Internal, "internal").Because(err)
		}
	}
	if rev.Before, err = x.values(was.Before); err != nil {
		return rev, err
	}
	rev.After, err = x.values(was.After)
	return rev, err
}

// hidden reports whether the reader may not even know that the field changed.
func (x *past) hidden(name string) bool {
	switch {
	case x.contact:
		return x.who.Field(policy.ModContact, policy.View, name) == policy.Hidden
	case name == "status" || name == "team":
		return false
	case slices.Contains(grantFields, name):
		return !x.shares
	case name == "contacts":
		return !x.contacts
	}
	return x.who.Field(policy.ModAccount, policy.View, name) == policy.Hidden
}

// values are the members that changed, as the reader may see them.
func (x *past) values(all map[string]jsontext.Value) (map[string]jsontext.Value, error) {
	if all == nil {
		return nil, nil
	}
	shown, err := x.masked(all)
	if err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	out := map[string]jsontext.Value{}
	for name, raw := range all {
		switch {
		case !slices.Contains(x.event.Fields, name) || x.hidden(name):
		case slices.Contains(grantFields, name):
			out[name] = raw
		case shown[name] != nil:
			out[name] = shown[name]
		}
	}
	return out, nil
}

// masked reads the members as an account or a contact, and shows that as every other one is shown.
func (x *past) masked(all map[string]jsontext.Value) (map[string]jsontext.Value, error) {
	fields := maps.Clone(all)
	maps.DeleteFunc(fields, func(name string, _ jsontext.Value) bool { return slices.Contains(grantFields, name) })
	b, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var shown any
	if x.contact {
		var c Contact
		err = json.Unmarshal(b, &c)
		shown = c.as(x.sight)
	} else {
		var a Account
		err = json.Unmarshal(b, &a)
		shown = a.shown(x.sight, x.contacts)
	}
	if err != nil {
		return nil, err
	}
	if b, err = json.Marshal(shown); err != nil {
		return nil, err
	}
	var out map[string]jsontext.Value
	return out, json.Unmarshal(b, &out)
}
