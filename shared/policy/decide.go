package policy

import (
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
)

// Decision is the answer to one question. Rule is the rule of design §6 that spoke: 1 hard denial, 2 may do, 3 on which, 4 a grant on the
// record, 5 a denial on the record.
type Decision struct {
	Allowed  bool
	Rule     int
	Scope    Scope       // rule 3, when allowed: the narrowest scope that reaches the resource
	Floor    bool        // rule 4: the module's default allows
	Category id.Category // rule 4: the category whose grants allow
	Grant    int         // rules 4 and 5: which of the resource's Grants spoke, from 1; 0 for none
}

// Permission is an action of a module, looked up: what a role grants. The zero Permission is none, and nobody holds it.
type Permission struct{ module, action int8 } // places in the catalogue and in Actions, from 1

// PermissionOf looks the pair up; the zero Permission when the catalogue does not have it.
func PermissionOf(m Module, a Action) Permission {
	mi, ai := moduleIndex.of(string(m)), actionIndex.of(string(a))
	if !declared(mi, ai) {
		return Permission{}
	}
	return Permission{int8(mi + 1), int8(ai + 1)}
}

// Decide says whether the subject may do the action of the module on the resource. A module that the tenant has switched off, and a pair
// that the catalogue does not have, are hard denials. Grants on the record are compared with the time of the request.
func Decide(s *Subject, m Module, a Action, r Resource) Decision {
	var d Decision
	d.decide(s, PermissionOf(m, a), &r, true)
	return d
}

// Allows is Decide's Allowed, for whoever asks it of many records: no name is looked up, nothing is copied, and the scope that reaches is not
// sought where the widest does, which together would take more than half of the time.
func Allows(s *Subject, p Permission, r *Resource) bool {
	var d Decision
	d.decide(s, p, r, false)
	return d.Allowed
}

// decide makes the decision, in place of the zero one. Unless the narrowest scope is wanted, Scope may be a wider one that reaches too.
func (d *Decision) decide(s *Subject, p Permission, r *Resource, narrowest bool) {
	mi, ai := int(p.module)-1, int(p.action)-1
	if mi < 0 || !s.standing() || r.Tenant == "" || r.Tenant != s.Tenant || r.Shredded || off(s, mi) {
		*d = Decision{Rule: 1}
		return
	}
	held := s.scope[mi][ai]
	if held == None {
		*d = Decision{Rule: 2}
		return
	}
	sw := recordActs[mi][ai]
	if no := s.denial(r.Grants, sw.off); no != 0 {
		*d = Decision{Rule: 5, Grant: no}
	} else if held == All && !narrowest {
		*d = Decision{Allowed: true, Rule: 3, Scope: All}
	} else if reached := s.reaching(held, r); reached != None {
		*d = Decision{Allowed: true, Rule: 3, Scope: reached}
	} else if r.Owner != "" && s.floor(mi).opens(Actions[ai]) {
		*d = Decision{Allowed: true, Rule: 4, Floor: true}
	} else if c := s.categorised(r.Categories, sw.on); c != "" {
		*d = Decision{Allowed: true, Rule: 4, Category: c}
	} else if on := s.permit(r.Grants, sw.on); on != 0 {
		*d = Decision{Allowed: true, Rule: 4, Grant: on}
	} else {
		*d = Decision{Rule: 3}
	}
}

// reaching is the narrowest scope up to held that reaches the resource, or None.
func (s *Subject) reaching(held Scope, r *Resource) Scope {
	if r.Owner != "" {
		if r.Owner == s.User {
			return Own
		}
		if held >= Reports {
			if _, ok := s.reports.get(r.Owner); ok {
				return Reports
			}
		}
	}
	if held >= Department && r.Department != "" {
		if len(s.departments) > 0 && r.Department == s.departments[0] {
			return Department
		}
		if needs, ok := s.placed.get(r.Department); ok && held >= needs {
			return needs
		}
	}
	if held == All {
		return All
	}
	return None
}

// May gives the widest scope in which the subject may do the action; None when no role grants it or the module is off.
func May(s *Subject, m Module, a Action) Scope {
	mi, ai := moduleIndex.of(string(m)), actionIndex.of(string(a))
	if !declared(mi, ai) || !s.standing() || off(s, mi) {
		return None
	}
	return s.scope[mi][ai]
}

// Reach is what a list has to read: every resource that Decide allows is reached. All, or the resource's owner is among Owners, or its
// department among Departments, or it is of one of Categories, or has a grant to one of Grantees. What is reached is a candidate: a grant
// may have expired, or switch something else, or a denial may speak.
type Reach struct {
	All         bool
	Owners      []id.User       // the subject first; nil when All or nothing
	Departments []id.Department // the subject's own first
	Seated      []int           // how many users sit in each of Departments; 0 too when nobody knows
	Teams       []Team          // where Owners sit, but for Departments
	Apart       []id.User       // of Owners, those who have left a department once; whoever is neither here nor of Teams or Departments sits nowhere
	People      int             // how many users are Owners or sit in Departments: what they are of all users tells how much is reached by scope
	Categories  []id.Category
	Grantees    []Grantee // the subject first
	Overflowed  []Grantee // of Grantees, those with grants that records keep out of order
	Denying     []Grantee // of Grantees, also when All, those that some record denies something
}

