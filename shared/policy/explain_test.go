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

var layers = []policy.LayerName{
	policy.LayerHard, policy.LayerRoles, policy.LayerScope, policy.LayerDefault, policy.LayerCategories, policy.LayerGrants, policy.LayerDenials,
}

// explained holds an explanation to the decision that it explains, and each of its layers to what the oracle says of that layer alone.
func (w *world) explained(s *policy.Subject, q policy.Question, d policy.Decision) error {
	f := w.facts(s.User)
	e, u, r := policy.Explain(s, q, f), s.User, *q.On
	if e.Decision != d || e.Allowed != d.Allowed || e.Rule != d.Rule {
		return fmt.Errorf("explained as %+v, decided %+v", e.Decision, d)
	}
	if len(e.Layers) != len(layers) {
		return fmt.Errorf("%d layers", len(e.Layers))
	}
	verdict, rule := map[policy.LayerName]policy.Verdict{}, 0
	for i, l := range e.Layers {
		if verdict[l.Name] = l.Verdict; l.Name != layers[i] || l.Rule < rule {
			return fmt.Errorf("layer %d is %s of rule %d", i, l.Name, l.Rule)
		}
		rule = l.Rule
	}
	may := slices.ContainsFunc(w.held(u), func(x policy.Role) bool { return w.gives(u, x, q, nil) })
	bars := map[policy.LayerName]bool{
		policy.LayerHard:    r.Tenant != w.tenant.ID || r.Shredded || !w.usable(u, q.Module) || !policy.Declared(q.Module, q.Action),
		policy.LayerRoles:   !may,
		policy.LayerDenials: w.denied(u, q.Module, q.Action, r),
	}
	awake := w.status[u] == principal.UserActive
	bare, category := r, r
	bare.Categories, category.Grants = nil, nil
	opens := map[policy.LayerName]bool{
		policy.LayerScope:      slices.ContainsFunc(w.held(u), func(x policy.Role) bool { return w.gives(u, x, q, &r) }),
		policy.LayerDefault:    w.floored(q.Module, q.Action, r),
		policy.LayerCategories: awake && w.opened(u, q.Module, q.Action, category),
		policy.LayerGrants:     awake && w.opened(u, q.Module, q.Action, bare),
	}
	for l, want := range bars {
		if got := verdict[l]; got != either(want, policy.Barred, policy.Passed) {
			return fmt.Errorf("%s: %s, oracle %v", l, got, want)
		}
	}
	for l, want := range opens {
		if got := verdict[l]; got != either(want, policy.Opened, policy.Silent) {
			return fmt.Errorf("%s: %s, oracle %v", l, got, want)
		}
	}
	if v := verdict[e.Decided]; d.Allowed && v != policy.Opened || !d.Allowed && v == policy.Opened || !d.Allowed && v == policy.Passed {
		return fmt.Errorf("decided by %s, which is %s", e.Decided, v)
	}
	if d.Allowed != (len(e.Fixes) == 0 && !e.Final) && d.Allowed {
		return fmt.Errorf("allowed, and there are remedies: %+v", e.Fixes)
	}
	return w.factsHold(u, &e, r)
}

func either[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}

// gives reports whether the role grants the action, and on r, when given, in a scope that reaches it.
func (w *world) gives(u id.User, x policy.Role, q policy.Question, r *policy.Resource) bool {
	return policy.Declared(q.Module, q.Action) && slices.ContainsFunc(x.Grants, func(g policy.Grant) bool {
		return g.Module == q.Module && g.Action == q.Action && (r == nil || w.reaches(u, g.Scope, *r))
	})
}

// factsHold holds what an explanation shows against the organisation.
func (w *world) factsHold(u id.User, e *policy.Explanation, r policy.Resource) error {
	scope, on, off := e.Layers[2].Scope, 0, 0
	if scope.Needs == policy.Reports {
		line := scope.Line
		if line[0] != r.Owner || line[len(line)-1] != u {
			return fmt.Errorf("line %v from %s to %s", line, r.Owner, u)
		}
		for i := range line[1:] {
			if w.place[line[i]].Manager != line[i+1] {
				return fmt.Errorf("line %v", line)
			}
		}
	}
	if scope.Needs == policy.Department || scope.Needs == policy.Subtree {
		path := scope.Path
		if path[0] != r.Department || !w.sits(u, path[len(path)-1]) || (len(path) == 1) != (scope.Needs == policy.Department) {
			return fmt.Errorf("path %v to reach %s by %s", path, r.Department, scope.Needs)
		}
		for i := range path[1:] {
			if w.parent[path[i]] != path[i+1] || w.sits(u, path[i]) {
				return fmt.Errorf("path %v", path)
			}
		}
	}
	for i, h := range e.Layers[1].Roles {
		if h.Direct != slices.Contains(w.place[u].Roles, h.ID) || h.ID != w.held(u)[i].ID {
			return fmt.Errorf("role %+v", h)
		}
	}
	for _, g := range r.Grants {
		on, off = on+either(g.On != 0, 1, 0), off+either(g.Off != 0, 1, 0)
	}
	for i, n := range map[int]int{5: on, 6: off} {
		l := e.Layers[i]
		if len(l.Grants)+l.Others != n {
			return fmt.Errorf("%s shows %d and counts %d of %d", l.Name, len(l.Grants), l.Others, n)
		}
		for _, g := range l.Grants {
			if r.Grants[g.No-1] != g.RecordGrant || !w.related(u, g) {
				return fmt.Errorf("%s: %+v", l.Name, g)
			}
		}
	}
	if l := e.Layers[4]; len(l.Categories)+l.Others != len(r.Categories) {
		return fmt.Errorf("categories: %+v", l)
	}
	return nil
}

