package policy_test

import (
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// oracle answers by the words of the requirement, one grant after the other, with nothing compiled: the slow and plain double of Decide.
func (w *world) oracle(u id.User, m policy.Module, a policy.Action, r policy.Resource) bool {
	if r.Tenant != w.tenant.ID || r.Shredded || !w.usable(u, m) {
		return false
	}
	may, reached := false, false
	for _, role := range w.held(u) {
		for _, g := range role.Grants {
			if g.Module == m && g.Action == a && policy.Declared(m, a) {
				may = true
				reached = reached || w.reaches(u, g.Scope, r)
			}
		}
	}
	return may && !w.denied(u, m, a, r) && (reached || w.floored(m, a, r) || w.opened(u, m, a, r))
}

func (w *world) usable(u id.User, m policy.Module) bool {
	off := slices.Contains(w.tenant.Settings.ModulesOff, string(m)) && !policy.Core(m)
	return w.tenant.Status == principal.TenantActive && w.status[u] == principal.UserActive && !off
}

func (w *world) reaches(u id.User, s policy.Scope, r policy.Resource) bool {
	switch s {
	case policy.Own:
		return r.Owner == u
	case policy.Reports:
		return w.reaches(u, policy.Own, r) || r.Owner != "" && w.reportsTo(r.Owner, u)
	case policy.Department:
		return w.reaches(u, policy.Reports, r) || w.sits(u, r.Department)
	case policy.Subtree:
		for d := r.Department; d != ""; d = w.parent[d] {
			if w.sits(u, d) {
				return true
			}
		}
		return w.reaches(u, policy.Department, r)
	}
	return s == policy.All
}

// ofAccounts are the modules whose records are accounts or parts of them.
var ofAccounts = []policy.Module{policy.ModAccount, policy.ModContact, policy.ModNote, policy.ModReminder}

// opening is the switch that must be on for a record grant to give the action; 0 when no record grant gives it.
func opening(m policy.Module, a policy.Action) policy.Acts {
	if !slices.Contains(ofAccounts, m) {
		return 0
	}
	switch a {
	case policy.View, policy.Comment:
		return policy.ActView
	case policy.Update:
		return policy.ActEdit
	case policy.Create:
		if m != policy.ModAccount {
			return policy.ActEdit // a part of the account is made by changing the account
		}
	case policy.Delete:
		if m == policy.ModAccount {
			return policy.ActDelete
		}
		return policy.ActEdit
	}
	return 0
}

// closing are the switches any of which denies the action when off: without the sight of a record nothing is done with it.
func closing(m policy.Module, a policy.Action) policy.Acts {
	if !slices.Contains(ofAccounts, m) || !policy.Declared(m, a) || m == policy.ModAccount && a == policy.Create {
		return 0
	}
	out := policy.ActView | opening(m, a)
	if a == policy.Delete {
		out |= policy.ActDelete
	}
	return out
}

// named reports whether the user is one of those whom the grantee names.
func (w *world) named(u id.User, g policy.Grantee) bool {
	if x, ok := g.User(); ok {
		return x == u
	}
	if r, ok := g.Role(); ok {
		return slices.ContainsFunc(w.held(u), func(h policy.Role) bool { return h.ID == r })
	}
	d, below, _ := g.Department()
	if w.sits(u, d) {
		return true
	}
	for x := range w.parent {
		if below && w.sits(u, x) && w.below(x, d) {
			return true
		}
	}
	return false
}

// met reports whether a grant reaches the user: it names them, or with superiors somebody active below them.
func (w *world) met(u id.User, g policy.Grantee, superiors bool) bool {
	return w.named(u, g) || superiors && slices.ContainsFunc(w.users, func(x id.User) bool {
		return w.reportsTo(x, u) && w.status[x] == principal.UserActive && w.named(x, g)
	})
}

func (w *world) counts(g policy.RecordGrant) bool { return g.Expires == 0 || w.now < g.Expires }

func (w *world) denied(u id.User, m policy.Module, a policy.Action, r policy.Resource) bool {
	return slices.ContainsFunc(r.Grants, func(g policy.RecordGrant) bool {
		return g.Off&closing(m, a) != 0 && w.counts(g) && w.named(u, g.To)
	})
}

func (w *world) opened(u id.User, m policy.Module, a policy.Action, r policy.Resource) bool {
	act := opening(m, a)
	for _, c := range w.categories {
		if slices.Contains(r.Categories, c.Category) && c.On&act != 0 && w.met(u, c.To, c.Superiors) {
			return true
		}
	}
	return slices.ContainsFunc(r.Grants, func(g policy.RecordGrant) bool {
		return g.On&act != 0 && w.counts(g) && w.met(u, g.To, g.Superiors)
	})
}

func (w *world) floored(m policy.Module, a policy.Action, r policy.Resource) bool {
	d := policy.Default(w.tenant.Settings.Defaults[string(m)])
	reads := a == policy.View || a == policy.Comment
	return r.Owner != "" && (d == policy.PublicRead && reads || d == policy.PublicEdit && (reads || a == policy.Update))
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
