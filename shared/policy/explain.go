package policy

import (
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

// Question is what an explanation answers: may the subject do the action of the module, on a record, to a field of it.
type Question struct {
	Module Module
	Action Action
	Field  string    // "" when no field is asked about
	On     *Resource // nil: whether at all, on no particular record
}

// Wants is the access to the field that the action needs: edit to create and to edit, read for all others.
func (q *Question) Wants() Access {
	if q.Action == Create || q.Action == Update {
		return Edit
	}
	return Read
}

// HeldRole is a role of the subject, and how they come by it.
type HeldRole struct {
	Role
	Direct bool
	Posts  []id.Post // those that bring it
}

// Facts are what an explanation shows besides what a decision needs. Chart and Held are those that the subject's rights were compiled from.
type Facts struct {
	Chart   Chart
	Held    []HeldRole
	Roles   []Role                            // of the tenant: those that a remedy may name. What is held is left out of account
	Holders func(id.Role) int                 // how many users hold a role
	Manager func(id.User) id.User             // "" for none
	Parent  func(id.Department) id.Department // "" for none
	Through func(Grantee) id.User             // an active user who reports to the subject and is one of the grantee; "" for none
}

// LayerName names a layer of the decision.
type LayerName string

// The layers, in the order of the rules of design §6.
const (
	LayerHard       LayerName = "hard"    // rule 1
	LayerRoles      LayerName = "roles"   // rule 2
	LayerScope      LayerName = "scope"   // rule 3
	LayerDefault    LayerName = "default" // rule 4, as are the two that follow
	LayerCategories LayerName = "categories"
	LayerGrants     LayerName = "grants"
	LayerDenials    LayerName = "denials" // rule 5
	LayerField      LayerName = "field"   // rule 6
)

// Verdict is what a layer says by itself, whatever the others say.
type Verdict string

// The verdicts. Hard, roles, denials and field pass or deny; the others open the record or are silent about it.
const (
	Passed Verdict = "passed"
	Barred Verdict = "denied"
	Opened Verdict = "opened"
	Silent Verdict = "silent"
)

// Reason is a hard denial.
type Reason string

// The hard denials.
const (
	UnknownRight    Reason = "unknown_right" // the catalogue does not have it
	NoSubject       Reason = "no_subject"    // nobody, the system, or rows that do not belong together
	TenantNotActive Reason = "tenant_not_active"
	UserNotActive   Reason = "user_not_active"
	ModuleOff       Reason = "module_off"
	Foreign         Reason = "foreign"  // another tenant's record
	Shredded        Reason = "shredded" // its key was destroyed
)

// Relation is how a subject is one of those whom a grant is for.
type Relation string

// The relations.
const (
	AsSelf       Relation = "self"
	InDepartment Relation = "department" // sits in it
	BelowIt      Relation = "below"      // sits somewhere under it
	ByRole       Relation = "role"
	ByReport     Relation = "report" // an active user who reports to the subject is
)

// GrantState says whether a grant counts.
type GrantState string

// The states of a grant.
const (
	Live    GrantState = "live"
	Expired GrantState = "expired"
	Asleep  GrantState = "asleep" // the subject is not active
)

// RoleFact is a held role, as far as the question goes.
type RoleFact struct {
	HeldRole
	Scope  Scope  // in which it grants the action; None when it does not
	Access Access // to the field, when one is asked about and the role grants the action
	Rule   string // the field whose rule gives that access; "" when it is the catalogue's
}

// ScopeFact is how far the roles reach and how far they would have to.
type ScopeFact struct {
	Held  Scope           // the widest
	Needs Scope           // the narrowest that reaches the record
	Line  []id.User       // Needs is Reports: from the owner up to the subject
	Path  []id.Department // Needs is Department or Subtree: from the record's up to one that the subject sits in
}

// GrantFact is a grant that is for the subject.
type GrantFact struct {
	RecordGrant
	No      int // its place among the record's grants, from 1; 0 for a category's
	As      Relation
	Through id.User // As is ByReport
	State   GrantState
	Speaks  bool // opens the record for the action, or of a denial closes it
}

// CategoryFact is a category of the record with grants that are for the subject.
type CategoryFact struct {
	Category id.Category
	Grants   []GrantFact
}

// Layer is what one layer says and from what. Only the facts of its kind are set.
type Layer struct {
	Name       LayerName
	Rule       int
	Verdict    Verdict
	Reasons    []Reason
	Roles      []RoleFact // also of the field layer: those that grant the action
	Scope      ScopeFact
	Default    Default
	Categories []CategoryFact
	Grants     []GrantFact
	Others     int // grants or categories of the record that are not for the subject
	Field      string
	Access     Access
	Sensitive  bool // the field is hidden unless a rule shows it
}

// Explanation is the answer to a question with all that it rests on.
type Explanation struct {
	Decision Decision // Decide's; without a record: rule 1 or 2, and the widest scope
	Allowed  bool     // Decision's, unless the field is narrower than the action needs
	Rule     int      // Decision's, or 6 when the field decides
	Decided  LayerName
	Layers   []Layer    // all of them, in order; without a record the first two, and the field's when one is asked about
	Fixes    [][]Change // when denied: see Fixes
	Final    bool       // denied, and no change of rights would help
}

// Explain answers the question and says why. Its verdict is Decide's: every layer is shown with its own, also those behind the one that
// decided.
func Explain(s *Subject, q Question, f Facts) Explanation {
	if s == nil {
		s = new(Subject)
	}
	e := Explanation{Decision: q.decide(s)}
	reasons := q.reasons(s)
	if s.Rights == nil {
		c := *s
		c.Rights, s = new(Rights), &c
	}
	e.Layers = append(e.Layers, hardLayer(reasons), q.rolesLayer(f))
	if q.On != nil {
		e.Layers = append(e.Layers, q.scopeLayer(s, f), q.defaultLayer(s), q.categoriesLayer(s, f), q.grantsLayer(s, f), q.denialsLayer(s, f))
	}
	e.Allowed, e.Rule, e.Decided = e.Decision.Allowed, e.Decision.Rule, e.Decision.layer()
	if q.Field != "" {
		l := q.fieldLayer(s, f)
		e.Layers = append(e.Layers, l)
		if e.Allowed && l.Verdict == Barred {
			e.Allowed, e.Rule, e.Decided = false, l.Rule, l.Name
		}
	}
	if e.Final = !e.Allowed && final(s, reasons); !e.Allowed && !e.Final {
		e.Fixes = Fixes(s, f, q)
	}
	return e
}

// layer is the one that spoke.
func (d Decision) layer() LayerName {
	switch {
	case d.Floor:
		return LayerDefault
	case d.Category != "":
		return LayerCategories
	}
	return [...]LayerName{1: LayerHard, LayerRoles, LayerScope, LayerGrants, LayerDenials}[d.Rule]
}

// decide is Decide's answer, or without a record what the first two rules say.
func (q *Question) decide(s *Subject) Decision {
	if q.On != nil {
		return Decide(s, q.Module, q.Action, *q.On)
	}
	if len(q.reasons(s)) > 0 {
		return Decision{Rule: 1}
	}
	held := q.held(s)
	return Decision{Allowed: held != None, Rule: 2, Scope: held}
}

// Holds reports whether the question is answered with yes.
func (q *Question) Holds(s *Subject) bool {
	return q.decide(s).Allowed && (q.Field == "" || s.Field(q.Module, q.Action, q.Field).AtLeast(q.Wants()))
}

// held is the widest scope of the action among the roles, whatever else may be in the way.
func (q *Question) held(s *Subject) Scope {
	if s.Rights == nil || !Declared(q.Module, q.Action) {
		return None
	}
	return s.scope[moduleIndex.of(string(q.Module))][actionIndex.of(string(q.Action))]
}

func (q *Question) reasons(s *Subject) (out []Reason) {
	is := func(r Reason, yes bool) {
		if yes {
			out = append(out, r)
		}
	}
	is(UnknownRight, !Declared(q.Module, q.Action))
	is(NoSubject, s.Rights == nil || s.User == "" || s.Self.User != s.User || s.Org.ID != s.Tenant)
	is(TenantNotActive, s.Org.Status != principal.TenantActive)
	is(UserNotActive, s.Self.Status != principal.UserActive)
	is(ModuleOff, switchedOff(s, q.Module))
	is(Foreign, q.On != nil && (q.On.Tenant == "" || q.On.Tenant != s.Tenant))
	is(Shredded, q.On != nil && q.On.Shredded)
	return out
}

// final reports that nothing a tenant can change takes the denial away.
func final(s *Subject, reasons []Reason) bool {
	return s.Org.Status == principal.TenantCancelled || s.Self.Status == principal.UserDeleted ||
		slices.ContainsFunc(reasons, func(r Reason) bool { return r == UnknownRight || r == NoSubject || r == Foreign || r == Shredded })
}

// grants is the widest scope in which the role grants the action.
func (q *Question) grants(r *Role) Scope {
	widest := None
	for _, g := range r.Grants {
		if g.Module == q.Module && g.Action == q.Action && g.Scope <= All && Declared(q.Module, q.Action) {
			widest = max(widest, g.Scope)
		}
	}
	return widest
}

// spoke is the field whose rule says what the role's access to the field is; "" when none does.
func spoke(m Module, rules []FieldRule, field string) string {
	for name := field; name != ""; {
		if slices.ContainsFunc(rules, func(r FieldRule) bool { return r.Module == m && r.Field == name }) {
			return name
		}
		name = name[:max(strings.LastIndexByte(name, '.'), 0)]
	}
	return ""
}
