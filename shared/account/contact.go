package account

import (
	"context"
	"strconv"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Every change of a contact puts the account as well, on the version that was read: that keeps "one primary" and the limits true when
// two people work at once, and moves the account to the front of the list.

// loadFor is lookFor for a change, which needs the keys: without them it is Locked key_unavailable.
func (s *Accounts) loadFor(ctx context.Context, who *policy.Subject, a id.Account, act policy.Action) (*held, error) {
	h, err := s.lookFor(ctx, who, a, act)
	if err != nil {
		return nil, err
	}
	return h, s.prepare(ctx, who.Tenant, h)
}

// lookFor reads the account for an act on its contacts: the account has to be visible, and the act granted in the module contact.
func (s *Accounts) lookFor(ctx context.Context, who *policy.Subject, a id.Account, act policy.Action) (*held, error) {
	h, err := s.look(ctx, who, a, policy.View)
	if err != nil {
		return nil, err
	}
	if s := sightOf(who); !s.contacts { // the roles hide that accounts have contacts at all
		return nil, notFound()
	}
	return h, policy.Require(who, policy.ModContact, act, h.resource(who.Tenant))
}

func (s *Accounts) contactItem(ctx context.Context, t id.Tenant, a id.Account, x id.Contact) (table.Item, error) {
	items, err := s.table.Get(ctx, key.Contact(t, a, x))
	if err != nil {
		return table.Item{}, err
	}
	if len(items) == 0 {
		return table.Item{}, notFound()
	}
	return items[0], nil
}

// ContactPage is a part of the list of an account's contacts.
type ContactPage struct {
	Items []Contact
	Next  string // "" at the end
	Total int    // of the account's contacts
}

// Contacts lists contacts of the account, oldest first, from the position after, which an earlier page's Next named; "" is the start.
func (s *Accounts) Contacts(ctx context.Context, who *policy.Subject, a id.Account, after string, limit int) (*ContactPage, error) {
	h, err := s.lookFor(ctx, who, a, policy.View)
	if err != nil {
		return nil, err
	}
	q := table.Query{PK: key.AccountPartition(who.Tenant, a), Prefix: key.ContactPrefix, Limit: limit + 1}
	if after != "" { // the position is a contact's id: start right behind it
		q.Prefix, q.From, q.To = "", key.ContactPrefix+after+"\x00", key.ContactPrefix+"\x7f"
	}
	v := sightOf(who)
	page := &ContactPage{Items: []Contact{}, Total: h.ContactCount}
	for {
		p, err := s.table.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			if len(page.Items) == limit {
				page.Next = string(page.Items[limit-1].ID)
				return page, nil
			}
			x, err := contactFromItem(it, h.Account, h.key)
			if err != nil {
				return nil, err
			}
			page.Items = append(page.Items, *x.as(v))
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return page, nil
		}
	}
}

// Contact answers one contact.
func (s *Accounts) Contact(ctx context.Context, who *policy.Subject, a id.Account, x id.Contact) (*Contact, error) {
	h, err := s.lookFor(ctx, who, a, policy.View)
	if err != nil {
		return nil, err
	}
	it, err := s.contactItem(ctx, who.Tenant, a, x)
	if err != nil {
		return nil, err
	}
	c, err := contactFromItem(it, h.Account, h.key)
	if err != nil {
		return nil, err
	}
	return c.as(sightOf(who)), nil
}

// AddContact stages a new contact. The first one of an account is primary; another one that says so takes its place. version is that of
// the account, 0 for none. Faults: as Update; Invalid too_many_contacts, record_too_large.
func (s *Accounts) AddContact(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, version int64, d ContactDraft) (*Contact, error) {
	h, err := s.loadFor(ctx, who, a, policy.Create)
	if err != nil {
		return nil, err
	}
	p := d.patch()
	if err := writable(who, policy.ModContact, policy.Create, "", p.names()); err != nil {
		return nil, err
	}
	if err := fault.Match(version, h.Version); err != nil {
		return nil, err
	}
	if err := h.unchangeable(); err != nil {
		return nil, err
	}
	next := *h.Account
	next.UpdatedAt = moment(c.Now, h.UpdatedAt)
	x := &Contact{ID: id.New[id.Contact](c.IDs()), Account: a, Version: 1, CreatedAt: next.UpdatedAt, UpdatedAt: next.UpdatedAt}
	r := &rules{region: who.Org.Settings.Region}
	if h.ContactCount >= MaxContacts {
		r.add(fault.At("", "too_many_contacts", "max", strconv.Itoa(MaxContacts)))
	}
	p.apply(x, "", r)
	if err := r.err(); err != nil {
		return nil, err
	}
	next.ContactCount++
	x.Primary = new(d.Primary || h.ContactCount == 0)
	if *x.Primary {
		if err := s.touch(ctx, c, who.Tenant, a, h.primary); err != nil {
			return nil, err
		}
		next.primary = x.ID
	}
	it, err := x.item(who.Tenant, h.key)
	if err != nil {
		return nil, err
	}
	next.size += it.Size()
	c.Put(it, table.Absent, nil)
	reindexContact(c, h.tenant, a, x.ID, &Contact{}, x)
	if err := h.put(c, who, &next); err != nil {
		return nil, err
	}
	if err := record(c, h.key, a, string(x.ID), append(filled(contactFields, x), "primary"), beforeAfter{After: x}); err != nil {
		return nil, err
	}
	return h.answer(who, x), nil
}

