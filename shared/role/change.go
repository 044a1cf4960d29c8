package role

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

// Create stages a new role and answers it. Faults: Denied permission_denied, grant_exceeds_own; Invalid unknown_permission and other
// rules of a draft, each with its pointer; Conflict role_name_taken, role_limit.
func (s *Store) Create(ctx context.Context, who *policy.Subject, c *change.Set, d Draft) (policy.Role, error) {
	if err := policy.RequireAny(who, policy.ModRole, policy.Create); err != nil {
		return policy.Role{}, err
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return policy.Role{}, err
	}
	asked, err := d.shape(o)
	if err != nil {
		return policy.Role{}, err
	}
	r, err := asked.valid()
	if err != nil {
		return policy.Role{}, err
	}
	if err := policy.CanAssign(who, []policy.Role{r}); err != nil {
		return policy.Role{}, err
	}
	if len(o.Roles) >= MaxRoles {
		return policy.Role{}, fault.New(fault.Conflict, "role_limit", "max", strconv.Itoa(MaxRoles))
	}
	r.ID = id.New[id.Role](c.IDs())
	if r, err = put(c, who.Tenant, r); err != nil {
		return policy.Role{}, err
	}
	if err := holdName(c, who.Tenant, r, nameTaken()); err != nil {
		return policy.Role{}, err
	}
	if err := access.RaiseRights(c, who); err != nil {
		return policy.Role{}, err
	}
	return r, s.record(ctx, c, who.Tenant, r.ID, changed(policy.Role{}, r), nil, &r)
}

// shape fills what the draft leaves out from the role that it is to be a copy of.
func (d Draft) shape(o *access.Organisation) (shape, error) {
	var out shape
	if d.CloneOf != "" {
		from, ok := o.Roles[d.CloneOf]
		if !ok {
			return shape{}, fault.Fields(fault.At("/cloneOf", "unknown_role"))
		}
		out = of(from)
	}
	out.name = d.Name
	if d.Description != nil {
		out.description = *d.Description
	}
	if d.Level != "" {
		out.level = d.Level
	}
	if d.Grants != nil {
		out.grants = d.Grants
	}
	if d.Fields != nil {
		out.fields = d.Fields
	}
	return out, nil
}

// Update stages the patch of a custom role and answers the role after it; a patch that changes nothing stages nothing. match is the
// version that the client named, 0 for none. Faults: Denied permission_denied, grant_exceeds_own (only when grants, fields or level
// change; then of the whole role as it would be); NotFound not_found; Stale version_conflict; Conflict role_read_only, role_name_taken,
// separation_of_duty; Invalid as Create. Create needs no such answer: nobody holds the role yet.
func (s *Store) Update(ctx context.Context, who *policy.Subject, c *change.Set, rid id.Role, match int64, p Patch) (policy.Role, error) {
	was, err := s.custom(ctx, who, policy.Update, rid, match)
	if err != nil {
		return policy.Role{}, err
	}
	asked := of(was)
	asked.name = p.Name.Or(asked.name)
	asked.description = p.Description.Or(asked.description)
	asked.level = p.Level.Or(asked.level)
	asked.grants = p.Grants.Or(asked.grants)
	asked.fields = p.Fields.Or(asked.fields)
	r, err := asked.valid()
	if err != nil {
		return policy.Role{}, err
	}
	r.ID, r.Version = was.ID, was.Version
	fields := changed(was, r)
	if len(fields) == 0 {
		return was, nil
	}
	if slices.ContainsFunc(fields, func(f string) bool { return f == "grants" || f == "fields" || f == "level" }) {
		if err := policy.CanAssign(who, []policy.Role{r}); err != nil {
			return policy.Role{}, err
		}
		if err := s.separated(ctx, who, r); err != nil {
			return policy.Role{}, err
		}
	}
	if r, err = put(c, who.Tenant, r); err != nil {
		return policy.Role{}, err
	}
	if nameGuard(who.Tenant, r.Name) != nameGuard(who.Tenant, was.Name) {
		if err := holdName(c, who.Tenant, r, nameTaken()); err != nil {
			return policy.Role{}, err
		}
		freeName(c, who.Tenant, was)
	}
	if err := access.RaiseRights(c, who); err != nil {
		return policy.Role{}, err
	}
	return r, s.record(ctx, c, who.Tenant, r.ID, fields, &was, &r)
}

// separated answers Conflict separation_of_duty when the role as it is to be would make holders break a rule that they did not break before.
func (s *Store) separated(ctx context.Context, who *policy.Subject, r policy.Role) error {
	if len(who.Org.Settings.Separation) == 0 {
		return nil
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return err
	}
	after := o.Clone()
	after.Roles[r.ID] = r
	return access.Separated(o, after, who.Org.Settings.Separation)
}

// Delete stages the end of a custom role that nobody holds; its past versions stay. Faults: Denied permission_denied; NotFound not_found;
// Stale version_conflict; Conflict role_read_only, role_in_use (with the numbers of users who hold it directly and of posts that give it).
func (s *Store) Delete(ctx context.Context, who *policy.Subject, c *change.Set, rid id.Role, match int64) error {
	was, err := s.custom(ctx, who, policy.Delete, rid, match)
	if err != nil {
		return err
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return err
	}
	users, posts := holders(o, rid)
	if users+posts > 0 {
		return fault.New(fault.Conflict, "role_in_use", "users", strconv.Itoa(users), "posts", strconv.Itoa(posts))
	}
	c.Delete(key.Role(who.Tenant, rid), table.VersionIs(was.Version), nil)
	freeName(c, who.Tenant, was)
	if err := access.RaiseRights(c, who); err != nil {
		return err
	}
	return s.record(ctx, c, who.Tenant, rid, changed(was, policy.Role{}), &was, nil)
}

// custom reads a role that the subject may do the action on: not a predefined one, and at the version that was named.
func (s *Store) custom(ctx context.Context, who *policy.Subject, a policy.Action, rid id.Role, match int64) (policy.Role, error) {
	if err := policy.RequireAny(who, policy.ModRole, a); err != nil {
		return policy.Role{}, err
	}
	r, err := s.read(ctx, who.Tenant, rid)
	if err != nil {
		return policy.Role{}, err
	}
	if err := fault.Match(match, r.Version); err != nil {
		return policy.Role{}, err
	}
	if r.Predefined {
		return policy.Role{}, fault.New(fault.Conflict, "role_read_only")
	}
	return r, nil
}

// holders are how many users hold the role directly, whatever their status, and how many posts give it.
func holders(o *access.Organisation, r id.Role) (users, posts int) {
	for _, p := range o.Places {
		if slices.Contains(p.Roles, r) {
			users++
		}
	}
	for _, p := range o.Posts {
		if slices.Contains(p.Roles, r) {
			posts++
		}
	}
	return users, posts
}

// changed names the members that differ, in the order of the API.
func changed(a, b policy.Role) []string {
	var out []string
	differ := func(name string, is bool) {
		if is {
			out = append(out, name)
		}
	}
	differ("name", a.Name != b.Name)
	differ("description", a.Description != b.Description)
	differ("level", a.Level != b.Level)
	differ("grants", !slices.Equal(a.Grants, b.Grants))
	differ("fields", !slices.Equal(a.Fields, b.Fields))
	return out
}
