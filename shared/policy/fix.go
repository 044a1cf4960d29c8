package policy

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

// ChangeKind says what a change changes.
type ChangeKind string

// The changes that a remedy may consist of.
const (
	ActivateTenant ChangeKind = "activate_tenant"
	ActivateUser   ChangeKind = "activate_user"
	EnableModule   ChangeKind = "enable_module" // Module
	AssignRole     ChangeKind = "assign_role"   // Role, to the subject
	AddGrant       ChangeKind = "add_grant"     // Module, Action, Scope, to the Role, which the subject holds
	WidenGrant     ChangeKind = "widen_grant"   // the same, where the role has the action in a narrower scope
	CreateRole     ChangeKind = "create_role"   // a new one with Module, Action, Scope for the subject, where no held one can take them
	SetField       ChangeKind = "set_field"     // Module, Field, Access, in the Role; "" is the one that is created beside
	ShareRecord    ChangeKind = "share"         // the record, to the subject, with Acts
	SwitchOn       ChangeKind = "switch_on"     // Acts on the record, for the subject
	LiftSwitch     ChangeKind = "lift_switch"   // Acts that the record's grant No switches off for To
	SetDefault     ChangeKind = "set_default"   // Module, Default
)

// Change is one step of a remedy. Only the members that its kind names are set.
type Change struct {
	Kind    ChangeKind
	Role    id.Role
	Module  Module
	Action  Action
	Scope   Scope
	Field   string
	Access  Access
	Acts    Acts
	No      int
	To      Grantee
	Default Default
}

// supposed is a subject and a record under changes.
type supposed struct {
	s     Subject
	on    *Resource
	roles []Role // held
	f     *Facts
}

// after gives the world with the changes made. Nothing of the given one is touched.
func (w supposed) after(changes ...Change) supposed {
	settings, compile := &w.s.Org.Settings, false
	for _, c := range changes {
		switch c.Kind {
		case ActivateTenant:
			w.s.Org.Status = principal.TenantActive
		case ActivateUser:
			w.s.Self.Status = principal.UserActive
		case EnableModule:
			settings.ModulesOff = slices.DeleteFunc(slices.Clone(settings.ModulesOff), func(m string) bool { return m == string(c.Module) })
		case SetDefault:
			defaults := map[string]string{string(c.Module): string(c.Default)}
			for m, d := range settings.Defaults {
				if m != string(c.Module) {
					defaults[m] = d
				}
			}
			settings.Defaults = defaults
		case ShareRecord:
			w.add(RecordGrant{Kind: KindShare, To: ToUser(w.s.User), On: c.Acts})
		case SwitchOn:
			w.add(RecordGrant{Kind: KindOverride, To: ToUser(w.s.User), On: c.Acts})
		case LiftSwitch:
			w.add()
			w.on.Grants[c.No-1].Off &^= c.Acts
		default:
			w.change(c)
			compile = true
		}
	}
	if compile {
		w.s.Rights = Compile(w.f.Chart, w.roles)
	}
	return w
}

// add gives the record grants of its own, and one more.
func (w *supposed) add(more ...RecordGrant) {
	on := *w.on
	on.Grants = append(slices.Clone(on.Grants), more...)
	w.on = &on
}

// change changes the roles that the subject holds.
func (w *supposed) change(c Change) {
	w.roles = slices.Clone(w.roles)
	g := Grant{Module: c.Module, Action: c.Action, Scope: c.Scope}
	switch c.Kind {
	case AssignRole:
		i := slices.IndexFunc(w.f.Roles, func(r Role) bool { return r.ID == c.Role })
		w.roles = append(w.roles, w.f.Roles[i])
		return
	case CreateRole:
		w.roles = append(w.roles, Role{Grants: []Grant{g}})
		return
	}
	i := slices.IndexFunc(w.roles, func(r Role) bool { return r.ID == c.Role })
	if i < 0 {
		return // a rule in a role that another change gives, and that one is left out
	}
	r := &w.roles[i]
	if c.Kind == SetField {
		r.Fields = slices.DeleteFunc(slices.Clone(r.Fields), func(f FieldRule) bool { return f.Module == c.Module && f.Field == c.Field })
		r.Fields = append(r.Fields, FieldRule{Module: c.Module, Field: c.Field, Access: c.Access})
		return
	}
	r.Grants = append(slices.Clone(r.Grants), g)
}

