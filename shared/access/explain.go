package access

import (
	"cmp"
	"slices"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// Facts are what an explanation of somebody at the place needs besides the rights that Compiled gives them there. all says whether remedies
// may name roles that they do not hold: who may not read roles is not told of them.
func (c *Compiled) Facts(p principal.Place, all bool) policy.Facts {
	f := policy.Facts{
		Chart:   c.chart(p),
		Manager: func(u id.User) id.User { return c.Places[u].Manager },
		Parent:  func(d id.Department) id.Department { return c.Departments[d].Parent },
	}
	f.Through = func(to policy.Grantee) id.User {
		i := slices.IndexFunc(f.Chart.Reports, func(u id.User) bool {
			return c.Places[u].Active && slices.Contains(c.Grantees(u), to)
		})
		if i < 0 {
			return ""
		}
		return f.Chart.Reports[i]
	}
	f.Held = c.Held(p)
	f.Holders = func(r id.Role) (n int) {
		for u := range c.Places {
			if slices.Contains(c.RolesOf(u), r) {
				n++
			}
		}
		return n
	}
	if !all {
		return f
	}
	for _, r := range c.Roles {
		f.Roles = append(f.Roles, r)
	}
	slices.SortFunc(f.Roles, func(a, b policy.Role) int { return cmp.Compare(a.ID, b.ID) })
	return f
}

// Held are the roles at the place, in id order, and how each comes.
func (c *Compiled) Held(p principal.Place) []policy.HeldRole {
	var out []policy.HeldRole
	for _, r := range c.rolesOf(p) {
		h := policy.HeldRole{Role: r, Direct: slices.Contains(p.Roles, r.ID)}
		for _, post := range p.Posts {
			if slices.Contains(c.Posts[post].Roles, r.ID) {
				h.Posts = append(h.Posts, post)
			}
		}
		out = append(out, h)
	}
	return out
}

// DirectReports is how many users name the user as their manager, whatever their status.
func (c *Compiled) DirectReports(u id.User) int { return len(c.reports[u]) }
