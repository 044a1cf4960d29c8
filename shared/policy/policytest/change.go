package policytest

import (
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// Change gives the world after one to three changes: a role edited, given or taken; somebody moved, deactivated, reactivated, given another
// manager (never in a cycle); a department moved or given another head; a grant, a category or a default changed; an account made, updated or
// given to somebody else; and always time passes, often to the very second in which a grant ends.
func Change(seed uint64, before *World) *World {
	d, w := drawFrom(seed), before.Clone()
	w.Step++
	w.Now = w.Now.Add(time.Duration(d.between(1, 60)) * time.Second)
	if ends := w.ends(); len(ends) > 0 && d.in(40) {
		w.Now = one(d, ends).Add(-time.Duration(d.IntN(2)) * time.Second)
		if !w.Now.After(before.Now) {
			w.Now = before.Now.Add(time.Second)
		}
	}
	for range d.between(1, 3) {
		w.change(d)
	}
	return w
}

// ends are the moments to come in which grants end.
func (w *World) ends() []time.Time {
	var out []time.Time
	for _, a := range w.Accounts {
		for _, g := range a.Grants {
			if g.Expires.After(w.Now) {
				out = append(out, g.Expires)
			}
		}
	}
	return out
}

func (w *World) change(d draw) {
	switch n := d.IntN(10); {
	case n < 3:
		w.changeUser(d)
	case n < 5:
		w.changeRights(d)
	case n < 6:
		w.changeTree(d)
	default:
		w.changeAccount(d)
	}
}

func (w *World) changeUser(d draw) {
	u := &w.Users[d.IntN(len(w.Users))]
	switch d.IntN(5) {
	case 0:
		u.Department = one(d, w.Departments).ID
	case 1: // invited → active ⇄ inactive
		if u.Status == "active" {
			u.Status = "inactive"
		} else {
			u.Status = "active"
		}
	case 2:
		boss := one(d, w.Users).ID
		if o := (Oracle{w}); boss == u.ID || o.reportsTo(boss, u.ID) {
			boss = ""
		}
		u.Manager = boss
	case 3:
		u.Roles = some(d, w.roleIDs(), 3)
	case 4:
		u.Posts = some(d, w.postIDs(), 2)
	}
}

func (w *World) changeRights(d draw) {
	switch d.IntN(5) {
	case 0, 1:
		if len(w.Roles) > 0 {
			r := &w.Roles[d.IntN(len(w.Roles))]
			*r = d.role(r.ID)
		}
	case 2:
		m := one(d, []policy.Module{policy.ModAccount, policy.ModAccount, policy.ModContact, policy.ModNote})
		w.Defaults[m] = one(d, policy.Defaults)
	case 3:
		if len(w.Categories) > 0 {
			w.Categories[d.IntN(len(w.Categories))].Grants = []CategoryGrant{w.categoryGrant(d)}
		}
	case 4:
		m := one(d, []policy.Module{policy.ModContact, policy.ModNote})
		if i := slices.Index(w.ModulesOff, m); i >= 0 {
			w.ModulesOff = slices.Delete(w.ModulesOff, i, i+1)
		} else {
			w.ModulesOff = append(w.ModulesOff, m)
		}
	}
}

func (w *World) changeTree(d draw) {
	x := &w.Departments[d.IntN(len(w.Departments))]
	if d.in(40) {
		x.Head = one(d, append(w.userIDs(), ""))
		return
	}
	up := one(d, w.Departments).ID
	for y := w.department(up); y != nil; y = w.department(y.Parent) {
		if y.ID == x.ID {
			up = ""
			break
		}
	}
	x.Parent = up
}

func (w *World) userIDs() []id.User {
	var out []id.User
	for _, u := range w.Users {
		out = append(out, u.ID)
	}
	return out
}

func (w *World) changeAccount(d draw) {
	if len(w.Accounts) == 0 || d.in(8) {
		w.addAccount(d)
		return
	}
	a := &w.Accounts[d.IntN(len(w.Accounts))]
	switch d.IntN(8) {
	case 0:
		a.Owner = one(d, w.userIDs())
		a.Updated = w.Now
	case 1:
		a.Department = one(d, w.Departments).ID
		a.Updated = w.Now
	case 2:
		a.Type, a.Updated = one(d, []string{"enterprise", "individual"}), w.Now
	case 3:
		a.Categories, a.Updated = some(d, w.categoryIDs(), 2), w.Now
		slices.Sort(a.Categories)
	case 4:
		if len(a.Grants) > 0 {
			i := d.IntN(len(a.Grants))
			a.Grants = slices.Delete(a.Grants, i, i+1)
		}
	default:
		a.put(w.recordGrant(d))
	}
}
