package policy_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

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
	chart.Seats = s.DepartmentIDs(policy.Department)
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
