package policy

import (
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

func hardLayer(reasons []Reason) Layer {
	l := Layer{Name: LayerHard, Rule: 1, Verdict: Passed, Reasons: reasons}
	if len(reasons) > 0 {
		l.Verdict = Barred
	}
	return l
}

func (q *Question) rolesLayer(f Facts) Layer {
	l := Layer{Name: LayerRoles, Rule: 2, Verdict: Barred}
	for _, h := range f.Held {
		fact := RoleFact{HeldRole: h, Scope: q.grants(&h.Role)}
		if fact.Scope != None {
			l.Verdict = Passed
		}
		l.Roles = append(l.Roles, fact)
	}
	return l
}

func (q *Question) scopeLayer(s *Subject, f Facts) Layer {
	l := Layer{Name: LayerScope, Rule: 3, Verdict: Silent, Scope: ScopeFact{Held: q.held(s), Needs: s.reaching(All, q.On)}}
	if l.Scope.Needs <= l.Scope.Held {
		l.Verdict = Opened
	}
	switch l.Scope.Needs {
	case Reports:
		l.Scope.Line = climb(q.On.Owner, f.Manager, func(u id.User) bool { return u == s.User })
	case Department, Subtree:
		l.Scope.Path = climb(q.On.Department, f.Parent, func(d id.Department) bool { needs, _ := s.placed.get(d); return needs == Department })
	}
	return l
}

// climb gives the way up from a to where it is the top. There is one: reaching has found it.
func climb[K ~string](a K, up func(K) K, top func(K) bool) []K {
	line := []K{a}
	for !top(a) && len(line) < 1000 { // an organisation that was caught in the middle of a change may have lost the way
		if a = up(a); a == "" {
			break
		}
		line = append(line, a)
	}
	return line
}

func (q *Question) defaultLayer(s *Subject) Layer {
	l := Layer{Name: LayerDefault, Rule: 4, Verdict: Silent, Default: s.defaultOf(q.Module)}
	if s.floored(q.Module, q.Action) && q.On.Owner != "" {
		l.Verdict = Opened
	}
	return l
}

func (s *Subject) defaultOf(m Module) Default {
	if d := Default(s.Org.Settings.Defaults[string(m)]); d != "" {
		return d
	}
	return Private
}

func (q *Question) categoriesLayer(s *Subject, f Facts) Layer {
	l := Layer{Name: LayerCategories, Rule: 4, Verdict: Silent}
	for _, c := range q.On.Categories {
		fact := CategoryFact{Category: c}
		for _, g := range f.Chart.Categories {
			if g.Category != c || !s.meets(g.To, g.Superiors) {
				continue
			}
			one := q.fact(s, f, 0, RecordGrant{To: g.To, On: g.On, Superiors: g.Superiors})
			fact.Grants = append(fact.Grants, one)
			if one.Speaks {
				l.Verdict = Opened
			}
		}
		if fact.Grants == nil {
			l.Others++
			continue
		}
		l.Categories = append(l.Categories, fact)
	}
	return l
}

func (q *Question) grantsLayer(s *Subject, f Facts) Layer {
	l := Layer{Name: LayerGrants, Rule: 4, Verdict: Silent}
	for i, g := range q.On.Grants {
		switch {
		case g.On == 0:
		case !s.meets(g.To, g.Superiors):
			l.Others++
		default:
			one := q.fact(s, f, i+1, g)
			l.Grants = append(l.Grants, one)
			if one.Speaks {
				l.Verdict = Opened
			}
		}
	}
	return l
}

func (q *Question) denialsLayer(s *Subject, f Facts) Layer {
	l := Layer{Name: LayerDenials, Rule: 5, Verdict: Passed}
	for i, g := range q.On.Grants {
		switch {
		case g.Off == 0:
		case !s.direct(g.To):
			l.Others++
		default:
			one := q.fact(s, f, i+1, g)
			one.Speaks = one.State != Expired && g.Off&actsOf(q.Module, q.Action).off != 0
			l.Grants = append(l.Grants, one)
			if one.Speaks {
				l.Verdict = Barred
			}
		}
	}
	return l
}

// fact says how a grant that is for the subject is so, and whether its on opens the record.
func (q *Question) fact(s *Subject, f Facts, no int, g RecordGrant) GrantFact {
	one := GrantFact{RecordGrant: g, No: no, State: Live}
	one.As, one.Through = s.relation(f, g.To)
	if s.Self.Status != principal.UserActive {
		one.State = Asleep
	}
	if !g.live(s) {
		one.State = Expired
	}
	one.Speaks = one.State == Live && g.On&actsOf(q.Module, q.Action).on != 0
	return one
}

// relation says how the subject is one of the grantee. The subject is, or one of their active reports.
func (s *Subject) relation(f Facts, to Grantee) (Relation, id.User) {
	if !s.direct(to) {
		return ByReport, f.Through(to)
	}
	if _, ok := to.User(); ok {
		return AsSelf, ""
	}
	if _, ok := to.Role(); ok {
		return ByRole, ""
	}
	d, _, _ := to.Department()
	if needs, _ := s.placed.get(d); needs != Department {
		return BelowIt, ""
	}
	return InDepartment, ""
}

func (q *Question) fieldLayer(s *Subject, f Facts) Layer {
	l := Layer{Name: LayerField, Rule: 6, Verdict: Barred, Field: q.Field, Access: Hidden}
	if !Declared(q.Module, q.Action) {
		return l
	}
	m := moduleIndex.of(string(q.Module))
	l.Sensitive = fallback(m, q.Field) == Hidden
	for _, h := range f.Held {
		scope := q.grants(&h.Role)
		if scope == None {
			continue
		}
		l.Roles = append(l.Roles, RoleFact{
			HeldRole: h, Scope: scope, Access: ruled(m, h.Fields, q.Field), Rule: spoke(q.Module, h.Fields, q.Field),
		})
		l.Access = s.field(m, actionIndex.of(string(q.Action)), q.Field)
	}
	if l.Access.AtLeast(q.Wants()) {
		l.Verdict = Passed
	}
	return l
}
