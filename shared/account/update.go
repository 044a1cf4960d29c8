package account

import (
	"cmp"
	"context"
	"slices"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// Update stages a merge patch of the account and answers it as it will be. version is the one that the client named, 0 for none. A patch
// that changes nothing stages nothing. Faults: as Get; Locked key_unavailable; Denied permission_denied, field_not_writable; Stale version_conflict; Conflict
// account_deactivated; Invalid as Create.
//
// An account may be put into a category by whom its scope of use names, and taken out by whoever may edit the account.
//
// The department may be changed by who may edit the account both where it lies and where it goes. The owner cannot be changed here.
func (s *Accounts) Update(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, version int64, p Patch) (*Account, error) {
	h, err := s.load(ctx, who, a, policy.Update)
	if err != nil {
		return nil, err
	}
	if err := writable(who, policy.ModAccount, policy.Update, "", p.names()); err != nil {
		return nil, err
	}
	if err := fault.Match(version, h.Version); err != nil {
		return nil, err
	}
	if err := h.unchangeable(); err != nil {
		return nil, err
	}
	next := *h.Account
	r := &rules{region: who.Org.Settings.Region}
	p.apply(&next, r)
	mayWrite := func(name string) bool { return who.Field(policy.ModAccount, policy.Update, name) == policy.Edit }
	names := changed(accountFields, h.Account, &next)
	if len(names) > 0 || r.err() != nil {
		next.required(who.Org.Settings.RequiredAccountFields, mayWrite, r)
	}
	closed, err := s.file(ctx, who, h.newly(&next), p.Categories.Value, r)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(r.err(), closed); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return s.answer(ctx, who, h, &next)
	}
	if slices.Contains(names, "departmentId") {
		if !policy.Decide(who, policy.ModAccount, policy.Update, next.resource(who.Tenant)).Allowed {
			return nil, fault.New(fault.Denied, "permission_denied").With(fault.At("/departmentId", "permission_denied"))
		}
		mustExist(c, next.Department)
	}
	next.UpdatedAt = moment(c.Now, h.UpdatedAt)
	if err := h.put(c, who, &next); err != nil {
		return nil, err
	}
	reindexAccount(c, h.tenant, h.Account, &next)
	if err := recordChange(c, h.key, a, "", names, h.Account, &next); err != nil {
		return nil, err
	}
	return s.answer(ctx, who, h, &next)
}
