package policy_test

import (
	"maps"
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// world is a tenant's organisation as a person would write it down: names instead of ids, nothing compiled. The truth tables fill it from
// text, the properties from random draws, and the oracle answers from it by the words of the requirement.
type world struct {
	tenant     principal.Tenant
	parent     map[id.Department]id.Department // every department; "" at the top
	head       map[id.Department]id.User
	users      []id.User
	place      map[id.User]principal.Place
	status     map[id.User]principal.UserStatus
	roles      map[id.Role]policy.Role
	posts      map[id.User][]id.Role // roles that come by the user's post, which has their name
	categories []policy.CategoryGrant
	records    map[string]policy.Resource
	now        int64
	unmarked   bool // no record has a grant: charts say so
}

func newWorld() *world {
	return &world{
		tenant: principal.Tenant{ID: "acme", Status: principal.TenantActive},
		parent: map[id.Department]id.Department{}, head: map[id.Department]id.User{},
		place: map[id.User]principal.Place{}, status: map[id.User]principal.UserStatus{},
		roles: map[id.Role]policy.Role{}, posts: map[id.User][]id.Role{}, records: map[string]policy.Resource{}, now: noon,
	}
}

// noon is the second at which every world's requests are made.
const noon = 1_772_450_000

// reportsTo climbs from a user to their managers.
func (w *world) reportsTo(u, boss id.User) bool {
	for m := w.place[u].Manager; m != ""; m = w.place[m].Manager {
		if m == boss {
			return true
		}
	}
	return false
}

// below climbs from a department to its parents.
func (w *world) below(d, top id.Department) bool {
	for p := w.parent[d]; p != ""; p = w.parent[p] {
		if p == top {
			return true
		}
	}
	return false
}

// sits reports whether the department is the user's, or one that they head.
func (w *world) sits(u id.User, d id.Department) bool {
	return d != "" && (w.place[u].Department == d || w.head[d] == u)
}

func (w *world) held(u id.User) []policy.Role {
	var out []policy.Role
	for _, r := range slices.Concat(w.place[u].Roles, w.posts[u]) {
		out = append(out, w.roles[r])
	}
	return out
}

// grantees are all that the user is one of, one after the other.
func (w *world) grantees(u id.User) []policy.Grantee {
	out := []policy.Grantee{policy.ToUser(u)}
	for d := range w.parent {
		if w.sits(u, d) {
			out = append(out, policy.ToDepartment(d, false))
		}
		if w.named(u, policy.ToDepartment(d, true)) {
			out = append(out, policy.ToDepartment(d, true))
		}
	}
	for _, r := range w.held(u) {
		out = append(out, policy.ToRole(r.ID))
	}
	return out
}

// marks says which grantees have a grant on any record, as access keeps it.
func (w *world) marks() map[policy.Grantee]policy.Mark {
	out := map[policy.Grantee]policy.Mark{}
	for _, r := range w.records {
		for _, g := range r.Grants {
			m := out[g.To]
			m.Superiors, m.Off, m.Overflow = m.Superiors || g.Superiors, m.Off || g.Off != 0, m.Overflow || g.Kind == policy.KindTemporary
			out[g.To] = m
		}
	}
	return out
}

func (w *world) chart(u id.User) policy.Chart {
	p, marks := w.place[u], w.marks()
	at := policy.Chart{User: u, Department: p.Department, Categories: w.categories}
	if !w.unmarked {
		at.Granted = func(g policy.Grantee) (policy.Mark, bool) { m, ok := marks[g]; return m, ok }
	}
	for _, other := range w.users {
		if w.reportsTo(other, u) {
			at.Reports = append(at.Reports, other)
			if w.status[other] == principal.UserActive {
				at.Superiors = append(at.Superiors, w.grantees(other)...)
			}
		}
	}
	for _, d := range slices.Sorted(maps.Keys(w.parent)) {
		sits := func(x id.Department) bool { return w.sits(u, x) }
		switch all := slices.Sorted(maps.Keys(w.parent)); {
		case sits(d):
			if d != p.Department {
				at.Seats = append(at.Seats, d)
			}
		case slices.ContainsFunc(all, func(x id.Department) bool { return sits(x) && w.below(d, x) }):
			at.Below = append(at.Below, d)
		}
		if !sits(d) && slices.ContainsFunc(slices.Collect(maps.Keys(w.parent)), func(x id.Department) bool { return sits(x) && w.below(x, d) }) {
			at.Above = append(at.Above, d)
		}
	}
	return at
}

// subject is the user as access would load them.
func (w *world) subject(u id.User) *policy.Subject {
	return &policy.Subject{
		Principal: principal.Principal{Tenant: w.tenant.ID, User: u, At: time.Unix(w.now, 5)},
		Org:       w.tenant,
		Self:      principal.Standing{Place: w.place[u], Status: w.status[u]},
		Rights:    policy.Compile(w.chart(u), w.held(u)),
	}
}

// facts are what an explanation of the user needs besides.
func (w *world) facts(u id.User) policy.Facts {
	f := policy.Facts{
		Chart: w.chart(u),
		Holders: func(r id.Role) (n int) {
			for _, x := range w.users {
				n += either(slices.ContainsFunc(w.held(x), func(h policy.Role) bool { return h.ID == r }), 1, 0)
			}
			return n
		},
		Manager: func(x id.User) id.User { return w.place[x].Manager },
		Parent:  func(d id.Department) id.Department { return w.parent[d] },
		Through: func(g policy.Grantee) id.User {
			for _, x := range w.users {
				if w.reportsTo(x, u) && w.status[x] == principal.UserActive && w.named(x, g) {
					return x
				}
			}
			return ""
		},
	}
	for i, r := range w.held(u) {
		h := policy.HeldRole{Role: r, Direct: i < len(w.place[u].Roles)}
		if !h.Direct {
			h.Posts = []id.Post{id.Post(r.ID)}
		}
		f.Held = append(f.Held, h)
	}
	for _, r := range slices.Sorted(maps.Keys(w.roles)) {
		f.Roles = append(f.Roles, w.roles[r])
	}
	return f
}

// clone is a copy that may be changed.
func (w *world) clone() *world {
	c := *w
	c.tenant.Settings.ModulesOff = slices.Clone(w.tenant.Settings.ModulesOff)
	c.tenant.Settings.Defaults = maps.Clone(w.tenant.Settings.Defaults)
	c.place, c.status, c.roles, c.posts, c.records = maps.Clone(w.place), maps.Clone(w.status), maps.Clone(w.roles), maps.Clone(w.posts), maps.Clone(w.records)
	return &c
}

// subject is an active user of an active tenant with the roles.
func subject(roles ...policy.Role) *policy.Subject { return oneUser(roles...).subject("ann") }

// oneUser is a tenant with one user, ann, who has the roles.
func oneUser(roles ...policy.Role) *world {
	w := newWorld()
	w.users = []id.User{"ann"}
	w.status["ann"] = principal.UserActive
	p := principal.Place{User: "ann", Active: true}
	for i, r := range roles {
		r.ID = id.Role(rune('a' + i))
		w.roles[r.ID] = r
		p.Roles = append(p.Roles, r.ID)
	}
	w.place["ann"] = p
	return w
}

func grant(m policy.Module, a policy.Action, s policy.Scope) policy.Grant {
	return policy.Grant{Module: m, Action: a, Scope: s}
}

func everything() []policy.Grant {
	var out []policy.Grant
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			out = append(out, policy.Grant{Module: e.Module, Action: a, Scope: policy.All})
		}
	}
	return out
}
