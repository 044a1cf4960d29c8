package account

import (
	"cmp"
	"context"
	"strconv"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// held is an account as it was read, with what is needed to change it.
type held struct {
	*Account
	item   table.Item
	key    *crypt.AccountKey
	tenant *crypt.TenantKey
	locked error      // why there are no keys, or nil
	docs   []grantDoc // its grants, when it is read to be changed
}

// load is look for a change, which needs the keys: without them it is Locked key_unavailable.
func (s *Accounts) load(ctx context.Context, who *policy.Subject, a id.Account, act policy.Action) (*held, error) {
	h, err := s.look(ctx, who, a, act)
	if err != nil {
		return nil, err
	}
	return h, s.prepare(ctx, who.Tenant, h)
}

// prepare reads what a change needs besides the account. Without keys it is Locked key_unavailable.
func (s *Accounts) prepare(ctx context.Context, t id.Tenant, h *held) (err error) {
	if h.locked == nil && len(h.grants)+h.more > 0 {
		h.docs, err = s.grantDocs(ctx, t, h.ID, "")
	}
	return cmp.Or(h.locked, err)
}

// look reads an account for who is to do the action on it. An account that does not exist, lies in another tenant or outside the scope of
// view is NotFound not_found; one that may be seen and not acted on is Denied permission_denied. Nothing is opened before that is decided.
func (s *Accounts) look(ctx context.Context, who *policy.Subject, a id.Account, act policy.Action) (*held, error) {
	items, err := s.table.Get(ctx, key.Account(who.Tenant, a), key.AccountKey(who.Tenant, a))
	if err != nil {
		return nil, err
	}
	if len(items) != 2 { // never there, or its key was destroyed: deleted for good
		return nil, notFound()
	}
	acc, err := fromItem(items[0])
	if err != nil {
		return nil, err
	}
	if err := s.gather(ctx, who.Tenant, acc); err != nil {
		return nil, err
	}
	if err := policy.Require(who, policy.ModAccount, act, acc.resource(who.Tenant)); err != nil {
		return nil, err
	}
	h := &held{Account: acc, item: items[0]}
	if h.tenant, err = s.crypt.Tenant(ctx, who.Tenant); fault.IsKind(err, fault.Locked) {
		h.locked = err
		return h, acc.open(nil, h.item.Sealed)
	}
	if err != nil {
		return nil, err
	}
	if h.key, err = h.tenant.OpenAccount(a, items[1]); err != nil {
		return nil, err
	}
	return h, acc.open(h.key, h.item.Sealed)
}

// put stages the account over what was read. The sealed group is sealed anew only if one of its members changed.
func (h *held) put(c *change.Set, who *policy.Subject, next *Account) error {
	it := table.Item{Sealed: h.item.Sealed}
	if next.Email != h.Email || next.Phone != h.Phone || next.IDNumber != h.IDNumber {
		sealed, err := next.seal(h.key)
		if err != nil {
			return err
		}
		it.Sealed = sealed
	}
	if err := h.relist(c, next); err != nil {
		return err
	}
	if next.Owner != h.Owner || next.Department != h.Department {
		next.settle(who)
	} else {
		next.settled = !key.IsStray(who.Tenant, h.item.Index[table.G1])
	}
	if err := next.place(&it, &who.Org); err != nil {
		return err
	}
	if err := fits(it.Size() + next.size); err != nil {
		return err
	}
	c.Put(it, table.VersionIs(h.Version), nil)
	next.Version = h.Version + 1
	return nil
}

// beforeAfter is what an account's audit event tells.
type beforeAfter struct{ Before, After any }

// record stages the audit event of a change of the account or of one of its contacts, sealed under the account's own key. note is the id of
// the contact.
func record(c *change.Set, k *crypt.AccountKey, a id.Account, note string, fields []string, what beforeAfter) error {
	e := audit.Event{Target: string(a), Note: note, Fields: fields}
	if err := e.Images(k, what.Before, what.After); err != nil {
		return err
	}
	c.Record(e)
	return nil
}

// recordChange records the named members of the JSON of was and is.
func recordChange(c *change.Set, k *crypt.AccountKey, a id.Account, note string, names []string, was, is any) error {
	before, err := only(was, names)
	if err != nil {
		return err
	}
	after, err := only(is, names)
	if err != nil {
		return err
	}
	return record(c, k, a, note, names, beforeAfter{before, after})
}

func fits(size int) error {
	if size <= MaxSize {
		return nil
	}
	return fault.New(fault.Invalid, "record_too_large", "size", strconv.Itoa(size), "max", strconv.Itoa(MaxSize))
}