// ReachOf spells out where the subject may do the action. The zero Reach reaches nothing. Do not change the slices.
func ReachOf(s *Subject, m Module, a Action) Reach {
	held := May(s, m, a)
	if held == None {
		return Reach{}
	}
	reach := Reach{All: held == All || s.floored(m, a)}
	sw := actsOf(m, a)
	if sw.off != 0 {
		reach.Grantees, reach.Overflowed, reach.Denying = s.granted, s.overflowed, s.denying
	}
	if reach.All {
		return reach
	}
	for _, c := range s.opened {
		if s.categories[c]&sw.on != 0 {
			reach.Categories = append(reach.Categories, c)
		}
	}
	reach.Owners, reach.People, reach.Apart = s.people, len(s.people), s.apart
	switch held {
	case Own:
		reach.Owners, reach.People = s.people[:1:1], 1
		reach.Apart = reach.Owners
	case Department:
		reach.People = s.near
	case Subtree:
		reach.People = s.under
	}
	reach.Departments = s.DepartmentIDs(held)
	reach.Seated = s.seated[:len(reach.Departments)]
	if held != Own {
		reach.Teams = s.teamsBeyond(held)
	}
	return reach
}

// teamsBeyond are the teams in departments that the scope does not reach.
func (r *Rights) teamsBeyond(held Scope) []Team {
	if held < Department {
		return r.teams
	}
	out := make([]Team, 0, len(r.teams))
	for _, t := range r.teams {
		if needs, ok := r.placed.get(t.Department); !ok || held < needs {
			out = append(out, t)
		}
	}
	return out
}

// Require answers nil when Decide allows. Else it answers NotFound not_found when the subject may not even view the resource, so that
// a foreign record looks like an unknown one, and Denied permission_denied when they may. Where the resource is still to be created
// there is nothing to hide: Denied, unless the module is switched off.
func Require(s *Subject, m Module, a Action, r Resource) error {
	if Allows(s, PermissionOf(m, a), &r) {
		return nil
	}
	if switchedOff(s, m) {
		return errNotFound
	}
	if a == Create || (a != View && Allows(s, PermissionOf(m, View), &r)) {
		return errDenied
	}
	return errNotFound
}

// RequireAny answers nil when May is not None, else Denied permission_denied (NotFound when the module is switched off).
func RequireAny(s *Subject, m Module, a Action) error {
	if May(s, m, a) != None {
		return nil
	}
	if switchedOff(s, m) {
		return errNotFound
	}
	return errDenied
}

func switchedOff(s *Subject, m Module) bool {
	mi := moduleIndex.of(string(m))
	return mi >= 0 && s != nil && off(s, mi)
}

// A refusal says nothing of the resource, so one value of each serves all. Faults are never changed in place.
var (
	errDenied   error = fault.New(fault.Denied, "permission_denied")
	errNotFound error = fault.New(fault.NotFound, "not_found")
	errExceeds  error = fault.New(fault.Denied, "grant_exceeds_own")

	errSelfApproval error = fault.New(fault.Denied, "self_approval")
)

// Field gives the access to a field of the module when doing the action: the widest among the roles that grant the action; for fields
// without a rule Edit, for sensitive ones Hidden. Hidden, too, when no role grants the action. A field is shown when its access for
// View is at least Read (Masked: shown in part), and may be written when its access for Create or Update is Edit.
func (s *Subject) Field(m Module, a Action, field string) Access {
	if May(s, m, a) == None {
		return Hidden
	}
	return s.field(moduleIndex.of(string(m)), actionIndex.of(string(a)), field)
}

// FieldAccess is how far a field is open when doing an action.
type FieldAccess struct {
	Module Module `json:"module"`
	Action Action `json:"action"`
	Field  string `json:"field"`
	Access Access `json:"access"`
}

// Narrowed are the fields that the subject has less than Edit to, for each action that a role grants, in the order of the catalogue. Fields
// that neither a rule of a role nor the catalogue speaks of are open.
func Narrowed(s *Subject) []FieldAccess {
	out := []FieldAccess{}
	for m, e := range catalogue {
		for _, a := range e.Actions {
			if May(s, e.Module, a) == None {
				continue
			}
			for _, f := range s.fields[m] {
				if access := f.access[actionIndex.of(string(a))]; access != Edit {
					out = append(out, FieldAccess{e.Module, a, f.name, access})
				}
			}
		}
	}
	return out
}
