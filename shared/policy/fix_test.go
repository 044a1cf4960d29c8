package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// do makes the changes in a copy of the world, as whoever follows a remedy would, and gives the record as it is then.
func (w *world) do(u id.User, r *policy.Resource, way []policy.Change) (*world, *policy.Resource) {
	w = w.clone()
	if r != nil {
		x := *r
		x.Grants = slices.Clone(r.Grants)
		r = &x
	}
	for _, c := range way {
		g := policy.Grant{Module: c.Module, Action: c.Action, Scope: c.Scope}
		role, p := w.roles[c.Role], w.place[u]
		if c.Kind == policy.SetField && c.Role == "" {
			c.Role = "new"
			role = w.roles["new"]
		}
		switch c.Kind {
		case policy.ActivateTenant:
			w.tenant.Status = principal.TenantActive
		case policy.ActivateUser:
			w.status[u] = principal.UserActive
		case policy.EnableModule:
			w.tenant.Settings.ModulesOff = slices.DeleteFunc(w.tenant.Settings.ModulesOff, func(m string) bool { return m == string(c.Module) })
		case policy.AssignRole:
			p.Roles = append(slices.Clone(p.Roles), c.Role)
			w.place[u] = p
		case policy.CreateRole:
			w.roles["new"] = policy.Role{ID: "new", Level: policy.Admin, Grants: []policy.Grant{g}}
			p.Roles = append(slices.Clone(p.Roles), "new")
			w.place[u] = p
		case policy.AddGrant, policy.WidenGrant:
			role.Grants = append(slices.Clone(role.Grants), g)
			w.roles[c.Role] = role
		case policy.SetField:
			role.Fields = append([]policy.FieldRule{{Module: c.Module, Field: c.Field, Access: c.Access}}, slices.DeleteFunc(slices.Clone(role.Fields),
				func(f policy.FieldRule) bool { return f.Module == c.Module && f.Field == c.Field })...)
			w.roles[c.Role] = role
		case policy.ShareRecord:
			r.Grants = append(r.Grants, policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser(u), On: c.Acts})
		case policy.SwitchOn:
			r.Grants = append(r.Grants, policy.RecordGrant{Kind: policy.KindOverride, To: policy.ToUser(u), On: c.Acts})
		case policy.LiftSwitch:
			r.Grants[c.No-1].Off &^= c.Acts
		case policy.SetDefault:
			w.setDefault(c.Module, c.Default)
		}
	}
	return w, r
}

// answers is the oracle's answer to the question after the changes.
func (w *world) answers(u id.User, q policy.Question, way ...policy.Change) bool {
	then, r := w.do(u, q.On, way)
	if q.On == nil {
		may := slices.ContainsFunc(then.held(u), func(x policy.Role) bool { return then.gives(u, x, q, nil) })
		return may && then.usable(u, q.Module)
	}
	fields := q.Field == "" || slices.Index(order, then.oracleField(u, q.Module, q.Action, q.Field)) >= slices.Index(order, q.Wants())
	return then.oracle(u, q.Module, q.Action, *r) && fields
}

// breaks reports whether the user would hold rights together that the tenant keeps apart, more than now.
func (w *world) breaks(u id.User, way ...policy.Change) bool {
	then, _ := w.do(u, new(policy.Resource), slices.DeleteFunc(slices.Clone(way), func(c policy.Change) bool { return c.Kind == policy.LiftSwitch }))
	rules := w.tenant.Settings.Separation
	return len(policy.Conflicts(then.held(u), rules)) > len(policy.Conflicts(w.held(u), rules))
}

// TestFixes holds C1's second half: each remedy turns the denial, none of its changes can be left out, and no single change that would do is
// missing. The oracle judges, on a copy of the organisation in which the changes were made by hand.
func TestFixes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if rapid.IntRange(0, 5).Draw(t, "suspended") == 0 {
			w.tenant.Status = principal.TenantSuspended
		}
		if rapid.IntRange(0, 2).Draw(t, "separated") == 0 {
			w.tenant.Settings.Separation = []principal.Separation{{Name: "both", First: "account.view", Second: "account.edit"}}
		}
		for name, r := range w.roles {
			r.Predefined = rapid.IntRange(0, 3).Draw(t, "predefined") == 0
			w.roles[name] = r
		}
		u := rapid.SampledFrom(w.users).Draw(t, "who")
		r := w.records[rapid.SampledFrom([]string{"x1", "x2", "x3", "x4"}).Draw(t, "record")]
		for _, m := range someModules {
			for _, a := range someActions {
				q := policy.Question{Module: m, Action: a, On: &r}
				switch rapid.IntRange(0, 3).Draw(t, "of") {
				case 0:
					q.On = nil
				case 1:
					q.Field = rapid.SampledFrom(someFields).Draw(t, "field")
				}
				if policy.Declared(m, a) {
					w.fixed(t, u, q)
				}
			}
		}
	})
}

