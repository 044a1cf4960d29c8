package policy_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// oracle answers by the words of the requirement, one grant after the other, with nothing compiled: the slow and plain double of Decide.
func (w *world) oracle(u id.User, m policy.Module, a policy.Action, r policy.Resource) bool {
	if r.Tenant != w.tenant.ID || !w.usable(u, m) {
		return false
	}
	for _, role := range w.held(u) {
		for _, g := range role.Grants {
			if g.Module == m && g.Action == a && policy.Declared(m, a) && w.reaches(u, g.Scope, r) {
				return true
			}
		}
	}
	return false
}

func (w *world) usable(u id.User, m policy.Module) bool {
	off := slices.Contains(w.tenant.Settings.ModulesOff, string(m)) && !policy.Core(m)
	return w.tenant.Status == principal.TenantActive && w.status[u] == principal.UserActive && !off
}

func (w *world) reaches(u id.User, s policy.Scope, r policy.Resource) bool {
	mine := w.place[u].Department
	switch s {
	case policy.Own:
		return r.Owner == u
	case policy.Reports:
		return w.reaches(u, policy.Own, r) || r.Owner != "" && w.reportsTo(r.Owner, u)
	case policy.Department:
		return w.reaches(u, policy.Reports, r) || mine != "" && r.Department == mine
	case policy.Subtree:
		return w.reaches(u, policy.Department, r) || mine != "" && r.Department != "" && w.below(r.Department, mine)
	}
	return s == policy.All
}

var order = []policy.Access{policy.Hidden, policy.Masked, policy.Read, policy.Edit}

func (w *world) oracleField(u id.User, m policy.Module, a policy.Action, field string) policy.Access {
	best := policy.Hidden
	if !w.usable(u, m) {
		return best
	}
	for _, role := range w.held(u) {
		for _, g := range role.Grants {
			if g.Module == m && g.Action == a && policy.Declared(m, a) {
				if got := roleField(role, m, field); slices.Index(order, got) > slices.Index(order, best) {
					best = got
				}
			}
		}
	}
	return best
}

func roleField(role policy.Role, m policy.Module, field string) policy.Access {
	parts := strings.Split(field, ".")
	for n := len(parts); n > 0; n-- {
		for _, f := range role.Fields {
			if f.Module == m && f.Field == strings.Join(parts[:n], ".") {
				return f.Access
			}
		}
	}
	if parts[0] == "idNumber" && (m == policy.ModAccount || m == policy.ModContact) {
		return policy.Hidden
	}
	return policy.Edit
}

// What is drawn: few names, so that they meet.
var (
	someModules = []policy.Module{policy.ModAccount, policy.ModContact, policy.ModUser, policy.ModRole, policy.ModOrder}
	someActions = []policy.Action{policy.View, policy.Create, policy.Update, policy.Delete, policy.Approve}
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
	}
	for _, name := range []string{"r1", "r2", "r3"} {
		w.roles[id.Role(name)] = drawRole(t, name)
	}
	for i, u := range people[1:] {
		w.users = append(w.users, u)
		w.status[u] = principal.UserActive
		p := principal.Place{User: u, Active: true}
		p.Department = rapid.SampledFrom(departments).Draw(t, "department")
		p.Manager = rapid.SampledFrom(people[:i+1]).Draw(t, "manager")
		p.Roles = rapid.SliceOfNDistinct(rapid.SampledFrom([]id.Role{"r1", "r2", "r3"}), 0, 3, rapid.ID[id.Role]).Draw(t, "roles")
		w.place[u] = p
	}
	if rapid.IntRange(0, 4).Draw(t, "off") == 0 {
		w.tenant.Settings.ModulesOff = []string{string(rapid.SampledFrom(someModules).Draw(t, "module"))}
	}
	return w
}

func everyResource(w *world, f func(policy.Resource)) {
	for _, o := range people {
		for _, d := range departments {
			f(policy.Resource{Tenant: w.tenant.ID, Owner: o, Department: d})
		}
	}
}

// TestDecideIsTheOracle holds Decide, Field and all that must agree with them against the oracle in random organisations (R05, I4 at this
// layer).
func TestDecideIsTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		u := rapid.SampledFrom(w.users).Draw(t, "who")
		s := w.subject(u)
		for _, m := range someModules {
			for _, a := range someActions {
				everyResource(w, func(r policy.Resource) {
					if got, want := policy.Decide(s, m, a, r).Allowed, w.oracle(u, m, a, r); got != want {
						t.Fatalf("%s %s %s %+v: %v, oracle %v", u, a, m, r, got, want)
					}
					if err := agree(s, m, a, r); err != nil {
						t.Fatalf("%s %s %s %+v: %v", u, a, m, r, err)
					}
				})
				for _, f := range someFields {
					if got, want := s.Field(m, a, f), w.oracleField(u, m, a, f); got != want {
						t.Fatalf("%s %s %s.%s: %s, oracle %s", u, a, m, f, got, want)
					}
				}
			}
		}
	})
}

