package category

import (
	"context"
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Create stages a new category and answers it. Faults: Denied permission_denied, grant_exceeds_own; Invalid with every field at fault:
// unknown_department, unknown_role, unknown_user, one_grantee, duplicate_grant, not_one_of, too_many and those of text; Conflict
// user_not_active, category_name_taken, category_limit.
func (s *Store) Create(ctx context.Context, who *policy.Subject, c *change.Set, p Patch) (Category, error) {
	if err := policy.RequireAny(who, policy.ModCategory, policy.Create); err != nil {
		return Category{}, err
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return Category{}, err
	}
	x := Category{Tenant: who.Tenant}
	p.Name.Set = true
	if err := judge(who, o, p, &x); err != nil {
		return Category{}, err
	}
	if len(o.Categories) >= MaxCategories {
		return Category{}, fault.New(fault.Conflict, "category_limit", "max", strconv.Itoa(MaxCategories))
	}
	x.ID = id.New[id.Category](c.IDs())
	if x, err = put(c, x); err != nil {
		return Category{}, err
	}
	if err := holdName(c, x); err != nil {
		return Category{}, err
	}
	if err := access.RaiseRights(c, who); err != nil {
		return Category{}, err
	}
	return x, s.record(ctx, c, who.Tenant, x.ID, changed(&Category{}, &x), nil, &x)
}

// Update stages the patch of a category and answers it; a patch that changes nothing stages nothing. match is the version that the client
// named, 0 for none. Faults: Denied permission_denied, grant_exceeds_own (for what grants open more than before); NotFound not_found; Stale
// version_conflict; Invalid and Conflict as Create.
func (s *Store) Update(ctx context.Context, who *policy.Subject, c *change.Set, cid id.Category, match int64, p Patch) (Category, error) {
	if err := policy.RequireAny(who, policy.ModCategory, policy.Update); err != nil {
		return Category{}, err
	}
	was, err := s.read(ctx, who.Tenant, cid)
	if err != nil {
		return Category{}, err
	}
	if err := fault.Match(match, was.Version); err != nil {
		return Category{}, err
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return Category{}, err
	}
	x := was
	if err := judge(who, o, p, &x); err != nil {
		return Category{}, err
	}
	fields := changed(&was, &x)
	if len(fields) == 0 {
		return was, nil
	}
	if x, err = put(c, x); err != nil {
		return Category{}, err
	}
	if nameGuard(x.Tenant, x.Name) != nameGuard(was.Tenant, was.Name) {
		if err := holdName(c, x); err != nil {
			return Category{}, err
		}
		freeName(c, was)
	}
	if err := access.RaiseRights(c, who); err != nil {
		return Category{}, err
	}
	return x, s.record(ctx, c, who.Tenant, cid, fields, &was, &x)
}

// judge applies the patch by the rules, and refuses grants that hand out what the subject does not hold.
func judge(who *policy.Subject, o *access.Organisation, p Patch, x *Category) error {
	was := x.Grants
	bad, inactive := p.apply(x, o)
	if err := fault.Fields(bad...); err != nil {
		return err
	}
	if more := opened(was, x.Grants); more != 0 {
		if err := policy.CanShareAll(who, more); err != nil {
			return err
		}
	}
	if len(inactive) > 0 {
		return fault.New(fault.Conflict, "user_not_active").With(inactive...)
	}
	return nil
}

// opened are the acts that the grants give to anybody whom they did not give them to before.
func opened(was, now []access.CategoryGrant) (more policy.Acts) {
	for _, g := range now {
		var had access.CategoryGrant
		if i := slices.IndexFunc(was, func(h access.CategoryGrant) bool { return h.To == g.To }); i >= 0 {
			had = was[i]
		}
		more |= g.On &^ had.On
		if g.Superiors && !had.Superiors {
			more |= g.On
		}
	}
	return more
}

// Delete stages the end of a category that no account is of. Faults: Denied permission_denied; NotFound not_found; Stale version_conflict;
// Conflict category_in_use, with how many accounts are of it.
func (s *Store) Delete(ctx context.Context, who *policy.Subject, c *change.Set, cid id.Category, match int64, a Accounts) error {
	if err := policy.RequireAny(who, policy.ModCategory, policy.Delete); err != nil {
		return err
	}
	// What tells of newcomers is read before they are counted: one that comes after moves it, and this runs again.
	items, err := s.table.Get(ctx, key.Category(who.Tenant, cid), key.Joined(who.Tenant, cid))
	if err != nil {
		return err
	}
	if len(items) == 0 || items[0].Key != key.Category(who.Tenant, cid) {
		return fault.New(fault.NotFound, "not_found")
	}
	was, err := decode(items[0])
	if err != nil {
		return err
	}
	if err := fault.Match(match, was.Version); err != nil {
		return err
	}
	n, exact, err := a.CountInCategory(ctx, who.Tenant, cid)
	if err != nil {
		return err
	}
	if n > 0 {
		count := strconv.Itoa(n)
		if !exact {
			count += "+"
		}
		return fault.New(fault.Conflict, "category_in_use", "accounts", count)
	}
	c.Delete(key.Category(who.Tenant, cid), table.VersionIs(was.Version), nil)
	if len(items) == 2 {
		c.Delete(key.Joined(who.Tenant, cid), table.VersionIs(items[1].Version), nil)
	} else {
		c.Check(key.Joined(who.Tenant, cid), table.Absent, nil)
	}
	freeName(c, was)
	if err := access.RaiseRights(c, who); err != nil {
		return err
	}
	return s.record(ctx, c, who.Tenant, cid, changed(&was, &Category{}), &was, nil)
}

// changed names the members that differ, in the order of the API.
func changed(a, b *Category) []string {
	var out []string
	differ := func(name string, is bool) {
		if is {
			out = append(out, name)
		}
	}
	differ("name", a.Name != b.Name)
	differ("description", a.Description != b.Description)
	differ("use", !slices.Equal(a.Use.Departments, b.Use.Departments) || !slices.Equal(a.Use.Roles, b.Use.Roles))
	differ("grants", !slices.Equal(a.Grants, b.Grants))
	return out
}