// answer gives the contact as it will be; who may write it and not view it is told that it is done and nothing of it.
func (h *held) answer(who *policy.Subject, x *Contact) *Contact {
	if !policy.Decide(who, policy.ModContact, policy.View, h.resource(who.Tenant)).Allowed {
		return &Contact{ID: x.ID, Account: x.Account, Version: x.Version, CreatedAt: x.CreatedAt, UpdatedAt: x.UpdatedAt}
	}
	return x.as(sightOf(who))
}

// touch raises the version of a contact whose primary mark changes, because the mark is part of what its readers see.
func (s *Accounts) touch(ctx context.Context, c *change.Set, t id.Tenant, a id.Account, x id.Contact) error {
	if x == "" {
		return nil
	}
	it, err := s.contactItem(ctx, t, a, x)
	if fault.IsKind(err, fault.NotFound) {
		return nil // gone since the account was read: the account's version has moved, and the commit will find that out
	}
	if err != nil {
		return err
	}
	c.Put(table.Item{Key: it.Key, Doc: it.Doc, Sealed: it.Sealed}, table.VersionIs(it.Version), nil)
	return nil
}

// UpdateContact stages a merge patch of a contact. version is that of the contact, 0 for none. A patch that changes nothing stages
// nothing. Faults: as Update; Invalid one_primary when the primary contact should be none without another taking its place.
func (s *Accounts) UpdateContact(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, x id.Contact, version int64, p ContactPatch) (*Contact, error) {
	h, err := s.loadFor(ctx, who, a, policy.Update)
	if err != nil {
		return nil, err
	}
	if err := writable(who, policy.ModContact, policy.Update, "", p.names()); err != nil {
		return nil, err
	}
	it, was, err := s.contactFor(ctx, who, h, x, version)
	if err != nil {
		return nil, err
	}
	is := *was
	r := &rules{region: who.Org.Settings.Region}
	p.apply(&is, "", r)
	if p.Primary.Set && !p.Primary.Value && *was.Primary {
		r.add(fault.At("/primary", "one_primary"))
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	names := changed(contactFields, was, &is)
	next := *h.Account
	data := len(names) > 0
	if p.Primary.Value && !*was.Primary {
		if err := s.touch(ctx, c, who.Tenant, a, h.primary); err != nil {
			return nil, err
		}
		names, is.Primary, next.primary = append(names, "primary"), new(true), x
	}
	if len(names) == 0 {
		return h.answer(who, &is), nil
	}
	next.UpdatedAt = moment(c.Now, h.UpdatedAt)
	put := table.Item{Key: it.Key, Doc: it.Doc, Sealed: it.Sealed}
	if data {
		is.UpdatedAt = next.UpdatedAt
		if put, err = is.item(who.Tenant, h.key); err != nil {
			return nil, err
		}
	}
	next.size += put.Size() - it.Size()
	is.Version = it.Version + 1
	c.Put(put, table.VersionIs(it.Version), nil)
	reindexContact(c, h.tenant, a, x, was, &is)
	if err := h.put(c, who, &next); err != nil {
		return nil, err
	}
	if err := recordChange(c, h.key, a, string(x), names, was, &is); err != nil {
		return nil, err
	}
	return h.answer(who, &is), nil
}

// contactFor reads a contact that is to be changed.
func (s *Accounts) contactFor(ctx context.Context, who *policy.Subject, h *held, x id.Contact, version int64) (table.Item, *Contact, error) {
	it, err := s.contactItem(ctx, who.Tenant, h.ID, x)
	if err != nil {
		return it, nil, err
	}
	if err := fault.Match(version, it.Version); err != nil {
		return it, nil, err
	}
	if err := h.unchangeable(); err != nil {
		return it, nil, err
	}
	c, err := contactFromItem(it, h.Account, h.key)
	return it, c, err
}

// DeleteContact stages the removal of a contact. When it was the primary one, the oldest of the others takes its place. version is that of
// the contact, 0 for none.
func (s *Accounts) DeleteContact(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, x id.Contact, version int64) error {
	h, err := s.loadFor(ctx, who, a, policy.Delete)
	if err != nil {
		return err
	}
	it, was, err := s.contactFor(ctx, who, h, x, version)
	if err != nil {
		return err
	}
	next := *h.Account
	next.UpdatedAt = moment(c.Now, h.UpdatedAt)
	next.ContactCount--
	next.size -= it.Size()
	if *was.Primary {
		if next.primary, err = s.oldestBut(ctx, who.Tenant, a, x); err != nil {
			return err
		}
		if err := s.touch(ctx, c, who.Tenant, a, next.primary); err != nil {
			return err
		}
	}
	c.Delete(it.Key, table.VersionIs(it.Version), nil)
	reindexContact(c, h.tenant, a, x, was, &Contact{})
	if err := h.put(c, who, &next); err != nil {
		return err
	}
	return record(c, h.key, a, string(x), append(filled(contactFields, was), "primary"), beforeAfter{Before: was})
}

// oldestBut is the contact that was made first among those that are not x; "" when there is none.
func (s *Accounts) oldestBut(ctx context.Context, t id.Tenant, a id.Account, x id.Contact) (id.Contact, error) {
	page, err := s.table.Query(ctx, table.Query{PK: key.AccountPartition(t, a), Prefix: key.ContactPrefix, Limit: 2})
	if err != nil {
		return "", err
	}
	for _, it := range page.Items {
		if c := id.Contact(it.SK[len(key.ContactPrefix):]); c != x {
			return c, nil
		}
	}
	return "", nil
}
