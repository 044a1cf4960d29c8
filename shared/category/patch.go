package category

import (
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
)

// Grant is a grant that somebody asks for: to exactly one of a user, a role and a department, the last with all below it where Below says so.
// Level is read or edit; Superiors lets it reach everyone above an active user whom it reaches.
type Grant struct {
	User       id.User       `json:"userId,omitzero"`
	Role       id.Role       `json:"roleId,omitzero"`
	Department id.Department `json:"departmentId,omitzero"`
	Below      bool          `json:"below,omitzero"`
	Level      string        `json:"level"`
	Superiors  bool          `json:"superiors,omitzero"`
}

// Patch is a merge patch of a category; for a new one, a patch of nothing. Lists are replaced whole; null empties.
type Patch struct {
	Name        patch.Field[string]   `json:"name,omitzero"`
	Description patch.Field[string]   `json:"description,omitzero"`
	Use         patch.Field[UsePatch] `json:"use,omitzero"`
	Grants      patch.Field[[]Grant]  `json:"grants,omitzero"`
}

// UsePatch is a merge patch of a scope of use.
type UsePatch struct {
	Departments patch.Field[[]id.Department] `json:"departmentIds,omitzero"`
	Roles       patch.Field[[]id.Role]       `json:"roleIds,omitzero"`
}

// apply writes the patch into the category and gives every field at fault: Invalid ones, and users who are not active. What the category
// names already may stay, whatever became of it.
func (p *Patch) apply(x *Category, o *access.Organisation) (bad, inactive []fault.Field) {
	bad = append(bad, words(&x.Name, p.Name, "/name", plain.Rule{Min: 1, Max: MaxName})...)
	bad = append(bad, words(&x.Description, p.Description, "/description", plain.Rule{Max: MaxDescription, Lines: true})...)
	if p.Use.Null {
		x.Use = Use{}
	}
	bad = append(bad, named(&x.Use.Departments, p.Use.Value.Departments, o.Departments, "/use/departmentIds", "unknown_department")...)
	bad = append(bad, named(&x.Use.Roles, p.Use.Value.Roles, o.Roles, "/use/roleIds", "unknown_role")...)
	if p.Grants.Set {
		var wrong []fault.Field
		x.Grants, wrong, inactive = grants(p.Grants.Value, x.Grants, o)
		bad = append(bad, wrong...)
	}
	return bad, inactive
}

func words(to *string, f patch.Field[string], pointer string, r plain.Rule) []fault.Field {
	if !f.Set {
		return nil
	}
	s, bad := plain.Check(pointer, f.Value, r)
	if bad != nil {
		return []fault.Field{*bad}
	}
	*to = s
	return nil
}

// named judges a list of ids and writes it, in order, each once.
func named[K ~string, V any](to *[]K, f patch.Field[[]K], all map[K]V, pointer, code string) []fault.Field {
	if !f.Set {
		return nil
	}
	if len(f.Value) > MaxUse {
		return []fault.Field{fault.At(pointer, "too_many", "max", strconv.Itoa(MaxUse))}
	}
	var bad []fault.Field
	for i, k := range f.Value {
		if _, ok := all[k]; !ok && !slices.Contains(*to, k) {
			bad = append(bad, fault.At(pointer+"/"+strconv.Itoa(i), code))
		}
	}
	list := slices.Clone(f.Value)
	slices.Sort(list)
	*to = slices.Compact(list)
	return bad
}

func grants(asked []Grant, was []access.CategoryGrant, o *access.Organisation) (out []access.CategoryGrant, bad, inactive []fault.Field) {
	if len(asked) > MaxGrants {
		return nil, []fault.Field{fault.At("/grants", "too_many", "max", strconv.Itoa(MaxGrants))}, nil
	}
	for i, g := range asked {
		at := "/grants/" + strconv.Itoa(i)
		made := access.CategoryGrant{On: policy.ActsOf(g.Level), Superiors: g.Superiors}
		if made.On == 0 {
			bad = append(bad, fault.At(at+"/level", "not_one_of", "allowed", "read, edit"))
		}
		to, missing, one := g.grantee(at, o)
		made.To = to
		switch {
		case !one:
			bad = append(bad, fault.At(at, "one_grantee"))
		case slices.ContainsFunc(out, func(h access.CategoryGrant) bool { return h.To == made.To }):
			bad = append(bad, fault.At(at, "duplicate_grant"))
		case slices.Contains(was, made):
		case missing != nil:
			bad = append(bad, missing...)
		case g.User != "" && !o.Places[g.User].Active:
			inactive = append(inactive, fault.At(at+"/userId", "user_not_active"))
		}
		out = append(out, made)
	}
	return out, bad, inactive
}

// grantee is whom the grant is for; missing when the tenant has none such, and not one when the grant names nobody or several.
func (g *Grant) grantee(at string, o *access.Organisation) (to policy.Grantee, missing []fault.Field, one bool) {
	kinds := 0
	if g.User != "" {
		kinds, to = kinds+1, policy.ToUser(g.User)
		if _, ok := o.Places[g.User]; !ok {
			missing = append(missing, fault.At(at+"/userId", "unknown_user"))
		}
	}
	if g.Role != "" {
		kinds, to = kinds+1, policy.ToRole(g.Role)
		if _, ok := o.Roles[g.Role]; !ok {
			missing = append(missing, fault.At(at+"/roleId", "unknown_role"))
		}
	}
	if g.Department != "" {
		kinds, to = kinds+1, policy.ToDepartment(g.Department, g.Below)
		if _, ok := o.Departments[g.Department]; !ok {
			missing = append(missing, fault.At(at+"/departmentId", "unknown_department"))
		}
	}
	return to, missing, kinds == 1 && (!g.Below || g.Department != "")
}

// Asked is a grant as it would be asked for.
func Asked(g access.CategoryGrant) Grant {
	out := Grant{Level: "read", Superiors: g.Superiors}
	if g.On&policy.ActEdit != 0 {
		out.Level = "edit"
	}
	if u, ok := g.To.User(); ok {
		out.User = u
	}
	if r, ok := g.To.Role(); ok {
		out.Role = r
	}
	if d, below, ok := g.To.Department(); ok {
		out.Department, out.Below = d, below
	}
	return out
}
