package policy

import (
	"slices"

	"github.com/steward-crm/steward/shared/principal"
)

// ways are candidates for what would have the question answered with yes in this world. Whether each does, and needs all of its changes, is
// for the caller to try.
func (w supposed) ways(q Question) [][]Change {
	if q.On != nil {
		q.On = w.on
	}
	var first []Change
	if w.s.Org.Status != principal.TenantActive {
		first = append(first, Change{Kind: ActivateTenant})
	}
	if w.s.Self.Status != principal.UserActive {
		first = append(first, Change{Kind: ActivateUser})
	}
	if switchedOff(&w.s, q.Module) {
		first = append(first, Change{Kind: EnableModule, Module: q.Module})
	}
	var out [][]Change
	for _, rights := range w.rights(&q) {
		for _, record := range w.record(&q) {
			way := slices.Concat(first, rights, record)
			then := w.after(way...)
			way = append(way, then.lifts(&q)...)
			out = append(out, way)
			for _, field := range then.fields(&q) {
				out = append(out, append(slices.Clone(way), field))
			}
		}
	}
	return out
}

// rights are what may be changed of the roles that the subject holds; the first is nothing.
func (w supposed) rights(q *Question) [][]Change {
	out := [][]Change{nil}
	for i := range w.f.Roles {
		r := &w.f.Roles[i]
		if !w.holds(r) && q.grants(r) != None {
			out = append(out, []Change{{Kind: AssignRole, Role: r.ID}})
		}
	}
	scopes := []Scope{narrowest(q.Module, Own)}
	if q.On != nil {
		if needs := narrowest(q.Module, w.s.reaching(All, q.On)); needs != scopes[0] {
			scopes = append(scopes, needs)
		}
	}
	for _, scope := range scopes {
		g, taken := Grant{Module: q.Module, Action: q.Action, Scope: scope}, false
		for i := range w.roles {
			r := &w.roles[i]
			if r.Predefined || r.ID == "" || !LevelAllows(r.Level, g) {
				continue
			}
			taken = true
			c := Change{Kind: AddGrant, Role: r.ID, Module: g.Module, Action: g.Action, Scope: scope}
			switch has := q.grants(r); {
			case has >= scope:
				continue
			case has != None:
				c.Kind = WidenGrant
			}
			out = append(out, []Change{c})
		}
		if !taken {
			out = append(out, []Change{{Kind: CreateRole, Module: g.Module, Action: g.Action, Scope: scope}})
		}
	}
	return out
}

func (w *supposed) holds(r *Role) bool {
	return slices.ContainsFunc(w.roles, func(h Role) bool { return h.ID == r.ID })
}

// narrowest is the narrowest scope of the module that is as wide as the one given.
func narrowest(m Module, s Scope) Scope {
	for s < All && !DeclaredScope(m, s) {
		s++
	}
	return s
}

// record are what may be changed to open the record beyond what scopes reach; the first is nothing.
func (w supposed) record(q *Question) [][]Change {
	out := [][]Change{nil}
	if q.On == nil {
		return out
	}
	switch on := actsOf(q.Module, q.Action).on; {
	case on&ActView != 0:
		out = append(out, []Change{{Kind: ShareRecord, Acts: ActView}})
	case on&ActEdit != 0:
		out = append(out, []Change{{Kind: ShareRecord, Acts: ActView | ActEdit}})
	case on != 0:
		out = append(out, []Change{{Kind: SwitchOn, Acts: on}})
	}
	for _, d := range Defaults {
		if HasDefault(q.Module) && d.opens(q.Action) {
			return append(out, []Change{{Kind: SetDefault, Module: q.Module, Default: d}})
		}
	}
	return out
}

// lifts are the switches of the record that deny the action to the subject.
func (w supposed) lifts(q *Question) (out []Change) {
	if q.On == nil {
		return nil
	}
	off := actsOf(q.Module, q.Action).off
	for i := range w.on.Grants {
		if g := &w.on.Grants[i]; g.Off&off != 0 && g.live(&w.s) && w.s.direct(g.To) {
			out = append(out, Change{Kind: LiftSwitch, No: i + 1, To: g.To, Acts: g.Off & off})
		}
	}
	return out
}

// fields are the rules that would open the field, one in each role that grants the action.
func (w supposed) fields(q *Question) (out []Change) {
	if q.Field == "" {
		return nil
	}
	for i := range w.roles {
		if r := &w.roles[i]; !r.Predefined && q.grants(r) != None {
			out = append(out, Change{Kind: SetField, Role: r.ID, Module: q.Module, Field: q.Field, Access: q.Wants()})
		}
	}
	return out
}