// related holds how a grant is said to be for the user.
func (w *world) related(u id.User, g policy.GrantFact) bool {
	x, isUser := g.To.User()
	d, below, isDept := g.To.Department()
	_, isRole := g.To.Role()
	switch g.As {
	case policy.AsSelf:
		return isUser && x == u
	case policy.InDepartment:
		return isDept && w.sits(u, d)
	case policy.BelowIt:
		return isDept && below && !w.sits(u, d) && w.named(u, g.To)
	case policy.ByRole:
		return isRole && w.named(u, g.To)
	}
	return !w.named(u, g.To) && g.Superiors && w.reportsTo(g.Through, u) && w.named(g.Through, g.To)
}

// TestExplainIsDecide holds C1: in random organisations what is explained is what is decided, and what the oracle says, for every right and
// record; also of fields, and of rights on no particular record. Decide itself is held against the oracle by TestDecideIsTheOracle.
func TestExplainIsDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		u := rapid.SampledFrom(w.users).Draw(t, "who")
		s, f := w.subject(u), w.facts(u)
		for _, m := range someModules {
			for _, a := range someActions {
				for _, name := range []string{"x1", "x2", "x3", "x4"} {
					r := w.records[name]
					q := policy.Question{Module: m, Action: a, On: &r}
					if err := w.explained(s, q, policy.Decide(s, m, a, r)); err != nil {
						t.Fatalf("%s %s %s %+v: %v", u, a, m, r, err)
					}
					q.Field = rapid.SampledFrom(someFields).Draw(t, "field")
					w.fieldExplained(t, s, q)
				}
				e := policy.Explain(s, policy.Question{Module: m, Action: a}, f)
				if may := policy.May(s, m, a); e.Allowed != (may != policy.None) || e.Decision.Scope != may || len(e.Layers) != 2 || e.Rule > 2 {
					t.Fatalf("%s %s %s: %+v, May %s", u, a, m, e, may)
				}
			}
		}
	})
}

func (w *world) fieldExplained(t *rapid.T, s *policy.Subject, q policy.Question) {
	e := policy.Explain(s, q, w.facts(s.User))
	l := e.Layers[len(e.Layers)-1]
	access := w.oracleField(s.User, q.Module, q.Action, q.Field)
	if w.usable(s.User, q.Module) && (l.Access != access || l.Name != policy.LayerField) {
		t.Fatalf("%+v: %s, oracle %s", q, l.Access, access)
	}
	widest := policy.Hidden
	for _, r := range l.Roles {
		if r.Access.AtLeast(widest) {
			widest = r.Access
		}
	}
	if widest != l.Access {
		t.Fatalf("%+v: %s, the widest of the roles is %s", q, l.Access, widest)
	}
	want := w.oracle(s.User, q.Module, q.Action, *q.On)
	enough := l.Access.AtLeast(q.Wants())
	if e.Decision.Allowed != want || e.Allowed != (want && enough) || (e.Decided == policy.LayerField) != (want && !enough) {
		t.Fatalf("%+v: %+v", q, e)
	}
}

