package account

import (
	"context"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// OwnerDraft asks for another owner of an account. The department stays as it is unless it is named; null is none. The reason, to 500 code
// points, is kept sealed in the audit event.
type OwnerDraft struct {
	Owner      string              `json:"ownerId"`
	Department patch.Field[string] `json:"departmentId,omitzero"`
	Reason     string              `json:"reason,omitzero"`
}

var whyRule = plain.Rule{Max: reasonRule.Max, Lines: true}

// SetOwner stages the change of an account's owner to an active user of the tenant, and answers the account as it will be. It needs
// account.transfer on the account; to move it to another department as well, account.edit where it lies and where it goes. version is that of
// the account, 0 for none. The present owner is no change. The old owner keeps what policy gives them, and nothing for having owned it.
//
// Faults: NotFound not_found; Locked key_unavailable; Denied permission_denied, field_not_writable; Stale version_conflict; Conflict
// account_deactivated, owner_not_active; Invalid required, invalid_owner, unknown_department, and those of text.
func (s *Accounts) SetOwner(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, version int64, d OwnerDraft) (*Account, error) {
	h, err := s.loadTo(ctx, who, a, policy.Transfer)
	if err != nil {
		return nil, err
	}
	names := []string{"ownerId"}
	if d.Department.Set {
		names = append(names, "departmentId")
	}
	if err := writable(who, policy.ModAccount, policy.Transfer, "", names); err != nil {
		return nil, err
	}
	if err := fault.Match(version, h.Version); err != nil {
		return nil, err
	}
	if err := h.unchangeable(); err != nil {
		return nil, err
	}
	r := &rules{}
	p, next := Patch{Department: d.Department}, *h.Account
	p.apply(&next, r)
	owner, reason := r.owner(d.Owner), r.why(d.Reason)
	if err := r.err(); err != nil {
		return nil, err
	}
	if next.Department != h.Department {
		for _, at := range []*Account{h.Account, &next} { // next is its old owner's still
			if !policy.Decide(who, policy.ModAccount, policy.Update, at.resource(who.Tenant)).Allowed {
				return nil, fault.New(fault.Denied, "permission_denied").With(fault.At("/departmentId", "permission_denied"))
			}
		}
	}
	if owner != h.Owner {
		if _, err := s.mayOwn(ctx, who.Tenant, owner); err != nil {
			return nil, err
		}
	}
	next.Owner = owner
	names = changed(accountFields, h.Account, &next)
	if len(names) == 0 {
		return s.answer(ctx, who, h, &next)
	}
	if owner != h.Owner {
		mustBeActive(c, owner, ownerNotActive())
	}
	if next.Department != h.Department {
		mustExist(c, next.Department)
	}
	if err := h.handOver(c, who, &next, names, reason); err != nil {
		return nil, err
	}
	shown, err := s.answer(ctx, who, h, &next)
	if err == nil && !next.viewable(who) {
		shown.Owner = owner // which they said themselves
	}
	return shown, err
}

// owner takes the user who is to own something.
func (r *rules) owner(s string) id.User {
	s = strings.TrimSpace(s)
	u, err := id.Parse[id.User](s)
	switch {
	case s == "":
		r.add(fault.At("/ownerId", "required"))
	case err != nil:
		r.add(fault.At("/ownerId", "invalid_owner"))
	}
	return u
}

// why takes a reason that may be left out.
func (r *rules) why(s string) string {
	s, bad := plain.Check("/reason", s, whyRule)
	if bad != nil {
		r.add(*bad)
	}
	return s
}

// mayOwn answers the user's department when they may own an account: they are active in the tenant. Else Invalid invalid_owner or Conflict
// owner_not_active, at the owner.
func (s *Accounts) mayOwn(ctx context.Context, t id.Tenant, u id.User) (id.Department, error) {
	d, err := s.owners.Owner(ctx, t, u)
	switch {
	case fault.IsKind(err, fault.Invalid), fault.IsKind(err, fault.NotFound):
		return "", fault.Fields(fault.At("/ownerId", "invalid_owner"))
	case fault.IsKind(err, fault.Conflict):
		return "", ownerNotActive()
	}
	return d, err
}

// handOver stages the account with its new owner and its event.
func (h *held) handOver(c *change.Set, who *policy.Subject, next *Account, names []string, reason string) error {
	t := c.Who.Tenant
	if next.Owner != h.Owner {
		c.Delete(key.Owned(t, h.Owner, h.ID), table.Always, nil)
		c.Put(table.Item{Key: key.Owned(t, next.Owner, h.ID)}, table.Always, nil)
	}
	next.UpdatedAt = moment(c.Now, h.UpdatedAt)
	if err := h.put(c, who, next); err != nil {
		return err
	}
	before, err := only(h.Account, names)
	if err != nil {
		return err
	}
	after, err := only(next, names)
	if err != nil {
		return err
	}
	if reason != "" {
		if after["reason"], err = json.Marshal(reason); err != nil {
			return err
		}
	}
	return record(c, h.key, h.ID, string(next.Owner), names, beforeAfter{before, after})
}

// MaxAssigned is how many accounts one Assign takes: each is four writes of the commit's hundred, and one more for each grant on it.
const MaxAssigned = 20

// Assignment asks for one owner of several accounts.
type Assignment struct {
	Owner    string   `json:"ownerId"`
	Accounts []string `json:"accountIds"`
	Reason   string   `json:"reason,omitzero"`
}

// Assigned is one of the accounts after it.
type Assigned struct {
	ID      id.Account `json:"id"`
	Version int64      `json:"version"`
}

// Assign stages one owner for 1 to MaxAssigned accounts, all or none, and answers their versions in the order of the draft. Each has to be
// one that the caller may see and transfer; one that the user owns already stays as it is.
//
// Faults: as SetOwner; Invalid too_many, duplicate_account, unknown_account with a pointer to each id at fault; too_many_writes when the
// accounts have too many grants to move in one commit.
func (s *Accounts) Assign(ctx context.Context, who *policy.Subject, c *change.Set, d Assignment) ([]Assigned, error) {
	if err := policy.RequireAny(who, policy.ModAccount, policy.Transfer); err != nil {
		return nil, err
	}
	if err := writable(who, policy.ModAccount, policy.Transfer, "", []string{"ownerId"}); err != nil {
		return nil, err
	}
	r := &rules{}
	owner, reason := r.owner(d.Owner), r.why(d.Reason)
	switch n := len(d.Accounts); {
	case n == 0:
		r.add(fault.At("/accountIds", "required"))
	case n > MaxAssigned:
		r.add(fault.At("/accountIds", "too_many", "max", strconv.Itoa(MaxAssigned)))
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	all, err := s.transferable(ctx, who, d.Accounts)
	if err != nil {
		return nil, err
	}
	out := make([]Assigned, len(all))
	moved := 0
	for i, h := range all {
		out[i] = Assigned{h.ID, h.Version}
		if h.Owner == owner {
			continue
		}
		if moved++; moved == 1 {
			if _, err := s.mayOwn(ctx, who.Tenant, owner); err != nil {
				return nil, err
			}
			mustBeActive(c, owner, ownerNotActive())
		}
		next := *h.Account
		next.Owner = owner
		if err := h.handOver(c, who, &next, []string{"ownerId"}, reason); err != nil {
			return nil, err
		}
		out[i].Version = next.Version
	}
	writes, err := c.Writes()
	if n := len(writes) + 1; n > table.MaxWrites { // the record of an idempotency key may come on top
		return nil, fault.New(fault.Invalid, "too_many_writes", "count", strconv.Itoa(n), "max", strconv.Itoa(table.MaxWrites)).
			With(fault.At("/accountIds", "too_many_writes", "count", strconv.Itoa(n), "max", strconv.Itoa(table.MaxWrites)))
	}
	return out, err
}

// transferable reads the accounts, each of which who asks has to be able to transfer: what is wrong is told of all at once, first which are
// none, then which may not be transferred, then which are deactivated.
func (s *Accounts) transferable(ctx context.Context, who *policy.Subject, ids []string) ([]*held, error) {
	var out []*held
	var none, denied, away []fault.Field
	seen := map[id.Account]bool{}
	for i, text := range ids {
		at := "/accountIds/" + strconv.Itoa(i)
		a, err := id.Parse[id.Account](text)
		if err != nil {
			none = append(none, fault.At(at, "unknown_account"))
			continue
		}
		if seen[a] {
			none = append(none, fault.At(at, "duplicate_account"))
			continue
		}
		seen[a] = true
		h, err := s.loadTo(ctx, who, a, policy.Transfer)
		switch {
		case fault.IsKind(err, fault.NotFound):
			none = append(none, fault.At(at, "unknown_account"))
		case fault.IsKind(err, fault.Denied):
			denied = append(denied, fault.At(at, "permission_denied"))
		case err != nil:
			return nil, err
		case h.unchangeable() != nil:
			away = append(away, fault.At(at, "account_deactivated"))
		}
		out = append(out, h)
	}
	switch {
	case none != nil:
		return nil, fault.Fields(none...)
	case denied != nil:
		return nil, fault.New(fault.Denied, "permission_denied").With(denied...)
	case away != nil:
		return nil, fault.New(fault.Conflict, "account_deactivated").With(away...)
	}
	return out, nil
}
