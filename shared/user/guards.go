package user

import (
	"maps"
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// references gives the fields of the place that name something the tenant does not have, or something impossible. o is the organisation
// as it stands before the change; posts and roles are the lists as they were asked for, which is what pointers count in.
func references(o *access.Organisation, was, now principal.Place, posts []id.Post, roles []id.Role) []fault.Field {
	var bad []fault.Field
	if now.Department != "" && now.Department != was.Department {
		if _, ok := o.Departments[now.Department]; !ok {
			bad = append(bad, fault.At("/departmentId", "unknown_department"))
		}
	}
	bad = append(bad, unknown(posts, was.Posts, o.Posts, "/postIds/", "unknown_post")...)
	bad = append(bad, unknown(roles, was.Roles, o.Roles, "/roleIds/", "unknown_role")...)
	if now.Manager != "" && now.Manager != was.Manager {
		if _, ok := o.Places[now.Manager]; !ok {
			bad = append(bad, fault.At("/managerId", "unknown_manager"))
		} else if o.ReportsTo(now.Manager, now.User) {
			bad = append(bad, fault.At("/managerId", "manager_cycle"))
		}
	}
	return bad
}

// unknown gives the entries that are new in the list and that the tenant does not have.
func unknown[K ~string, V any](asked, was []K, all map[K]V, pointer, code string) []fault.Field {
	var bad []fault.Field
	for i, k := range asked {
		if _, ok := all[k]; !ok && !slices.Contains(was, k) {
			bad = append(bad, fault.At(pointer+strconv.Itoa(i), code))
		}
	}
	return bad
}

// gained are the roles that the user has in the new place and had not in the old one, directly or by a post.
func gained(o *access.Organisation, was, now principal.Place) []policy.Role {
	before := rolesAt(o, was)
	var out []policy.Role
	for _, r := range rolesAt(o, now) {
		if !slices.Contains(before, r) {
			out = append(out, o.Roles[r])
		}
	}
	return out
}

func rolesAt(o *access.Organisation, p principal.Place) []id.Role {
	out := slices.Clone(p.Roles)
	for _, post := range p.Posts {
		out = append(out, o.Posts[post].Roles...)
	}
	return set(out)
}

// roles gives the roles by id.
func roles(o *access.Organisation, ids []id.Role) []policy.Role {
	out := make([]policy.Role, 0, len(ids))
	for _, r := range ids {
		out = append(out, o.Roles[r])
	}
	return out
}

// remains answers Conflict last_admin when the tenant has an active administrator before the change and none after it. now is the place
// after the change; gone takes it away altogether.
func remains(o *access.Organisation, now principal.Place, gone bool) error {
	if len(o.Admins()) == 0 {
		return nil
	}
	after := *o // others use it, too
	after.Places = maps.Clone(o.Places)
	after.Places[now.User] = now
	if gone {
		delete(after.Places, now.User)
	}
	if len(after.Admins()) == 0 {
		return fault.New(fault.Conflict, "last_admin")
	}
	return nil
}

// separated answers Conflict separation_of_duty when the place would make the user break a rule of the tenant that they did not break before.
func separated(row principal.Tenant, o *access.Organisation, now principal.Place) error {
	after := o.Clone()
	after.Places[now.User] = now
	return access.Separated(o, after, row.Settings.Separation)
}

// raisesSelf reports whether moving to another department would widen what the subject may do: some grant of theirs reaches by department.
func raisesSelf(who *policy.Subject, o *access.Organisation) bool {
	for _, r := range roles(o, rolesAt(o, who.Self.Place)) {
		for _, g := range r.Grants {
			byDepartment := g.Scope == policy.Department || g.Scope == policy.Subtree
			if byDepartment && policy.May(who, g.Module, g.Action) != policy.All {
				return true
			}
		}
	}
	return false
}

// writable refuses the named fields that the subject's roles do not let them write when doing the action.
func writable(who *policy.Subject, a policy.Action, names []string) error {
	var bad []fault.Field
	for _, n := range names {
		if who.Field(policy.ModUser, a, n) != policy.Edit {
			bad = append(bad, fault.At("/"+n, "field_not_writable"))
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return fault.New(fault.Denied, "field_not_writable").With(bad...)
}
