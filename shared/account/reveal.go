package account

import (
	"context"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/sealed"
)

// RevealDraft asks to see the whole of one field that roles mask. field is named as field rules name it (phone, address.city); the reason, 1
// to 500 code points, is kept sealed in the audit event.
type RevealDraft struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// Revealed is one value.
type Revealed struct {
	Field string      `json:"field"`
	Value sealed.Text `json:"value"`
}

var reasonRule = plain.Rule{Min: 1, Max: 500, Lines: true}

// Reveal stages the audit event of a look at one masked field of the account and answers the value: it may be shown once the event is
// committed. It needs account.reveal on the account, which must be visible. A field that the roles hide does not exist: Malformed unknown_field. Else as Get, and
// Locked key_unavailable.
func (s *Accounts) Reveal(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, d RevealDraft) (*Revealed, error) {
	h, err := s.look(ctx, who, a, policy.Reveal)
	if err != nil {
		return nil, err
	}
	if !h.viewable(who) {
		return nil, notFound()
	}
	return reveal(c, h, who, policy.ModAccount, accountFields, h.Account, "", d)
}

// RevealContact is Reveal for a field of a contact: it needs contact.reveal on the account, which must be visible with its contacts.
func (s *Accounts) RevealContact(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, x id.Contact, d RevealDraft) (*Revealed, error) {
	h, err := s.lookFor(ctx, who, a, policy.Reveal)
	if err != nil {
		return nil, err
	}
	if err := policy.Require(who, policy.ModContact, policy.View, h.resource(who.Tenant)); err != nil {
		return nil, err
	}
	it, err := s.contactItem(ctx, who.Tenant, a, x)
	if err != nil {
		return nil, err
	}
	contact, err := contactFromItem(it, h.Account, h.key)
	if err != nil {
		return nil, err
	}
	return reveal(c, h, who, policy.ModContact, contactFields, contact, string(x), d)
}

func reveal[T any](c *change.Set, h *held, who *policy.Subject, m policy.Module, fields []field[T], x *T, note string, d RevealDraft) (*Revealed, error) {
	value, ok := part(fields, x, d.Field)
	if !ok || who.Field(m, policy.View, d.Field) == policy.Hidden {
		return nil, fault.New(fault.Malformed, "unknown_field").With(fault.At("/field", "unknown_field"))
	}
	reason, bad := plain.Check("/reason", d.Reason, reasonRule)
	if bad != nil {
		return nil, fault.Fields(*bad)
	}
	if h.locked != nil {
		return nil, h.locked
	}
	why := beforeAfter{After: map[string]string{"reason": reason}}
	if err := record(c, h.key, h.ID, note, []string{d.Field}, why); err != nil {
		return nil, err
	}
	return &Revealed{Field: d.Field, Value: sealed.Text(value)}, nil
}

// part gives the value of a field, or of a member of one, by the name that field rules give it.
func part[T any](fields []field[T], x *T, name string) (string, bool) {
	for _, f := range fields {
		if f.members == nil && f.name == name {
			return *f.parts(x)[0], true
		}
		for i, m := range f.members {
			if m == name {
				return *f.parts(x)[i], true
			}
		}
	}
	return "", false
}
