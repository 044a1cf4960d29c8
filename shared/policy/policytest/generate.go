package policytest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// start is the moment of every world before its first change.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// draw is a source of choices: the same seed, the same choices.
type draw struct{ *rand.Rand }

func drawFrom(seed uint64) draw { return draw{rand.New(rand.NewPCG(seed, 0x5eed))} }

// in is a draw of a percentage.
func (d draw) in(percent int) bool { return d.IntN(100) < percent }

func (d draw) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

func one[T any](d draw, from []T) T { return from[d.IntN(len(from))] }

// some draws up to most members, each once.
func some[T any](d draw, from []T, most int) []T {
	out := []T{}
	for _, i := range d.Perm(len(from))[:min(len(from), d.IntN(most+1))] {
		out = append(out, from[i])
	}
	return out
}

// name makes the id of the nth thing of a kind: valid, in the order of making, and short when written in words.
func name[K id.Kind](n int) K {
	var none K
	return K(fmt.Sprintf("%s_%026d", none.Prefix(), n))
}

// Generate gives the world of the seed: 3 to 12 users, 2 to 6 departments up to four deep, up to 5 roles, up to 25 accounts, now and then one
// with more than 32 grants. Names are few, so that things meet, and what is allowed and what is denied are both common.
func Generate(seed uint64) *World {
	d := drawFrom(seed)
	w := &World{Seed: seed, Now: start, TenantStatus: "active", Defaults: map[policy.Module]policy.Default{}}
	for n := range d.between(2, 6) {
		x := Department{ID: name[id.Department](n + 1)}
		if n > 0 && d.in(80) {
			if up := one(d, w.Departments); w.depth(up.ID) < 4 {
				x.Parent = up.ID
			}
		}
		w.Departments = append(w.Departments, x)
	}
	for n := range max(d.between(0, 5), d.between(0, 5)) {
		w.Roles = append(w.Roles, d.role(name[id.Role](n+1)))
	}
	for n := range d.between(0, 3) {
		w.Posts = append(w.Posts, Post{name[id.Post](n + 1), one(d, w.Departments).ID, some(d, w.roleIDs(), 2)})
	}
	for n := range d.between(3, 12) {
		w.Users = append(w.Users, w.drawUser(d, n))
	}
	for i := range w.Departments {
		if d.in(25) {
			w.Departments[i].Head = one(d, w.Users).ID
		}
	}
	for n := range d.between(0, 3) {
		c := Category{ID: name[id.Category](n + 1), Grants: []CategoryGrant{}}
		for range d.between(0, 2) {
			c.Grants = append(c.Grants, w.categoryGrant(d))
		}
		w.Categories = append(w.Categories, c)
	}
	for range d.between(0, 25) {
		w.addAccount(d)
	}
	for _, m := range []policy.Module{policy.ModAccount, policy.ModContact, policy.ModNote} {
		if d.in(20) {
			w.Defaults[m] = one(d, policy.Defaults)
		}
		if d.in(4) {
			w.ModulesOff = append(w.ModulesOff, m)
		}
	}
	if d.in(2) {
		w.TenantStatus = "suspended"
	}
	return w
}

// depth is how far down the department lies, from 1.
func (w *World) depth(d id.Department) int {
	n := 0
	for x := w.department(d); x != nil; x = w.department(x.Parent) {
		n++
	}
	return n
}

func (w *World) roleIDs() []id.Role {
	var out []id.Role
	for _, r := range w.Roles {
		out = append(out, r.ID)
	}
	return out
}

func (w *World) postIDs() []id.Post {
	var out []id.Post
	for _, p := range w.Posts {
		out = append(out, p.ID)
	}
	return out
}

func (w *World) categoryIDs() []id.Category {
	var out []id.Category
	for _, c := range w.Categories {
		out = append(out, c.ID)
	}
	return out
}

var scopes = []string{"own", "own", "reports", "reports", "department", "subtree", "all"}

func (d draw) role(r id.Role) Role {
	x := Role{ID: r, Level: one(d, policy.Levels), Grants: []Grant{}, Fields: []FieldRule{}}
	for _, p := range pairs {
		likely := 60
		if p.Action == policy.View {
			likely = 90
		}
		if !declared(p.Module, p.Action) {
			likely = 10
		}
		if d.in(likely) {
			x.Grants = append(x.Grants, Grant{p.Module, p.Action, one(d, scopes)})
		}
	}
	for _, m := range []policy.Module{policy.ModAccount, policy.ModContact} {
		for range d.between(0, 4) {
			x.Fields = append(x.Fields, FieldRule{m, one(d, fieldsOf[m]), one(d, policy.Accesses)})
		}
	}
	return x
}