func (w *world) fixed(t *rapid.T, u id.User, q policy.Question) {
	fixes := policy.Fixes(w.subject(u), w.facts(u), q)
	if w.answers(u, q) {
		if fixes != nil {
			t.Fatalf("%+v is allowed: %+v", q, fixes)
		}
		return
	}
	size, singles := 0, []policy.Change{}
	for _, way := range fixes {
		if len(way) < size || len(way) == 0 {
			t.Fatalf("%+v: out of order: %+v", q, fixes)
		}
		if size = len(way); size == 1 {
			singles = append(singles, way[0])
		}
		if !w.answers(u, q, way...) {
			t.Fatalf("%+v: denied after %+v", q, way)
		}
		for _, c := range way {
			role := w.roles[c.Role]
			grants := c.Kind == policy.AddGrant || c.Kind == policy.WidenGrant
			if grants && !policy.LevelAllows(role.Level, grant(c.Module, c.Action, c.Scope)) || (grants || c.Kind == policy.SetField) && role.Predefined {
				t.Fatalf("%+v: the role may not be changed so: %+v", q, c)
			}
		}
		if w.breaks(u, way...) {
			t.Fatalf("%+v: %+v breaks a separation of duty", q, way)
		}
		for i := range way {
			if w.answers(u, q, slices.Delete(slices.Clone(way), i, i+1)...) {
				t.Fatalf("%+v: change %d of %+v is not needed", q, i, way)
			}
		}
	}
	for _, c := range w.singles(u, q) {
		if w.answers(u, q, c) && !w.breaks(u, c) && !slices.Contains(singles, c) {
			t.Fatalf("%+v: %+v would do, and is not among %+v", q, c, fixes)
		}
	}
	if len(fixes) == 0 && len(w.tenant.Settings.Separation) == 0 {
		t.Fatalf("%+v: no remedy", q)
	}
}

// singles are all single changes that there are, of grants to a role the narrowest that would do.
func (w *world) singles(u id.User, q policy.Question) []policy.Change {
	out := []policy.Change{{Kind: policy.ActivateTenant}, {Kind: policy.ActivateUser}, {Kind: policy.EnableModule, Module: q.Module}}
	taken := false
	for name, role := range w.roles {
		if !slices.ContainsFunc(w.held(u), func(h policy.Role) bool { return h.ID == name }) {
			if w.gives(u, role, q, nil) {
				out = append(out, policy.Change{Kind: policy.AssignRole, Role: name})
			}
			continue
		}
		if role.Predefined {
			continue
		}
		for _, s := range policy.Scopes {
			c := policy.Change{Kind: policy.AddGrant, Role: name, Module: q.Module, Action: q.Action, Scope: s}
			if !policy.DeclaredScope(q.Module, s) || !policy.LevelAllows(role.Level, grant(q.Module, q.Action, s)) || !w.answers(u, q, c) {
				continue
			}
			if w.gives(u, role, q, nil) {
				c.Kind = policy.WidenGrant
			}
			out, taken = append(out, c), true
			break
		}
		if q.Field != "" && w.gives(u, role, q, nil) {
			out = append(out, policy.Change{Kind: policy.SetField, Role: name, Module: q.Module, Field: q.Field, Access: q.Wants()})
		}
	}
	if !taken && len(w.held(u)) == 0 {
		for _, s := range policy.Scopes {
			if c := (policy.Change{Kind: policy.CreateRole, Module: q.Module, Action: q.Action, Scope: s}); policy.DeclaredScope(q.Module, s) && w.answers(u, q, c) {
				out = append(out, c)
				break
			}
		}
	}
	if q.On == nil {
		return out
	}
	switch opening(q.Module, q.Action) {
	case policy.ActView:
		out = append(out, policy.Change{Kind: policy.ShareRecord, Acts: policy.ActView})
	case policy.ActEdit:
		out = append(out, policy.Change{Kind: policy.ShareRecord, Acts: policy.ActView | policy.ActEdit})
	case policy.ActDelete:
		out = append(out, policy.Change{Kind: policy.SwitchOn, Acts: policy.ActDelete})
	}
	for _, d := range policy.Defaults {
		if c := (policy.Change{Kind: policy.SetDefault, Module: q.Module, Default: d}); policy.HasDefault(q.Module) && w.answers(u, q, c) {
			out = append(out, c)
			break
		}
	}
	for i, g := range q.On.Grants {
		if off := g.Off & closing(q.Module, q.Action); off != 0 {
			out = append(out, policy.Change{Kind: policy.LiftSwitch, No: i + 1, To: g.To, Acts: off})
		}
	}
	return out
}