// TestExplainingWhatIsBroken: half-built subjects, records that are no one's, rights that do not exist; each is denied, said why, and final.
func TestExplainingWhatIsBroken(t *testing.T) {
	mine := policy.Resource{Tenant: "acme", Owner: "ann"}
	w := oneUser(policy.Role{Grants: everything()})
	view := policy.Question{Module: policy.ModAccount, Action: policy.View, On: &mine}
	for name, c := range map[string]struct {
		spoil  func(*policy.Subject, *policy.Question)
		reason policy.Reason
		final  bool
	}{
		"nobody":             {func(s *policy.Subject, _ *policy.Question) { *s = policy.Subject{} }, policy.NoSubject, true},
		"no rights":          {func(s *policy.Subject, _ *policy.Question) { s.Rights = nil }, policy.NoSubject, true},
		"another's standing": {func(s *policy.Subject, _ *policy.Question) { s.Self.User = "bob" }, policy.NoSubject, true},
		"another's tenant":   {func(s *policy.Subject, _ *policy.Question) { s.Org.ID = "other" }, policy.NoSubject, true},
		"inactive":           {func(s *policy.Subject, _ *policy.Question) { s.Self.Status = principal.UserInactive }, policy.UserNotActive, false},
		"deleted":            {func(s *policy.Subject, _ *policy.Question) { s.Self.Status = principal.UserDeleted }, policy.UserNotActive, true},
		"suspended":          {func(s *policy.Subject, _ *policy.Question) { s.Org.Status = principal.TenantSuspended }, policy.TenantNotActive, false},
		"cancelled":          {func(s *policy.Subject, _ *policy.Question) { s.Org.Status = principal.TenantCancelled }, policy.TenantNotActive, true},
		"off":                {func(s *policy.Subject, _ *policy.Question) { s.Org.Settings.ModulesOff = []string{"account"} }, policy.ModuleOff, false},
		"an unknown action":  {func(_ *policy.Subject, q *policy.Question) { q.Action = "fly" }, policy.UnknownRight, true},
		"an unknown module":  {func(_ *policy.Subject, q *policy.Question) { q.Module, q.Field = "moon", "name" }, policy.UnknownRight, true},
		"foreign":            {func(_ *policy.Subject, q *policy.Question) { q.On = &policy.Resource{Tenant: "other", Owner: "ann"} }, policy.Foreign, true},
		"nobody's":           {func(_ *policy.Subject, q *policy.Question) { q.On = &policy.Resource{Owner: "ann"} }, policy.Foreign, true},
		"shredded":           {func(_ *policy.Subject, q *policy.Question) { q.On = &policy.Resource{Tenant: "acme", Shredded: true} }, policy.Shredded, true},
		"off, on no record": {func(s *policy.Subject, q *policy.Question) {
			s.Org.Settings.ModulesOff, q.On = []string{"account"}, nil
		}, policy.ModuleOff, false},
		"deleted, no record":  {func(s *policy.Subject, q *policy.Question) { s.Self.Status, q.On = principal.UserDeleted, nil }, policy.UserNotActive, true},
		"no rights, a record": {func(s *policy.Subject, q *policy.Question) { s.Rights, q.On = nil, nil }, policy.NoSubject, true},
	} {
		s, q := w.subject("ann"), view
		c.spoil(s, &q)
		e := policy.Explain(s, q, w.facts("ann"))
		if e.Allowed || e.Decided != policy.LayerHard || e.Rule != 1 || !slices.Contains(e.Layers[0].Reasons, c.reason) {
			t.Errorf("%s: %+v", name, e)
		}
		if e.Final != c.final || c.final != (len(e.Fixes) == 0) {
			t.Errorf("%s: final %v, remedies %+v", name, e.Final, e.Fixes)
		}
		if got := policy.Fixes(s, w.facts("ann"), q); c.final != (len(got) == 0) {
			t.Errorf("%s: remedies %+v", name, got)
		}
	}
	if e := policy.Explain(nil, view, policy.Facts{}); e.Allowed || !e.Final {
		t.Errorf("nobody at all: %+v", e)
	}
	if policy.Fixes(nil, policy.Facts{}, view) != nil {
		t.Error("there is a remedy for nobody")
	}
}

// TestTheWayUpIsLost: facts that were read in the middle of a change do not have the way that a compiled right took. What there is is shown.
func TestTheWayUpIsLost(t *testing.T) {
	w := oneUser(policy.Role{Grants: []policy.Grant{grant(policy.ModAccount, policy.View, policy.Reports)}})
	w.users = append(w.users, "bob")
	w.place["bob"] = principal.Place{User: "bob", Manager: "ann"}
	s, f := w.subject("ann"), w.facts("ann")
	on := policy.Resource{Tenant: "acme", Owner: "bob"}
	f.Manager = func(id.User) id.User { return "" }
	e := policy.Explain(s, policy.Question{Module: policy.ModAccount, Action: policy.View, On: &on}, f)
	if !e.Allowed || !slices.Equal(e.Layers[2].Scope.Line, []id.User{"bob"}) {
		t.Errorf("%+v", e)
	}
	f.Manager = func(u id.User) id.User { return u }
	if e := policy.Explain(s, policy.Question{Module: policy.ModAccount, Action: policy.View, On: &on}, f); len(e.Layers[2].Scope.Line) > 1000 {
		t.Error("it does not end")
	}
}