// drawUser draws somebody whose manager is one of those before them, so that no cycle arises.
func (w *World) drawUser(d draw, n int) User {
	u := User{ID: name[id.User](n + 1), Status: "active", Posts: some(d, w.postIDs(), 1), Roles: some(d, w.roleIDs(), 3)}
	if d.in(85) {
		u.Department = one(d, w.Departments).ID
	}
	if n > 0 && d.in(75) {
		u.Manager = one(d, w.Users).ID
	}
	if d.in(18) {
		u.Status = one(d, []string{"invited", "inactive"})
	}
	return u
}

func (w *World) grantee(d draw) Grantee {
	switch n := d.IntN(10); {
	case n < 4 || n > 7 && len(w.Roles) == 0:
		return Grantee{"user", string(one(d, w.Users).ID)}
	case n < 6:
		return Grantee{"department", string(one(d, w.Departments).ID)}
	case n < 8:
		return Grantee{"subtree", string(one(d, w.Departments).ID)}
	}
	return Grantee{"role", string(one(d, w.Roles).ID)}
}

// level is what a share or a team member is given.
func (d draw) level() []Act {
	if d.in(50) {
		return []Act{View}
	}
	return []Act{View, Edit}
}

func (w *World) categoryGrant(d draw) CategoryGrant {
	return CategoryGrant{w.grantee(d), d.level(), d.in(40)}
}

func (w *World) addAccount(d draw) {
	n := len(w.Accounts) + 1
	a := Account{
		ID: name[id.Account](n), Name: fmt.Sprint(one(d, []string{"Lotus ", "Jade ", "Pine "}), n), Owner: one(d, w.Users).ID,
		Categories: some(d, w.categoryIDs(), 2), Status: one(d, []string{"active", "active", "active", "inactive"}),
		Type: one(d, []string{"", "enterprise", "individual"}), ValueTier: one(d, []string{"", "high", "low"}),
		Stage: one(d, []string{"", "potential", "loyal"}), Email: fmt.Sprintf("desk%d@lotus.example", n),
		Phone: fmt.Sprintf("+86138%08d", 17*n), IDNumber: one(d, []string{"", fmt.Sprint("91330000", n)}),
		City: one(d, []string{"", "Hangzhou"}), Contacts: []Contact{}, Grants: []RecordGrant{},
		Updated: w.Now.Add(-time.Duration(d.IntN(8)) * time.Minute), // few moments: some share one
	}
	slices.Sort(a.Categories)
	if d.in(70) {
		a.Department = one(d, w.Departments).ID
	}
	for c := range d.IntN(3) {
		a.Contacts = append(a.Contacts, Contact{
			fmt.Sprint("Lin ", c), one(d, []string{"", "Buyer"}), fmt.Sprintf("lin%d@pine.example", c), fmt.Sprintf("+86139%08d", 31*n+c),
		})
	}
	want := d.between(0, 4)
	if d.in(5) {
		want = d.between(33, 40)
	}
	for range 8 * want { // what is drawn twice is there once
		if len(a.Grants) < want {
			g := w.recordGrant(d)
			if want > 32 && len(a.Grants) < 32 && d.in(75) { // so that it matters what the last ones are
				g.Expires = w.Now.Add(-time.Hour)
			}
			a.put(g)
		}
	}
	w.Accounts = append(w.Accounts, a)
}

// put adds the grant in the place of the one of its kind to its grantee.
func (a *Account) put(g RecordGrant) {
	a.Grants = slices.DeleteFunc(a.Grants, func(x RecordGrant) bool { return x.Kind == g.Kind && x.To == g.To })
	a.Grants = append(a.Grants, g)
}

func (w *World) recordGrant(d draw) RecordGrant {
	g := RecordGrant{
		Kind: one(d, []policy.GrantKind{policy.KindTeam, policy.KindShare, policy.KindShare, policy.KindTemporary, policy.KindOverride, policy.KindOverride}),
		To:   w.grantee(d), On: d.level(), Off: []Act{}, Superiors: d.in(35),
	}
	if g.Kind == policy.KindTeam || g.Kind == policy.KindTemporary {
		g.To = Grantee{"user", string(one(d, w.Users).ID)}
	}
	if g.Kind == policy.KindTemporary || d.in(40) {
		g.Expires = w.Now.Add(one(d, []time.Duration{-24 * time.Hour, -time.Second, 0, time.Second, time.Hour, time.Hour, 48 * time.Hour, 48 * time.Hour}))
	}
	if g.Kind == policy.KindOverride {
		g.On = []Act{}
		for _, act := range []Act{View, Edit, Delete} {
			switch n := d.IntN(10); {
			case n < 5:
				g.On = append(g.On, act)
			case n < 7:
				g.Off = append(g.Off, act)
			}
		}
	}
	return g
}
