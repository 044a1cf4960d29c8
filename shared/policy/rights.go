package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/id"
)

// Rights are what one user may do, compiled once for each version of the tenant's roles and organisation and shared by requests. The
// zero Rights hold nothing.
type Rights struct {
	scope       [moduleCount][actionCount]Scope
	level       Level
	fields      [moduleCount][]fieldAccess // by name
	people      []id.User                  // the user, then everyone who reports to them
	departments []id.Department            // the user's own, then all below it; empty when the user has none
	reports     map[id.User]struct{}
	below       map[id.Department]struct{} // all below the own one, without it
}

// fieldAccess is the access to one field by action; "" where no role grants the action.
type fieldAccess struct {
	name   string
	access [actionCount]Access
}

// Chart is where a user stands in the organisation, as far as scopes need it.
type Chart struct {
	User       id.User
	Reports    []id.User // everyone who reports to the user, transitively, without the user
	Department id.Department
	Below      []id.Department // all departments below Department, without it
}

// Compile joins the roles that a user holds. Where they overlap the widest scope and the most permissive field access hold, so that
// one more role or grant never takes anything away. Grants that the catalogue does not have are left out.
func Compile(at Chart, roles []Role) *Rights {
	r := &Rights{
		people:  append([]id.User{at.User}, at.Reports...),
		reports: make(map[id.User]struct{}, len(at.Reports)),
		below:   make(map[id.Department]struct{}, len(at.Below)),
	}
	for _, u := range at.Reports {
		r.reports[u] = struct{}{}
	}
	if at.Department != "" {
		r.departments = append([]id.Department{at.Department}, at.Below...)
		for _, d := range at.Below {
			r.below[d] = struct{}{}
		}
	}
	for _, role := range roles {
		if role.Level.rank() > r.level.rank() {
			r.level = role.Level
		}
		for _, g := range role.Grants {
			m, a := moduleIndex.of(string(g.Module)), actionIndex.of(string(g.Action))
			if declared(m, a) && g.Scope <= All {
				r.scope[m][a] = max(r.scope[m][a], g.Scope)
			}
		}
	}
	for m := range catalogue {
		r.fields[m] = compileFields(m, roles)
	}
	return r
}

// compileFields gives the access to every field of the module that needs saying: those that rules name and the sensitive ones.
func compileFields(module int, roles []Role) []fieldAccess {
	named := slices.Clone(catalogue[module].Sensitive)
	for _, role := range roles {
		for _, f := range role.Fields {
			if f.Module == catalogue[module].Module {
				named = append(named, f.Field)
			}
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	out := make([]fieldAccess, 0, len(named))
	for _, name := range named {
		f := fieldAccess{name: name}
		for _, role := range roles {
			access := ruled(module, role.Fields, name)
			for _, g := range role.Grants {
				a := actionIndex.of(string(g.Action))
				if g.Module == catalogue[module].Module && declared(module, a) && access.rank() > f.access[a].rank() {
					f.access[a] = access
				}
			}
		}
		out = append(out, f)
	}
	return out
}

// ruled is the access that one set of rules gives to a field: by the field's own rule, else by its nearest parent's, else the fallback.
// Of two rules on one field the narrower holds.
func ruled(module int, rules []FieldRule, field string) Access {
	for name := field; ; {
		var found Access
		for _, r := range rules {
			if r.Module == catalogue[module].Module && r.Field == name && (found == "" || r.Access.rank() < found.rank()) {
				found = r.Access
			}
		}
		if found != "" {
			return found
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return fallback(module, field)
		}
		name = name[:dot]
	}
}

// field is the compiled access to a field for an action that some role grants.
func (r *Rights) field(module, action int, name string) Access {
	for {
		i, found := slices.BinarySearchFunc(r.fields[module], name, func(f fieldAccess, n string) int { return cmp.Compare(f.name, n) })
		if found {
			return r.fields[module][i].access[action]
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return Edit // sensitive fields are always compiled
		}
		name = name[:dot]
	}
}

// Level is the highest level among the user's roles; "" without any.
func (r *Rights) Level() Level { return r.level }

// ReportIDs are all users who report to the subject, transitively, without the subject. Do not change the slice.
func (r *Rights) ReportIDs() []id.User {
	if len(r.people) == 0 {
		return nil
	}
	return r.people[1:]
}

// DepartmentIDs are the departments that the scope reaches: the subject's own for Department, with all below it for Subtree, none for
// the others. Do not change the slice.
func (r *Rights) DepartmentIDs(s Scope) []id.Department {
	switch {
	case len(r.departments) == 0:
		return nil
	case s == Department:
		return r.departments[:1:1]
	case s == Subtree:
		return r.departments
	}
	return nil
}
