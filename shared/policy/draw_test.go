package policy_test

import (
	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// What is drawn: few names, so that they meet.
var (
	someModules = []policy.Module{policy.ModAccount, policy.ModContact, policy.ModUser, policy.ModRole, policy.ModOrder}
	someActions = []policy.Action{policy.View, policy.Create, policy.Update, policy.Delete, policy.Approve, policy.Share}
	someFields  = []string{"name", "email", "idNumber", "custom", "custom.a", "custom.b", "idNumber.front"}
	departments = []id.Department{"", "d1", "d2", "d3", "d4", "d5"}
	people      = []id.User{"", "u1", "u2", "u3", "u4", "u5", "u6"}
)

func drawRole(t *rapid.T, name string) policy.Role {
	r := policy.Role{ID: id.Role(name), Level: rapid.SampledFrom(policy.Levels).Draw(t, "level")}
	for range rapid.IntRange(0, 6).Draw(t, "grants") {
		r.Grants = append(r.Grants, drawGrant(t))
	}
	named := map[string]bool{}
	for range rapid.IntRange(0, 4).Draw(t, "rules") {
		f := policy.FieldRule{
			Module: rapid.SampledFrom(someModules).Draw(t, "module"), Field: rapid.SampledFrom(someFields).Draw(t, "field"),
			Access: rapid.SampledFrom(policy.Accesses).Draw(t, "access"),
		}
		if !named[string(f.Module)+f.Field] {
			named[string(f.Module)+f.Field] = true
			r.Fields = append(r.Fields, f)
		}
	}
	return r
}

func drawGrant(t *rapid.T) policy.Grant {
	return policy.Grant{
		Module: rapid.SampledFrom(someModules).Draw(t, "module"), Action: rapid.SampledFrom(someActions).Draw(t, "action"),
		Scope: rapid.SampledFrom(policy.Scopes).Draw(t, "scope"),
	}
}

// drawWorld draws an organisation without cycles: a parent or a manager is always earlier in the list.
func drawWorld(t *rapid.T) *world {
	w := newWorld()
	for i, d := range departments[1:] {
		w.parent[d] = rapid.SampledFrom(departments[:i+1]).Draw(t, "parent")
		w.head[d] = rapid.SampledFrom(people).Draw(t, "head")
	}
	for _, name := range []string{"r1", "r2", "r3"} {
		w.roles[id.Role(name)] = drawRole(t, name)
	}
	for i, u := range people[1:] {
		w.users = append(w.users, u)
		w.status[u] = rapid.SampledFrom([]principal.UserStatus{principal.UserActive, principal.UserActive, principal.UserActive, principal.UserInactive}).Draw(t, "status")
		p := principal.Place{User: u, Active: w.status[u] == principal.UserActive}
		p.Department = rapid.SampledFrom(departments).Draw(t, "department")
		p.Manager = rapid.SampledFrom(people[:i+1]).Draw(t, "manager")
		p.Roles = rapid.SliceOfNDistinct(rapid.SampledFrom([]id.Role{"r1", "r2", "r3"}), 0, 3, rapid.ID[id.Role]).Draw(t, "roles")
		w.place[u] = p
	}
	if rapid.IntRange(0, 4).Draw(t, "off") == 0 {
		w.tenant.Settings.ModulesOff = []string{string(rapid.SampledFrom(someModules).Draw(t, "module"))}
	}
	for _, m := range []policy.Module{policy.ModAccount, policy.ModContact, policy.ModOrder} {
		if rapid.IntRange(0, 3).Draw(t, "default") == 0 {
			w.setDefault(m, rapid.SampledFrom(policy.Defaults).Draw(t, "default"))
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "category grants") {
		w.categories = append(w.categories, policy.CategoryGrant{
			Category: rapid.SampledFrom(someCategories).Draw(t, "category"), To: drawGrantee(t),
			On: drawActs(t), Superiors: rapid.Bool().Draw(t, "superiors"),
		})
	}
	for _, name := range []string{"x1", "x2", "x3", "x4"} {
		w.records[name] = drawRecord(t)
	}
	return w
}

var someCategories = []id.Category{"c1", "c2"}

func drawActs(t *rapid.T) policy.Acts {
	return policy.Acts(rapid.IntRange(1, 7).Draw(t, "acts"))
}

func drawGrantee(t *rapid.T) policy.Grantee {
	d := rapid.SampledFrom(departments[1:]).Draw(t, "department")
	return rapid.SampledFrom([]policy.Grantee{
		policy.ToUser(rapid.SampledFrom(people[1:]).Draw(t, "user")), policy.ToDepartment(d, false), policy.ToDepartment(d, true),
		policy.ToRole(rapid.SampledFrom([]id.Role{"r1", "r2", "r3"}).Draw(t, "role")),
	}).Draw(t, "grantee")
}

func drawRecordGrant(t *rapid.T) policy.RecordGrant {
	g := policy.RecordGrant{
		Kind: rapid.SampledFrom([]policy.GrantKind{policy.KindTeam, policy.KindShare, policy.KindTemporary, policy.KindOverride}).Draw(t, "kind"),
		To:   drawGrantee(t), On: drawActs(t), Superiors: rapid.Bool().Draw(t, "superiors"),
		Expires: rapid.SampledFrom([]int64{0, 0, 0, noon - 1, noon, noon + 1}).Draw(t, "expires"),
	}
	if g.Kind == policy.KindOverride {
		g.Off = drawActs(t)
		g.On &^= g.Off
	}
	return g
}

// drawRecord draws what a record has besides an owner and a department.
func drawRecord(t *rapid.T) policy.Resource {
	return policy.Resource{
		Tenant: "acme", Owner: rapid.SampledFrom(people).Draw(t, "owner"), Department: rapid.SampledFrom(departments).Draw(t, "department"),
		Categories: rapid.SliceOfNDistinct(rapid.SampledFrom(someCategories), 0, 2, rapid.ID[id.Category]).Draw(t, "categories"),
		Grants:     rapid.SliceOfN(rapid.Custom(drawRecordGrant), 0, 4).Draw(t, "record grants"),
	}
}

// everyResource goes through the records that were drawn, as they are and in every owner's and department's hands, and through plain ones.
func everyResource(w *world, f func(policy.Resource)) {
	with := []policy.Resource{{}, w.records["x1"], w.records["x2"], w.records["x3"], w.records["x4"]}
	for _, r := range with[1:] {
		f(r)
	}
	for i, o := range people {
		for j, d := range departments {
			x := with[(i+j)%len(with)]
			f(policy.Resource{Tenant: w.tenant.ID, Owner: o, Department: d, Categories: x.Categories, Grants: x.Grants})
		}
	}
}
