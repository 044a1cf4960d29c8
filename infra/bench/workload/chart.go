package workload

// Chart is the organisation spelt out, for the engines' prepared models, which need not climb a tree when they decide. The oracle does
// without, and so do the models that the engines' manuals teach.
type Chart struct {
	Widest    [][ActionCount]Scope // by user: the widest scope of each action among their roles
	Superiors [][]UserID           // by user: their manager, the manager's manager and so on
	Reports   [][]UserID           // by user: everybody who has them among their superiors
	Above     [][]DepartmentID     // by department: its parent, the parent's parent and so on
	Below     [][]DepartmentID     // by department: all that have it above
}

// Chart spells the organisation out.
func (w *World) Chart() *Chart {
	c := &Chart{
		Widest: make([][ActionCount]Scope, len(w.Users)), Superiors: make([][]UserID, len(w.Users)), Reports: make([][]UserID, len(w.Users)),
		Above: make([][]DepartmentID, len(w.Parents)), Below: make([][]DepartmentID, len(w.Parents)),
	}
	for u, x := range w.Users {
		for _, role := range x.Roles {
			for a, s := range w.Roles[role].Scopes {
				c.Widest[u][a] = max(c.Widest[u][a], s)
			}
		}
		for m := x.Manager; m != Nobody; m = w.Users[m].Manager {
			c.Superiors[u] = append(c.Superiors[u], m)
			c.Reports[m] = append(c.Reports[m], UserID(u))
		}
	}
	for d, p := range w.Parents {
		for ; p != Nowhere; p = w.Parents[p] {
			c.Above[d] = append(c.Above[d], p)
			c.Below[p] = append(c.Below[p], DepartmentID(d))
		}
	}
	return c
}