// TestMoreNeverShowsLess is I6: one more grant, or one more role, hides no record and narrows no field; and each scope reaches what the
// one before it reaches.
func TestMoreNeverShowsLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		u := rapid.SampledFrom(w.users).Draw(t, "who")
		before := w.subject(u)
		p := w.place[u]
		if rapid.Bool().Draw(t, "a role more") {
			w.roles["more"] = drawRole(t, "more")
		} else {
			r := policy.Role{ID: "more"}
			if len(p.Roles) > 0 {
				r = w.roles[p.Roles[0]]
				p.Roles = slices.Clone(p.Roles[1:])
			}
			r.Grants = append(slices.Clone(r.Grants), drawGrant(t))
			w.roles["more"] = r
		}
		p.Roles = append(slices.Clone(p.Roles), "more")
		w.place[u] = p
		after := w.subject(u)
		for _, m := range someModules {
			for _, a := range someActions {
				everyResource(w, func(r policy.Resource) {
					if policy.Decide(before, m, a, r).Allowed && !policy.Decide(after, m, a, r).Allowed {
						t.Fatalf("%s lost %s %s %+v", u, a, m, r)
					}
				})
				for _, f := range someFields {
					if !after.Field(m, a, f).AtLeast(before.Field(m, a, f)) {
						t.Fatalf("%s %s %s.%s narrowed", u, a, m, f)
					}
				}
			}
		}
		everyResource(w, func(r policy.Resource) {
			for i, wide := range policy.Scopes[1:] {
				if w.scoped(u, policy.Scopes[i], r) && !w.scoped(u, wide, r) {
					t.Fatalf("%s: %s reaches %+v and %s does not", u, policy.Scopes[i], r, wide)
				}
			}
		})
	})
}

// scoped asks Decide of the user with this scope of view of accounts and nothing else.
func (w *world) scoped(u id.User, scope policy.Scope, r policy.Resource) bool {
	s := *w.subject(u)
	s.Org.Settings.ModulesOff = nil
	chart := policy.Chart{User: u, Department: s.Self.Department, Reports: s.ReportIDs()}
	if all := s.DepartmentIDs(policy.Subtree); len(all) > 0 {
		chart.Below = all[1:]
	}
	s.Rights = policy.Compile(chart, []policy.Role{{Grants: []policy.Grant{{Module: policy.ModAccount, Action: policy.View, Scope: scope}}}})
	return policy.Decide(&s, policy.ModAccount, policy.View, r).Allowed
}

// TestNobodyGrantsMore is I8: what CanGrant lets pass gives its holder, at the granter's own place, nothing that the granter lacks; and what
// the granter holds they may give.
func TestNobodyGrantsMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		u := rapid.SampledFrom(w.users).Draw(t, "who")
		s := w.subject(u)
		given := drawRole(t, "given")
		w.roles["given"] = given
		allowed := policy.CanGrant(s, given.Grants, given.Fields) == nil
		p := w.place[u]
		p.Roles = []id.Role{"given"}
		w.place[u] = p
		holder := w.subject(u)
		holder.Org.Settings.ModulesOff = nil // rights in a module that is off sleep; they may not be given meanwhile either
		for _, m := range someModules {
			for _, a := range someActions {
				if allowed && policy.May(holder, m, a) > policy.May(s, m, a) {
					t.Fatalf("gave %s of %s: %s, held %s", a, m, policy.May(holder, m, a), policy.May(s, m, a))
				}
				for _, f := range someFields {
					if allowed && !s.Field(m, a, f).AtLeast(holder.Field(m, a, f)) {
						t.Fatalf("gave %s %s.%s: %s, held %s", a, m, f, holder.Field(m, a, f), s.Field(m, a, f))
					}
				}
			}
		}
		if held := policy.Held(s); len(held) > 0 {
			g := rapid.SampledFrom(held).Draw(t, "own grant")
			var narrowed []policy.FieldRule // every field of the module, hidden: less than anybody has
			for _, f := range append(fieldsOf(g.Module), someFields...) {
				narrowed = append(narrowed, policy.FieldRule{Module: g.Module, Field: f, Access: policy.Hidden})
			}
			if err := policy.CanGrant(s, []policy.Grant{g}, narrowed); err != nil {
				t.Fatalf("may not give %+v: %v", g, err)
			}
		}
	})
}

func fieldsOf(m policy.Module) []string {
	for _, e := range policy.Catalogue() {
		if e.Module == m {
			return e.Fields
		}
	}
	return nil
}