// answers reports whether all of the questions are answered with yes.
func (w *supposed) answers(qs []Question) bool {
	return !slices.ContainsFunc(qs, func(q Question) bool {
		if q.On != nil {
			q.On = w.on
		}
		return !q.Holds(&w.s)
	})
}

// Fixes gives the remedies that would have all of the questions answered with yes: the smallest first, and of one size those that open
// least: one record, then rights of users, then a rule for the whole tenant. Each is
// a set of changes of which none can be left out. None when the answer is yes already, or when nothing would help. Questions on a record
// are all on the same. Changes of place, manager and department are not thought of, nor are such as break a rule of separation of duty.
func Fixes(s *Subject, f Facts, qs ...Question) [][]Change {
	if s == nil || s.Rights == nil {
		return nil
	}
	w := supposed{s: *s, f: &f}
	for _, q := range qs {
		if final(s, q.reasons(s)) {
			return nil
		}
		if q.On != nil {
			w.on = q.On
		}
	}
	for _, h := range f.Held {
		w.roles = append(w.roles, h.Role)
	}
	if w.answers(qs) {
		return nil
	}
	rules := s.Org.Settings.Separation
	broken := len(Conflicts(w.roles, rules))
	ways := [][]Change{nil}
	for _, q := range qs {
		var longer [][]Change
		for _, way := range ways[:min(len(ways), maxWays)] {
			then := w.after(way...)
			if then.answers([]Question{q}) {
				longer = append(longer, way)
				continue
			}
			for _, more := range then.ways(q) {
				longer = append(longer, slices.Concat(way, more))
			}
		}
		ways = longer
	}
	var out [][]Change
	for _, way := range ways {
		then := w.after(way...)
		if then.answers(qs) && len(Conflicts(then.roles, rules)) <= broken && w.minimal(way, qs) && !slices.ContainsFunc(out, sameAs(way)) {
			out = append(out, way)
		}
	}
	slices.SortStableFunc(out, func(a, b []Change) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(w.width(a), w.width(b)), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	return out
}

// maxWays bounds how many remedies of one question are tried with those of the next.
const maxWays = 64

// minimal reports that none of the changes can be left out.
func (w supposed) minimal(way []Change, qs []Question) bool {
	for i := range way {
		less := w.after(slices.Delete(slices.Clone(way), i, i+1)...)
		if less.answers(qs) {
			return false
		}
	}
	return true
}

func sameAs(a []Change) func([]Change) bool {
	return func(b []Change) bool {
		return len(a) == len(b) && !slices.ContainsFunc(a, func(c Change) bool { return !slices.Contains(b, c) })
	}
}

// width says how much the changes open: first whether the record, rights of users or a rule for the whole tenant, then how much of it: scopes
// are steps, and what a role gains counts for each of its holders.
func (w *supposed) width(way []Change) []int {
	what, much := 0, 0
	for _, c := range way {
		of, n := 1, bits.OnesCount8(uint8(c.Acts))
		switch c.Kind {
		case ActivateUser:
			of = 2
		case CreateRole:
			of, n = 2, int(c.Scope)
		case AssignRole:
			of = 2
			i := slices.IndexFunc(w.f.Roles, func(r Role) bool { return r.ID == c.Role })
			for _, g := range w.f.Roles[i].Grants {
				has := (&Question{Module: g.Module, Action: g.Action}).held(&w.s)
				n += max(0, int(g.Scope)-int(has))
			}
		case AddGrant, WidenGrant, SetField:
			of, n = 2, (int(c.Scope)+c.Access.rank())*w.f.Holders(c.Role)
		case ActivateTenant, EnableModule, SetDefault:
			of = 3
		}
		what, much = max(what, of), much+n
	}
	return []int{what, much}
}