// TestFixesInOrder: the requirement's own cases, in the order in which they are offered.
func TestFixesInOrder(t *testing.T) {
	seller := policy.Role{Level: policy.Standard, Grants: []policy.Grant{grant(policy.ModAccount, policy.View, policy.Own)}}
	w := oneUser(seller)
	w.roles["b"] = policy.Role{ID: "b", Level: policy.Standard, Predefined: true, Grants: []policy.Grant{grant(policy.ModAccount, policy.View, policy.All)}}
	w.roles["c"] = policy.Role{ID: "c", Level: policy.Admin, Grants: everything()}
	other := policy.Resource{Tenant: "acme", Owner: "bob"}
	closed := other
	closed.Grants = []policy.RecordGrant{{Kind: policy.KindOverride, To: policy.ToUser("ann"), Off: policy.ActView | policy.ActDelete}}
	for _, c := range []struct {
		says string
		q    policy.Question
		want []string
	}{
		{"view another's", policy.Question{Module: policy.ModAccount, Action: policy.View, On: &other}, []string{
			"share", "assign_role b", "widen_grant a all", "assign_role c", "set_default public_read",
		}},
		{"edit another's", policy.Question{Module: policy.ModAccount, Action: policy.Update, On: &other}, []string{
			"add_grant a all", "assign_role c", "add_grant a own + share", "add_grant a own + set_default public_edit",
		}},
		{"view what is closed", policy.Question{Module: policy.ModAccount, Action: policy.View, On: &closed}, []string{
			"lift_switch + share", "assign_role b + lift_switch", "lift_switch + widen_grant a all", "assign_role c + lift_switch",
			"lift_switch + set_default public_read",
		}},
		{"delete what is closed", policy.Question{Module: policy.ModAccount, Action: policy.Delete, On: &closed}, []string{
			"create_role all + lift_switch", "assign_role c + lift_switch", "add_grant a own + lift_switch + switch_on",
		}},
		{"a right that no held role can take", policy.Question{Module: policy.ModUser, Action: policy.Create}, []string{"create_role own", "assign_role c"}},
		{"a sensitive field", policy.Question{Module: policy.ModAccount, Action: policy.View, Field: "idNumber"}, []string{
			"set_field a", "assign_role c + set_field c", // b is predefined, and hides it
		}},
	} {
		var got []string
		for _, way := range policy.Fixes(w.subject("ann"), w.facts("ann"), c.q) {
			got = append(got, briefly(way))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%q\nwant\n%q", c.says, got, c.want)
		}
	}
}

func briefly(way []policy.Change) string {
	var parts []string
	for _, c := range way {
		s := string(c.Kind)
		for _, x := range []string{string(c.Role), c.Scope.String(), string(c.Default)} {
			if x != "" && x != "none" {
				s += " " + x
			}
		}
		parts = append(parts, s)
	}
	slices.Sort(parts)
	return join(parts)
}

func join(parts []string) (out string) {
	for i, p := range parts {
		out += either(i > 0, " + ", "") + p
	}
	return out
}

// TestFixesOfTwoQuestions: a contact is reached with its account; the remedies are for both, and share what they can.
func TestFixesOfTwoQuestions(t *testing.T) {
	w := oneUser(policy.Role{Level: policy.Standard})
	w.roles["b"] = policy.Role{ID: "b", Level: policy.Standard, Grants: []policy.Grant{
		grant(policy.ModAccount, policy.View, policy.All), grant(policy.ModContact, policy.View, policy.All),
	}}
	on := policy.Resource{Tenant: "acme", Owner: "bob"}
	account := policy.Question{Module: policy.ModAccount, Action: policy.View, On: &on}
	contact := policy.Question{Module: policy.ModContact, Action: policy.View, On: &on}
	fixes := policy.Fixes(w.subject("ann"), w.facts("ann"), account, contact)
	if len(fixes) < 3 || briefly(fixes[0]) != "assign_role b" {
		t.Fatalf("%+v", fixes)
	}
	for i, way := range fixes {
		if !w.answers("ann", account, way...) || !w.answers("ann", contact, way...) {
			t.Errorf("denied after %+v", way)
		}
		for _, other := range fixes[i+1:] {
			if fmt.Sprint(way) == fmt.Sprint(other) {
				t.Errorf("%+v twice", way)
			}
		}
	}
}
