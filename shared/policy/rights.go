package policy

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/id"
)

// Rights are what one user may do, compiled once for each version of the tenant's roles and organisation and shared by requests. The
// zero Rights hold nothing.
type Rights struct {
	scope       [moduleCount][actionCount]Scope
	level       Level
	fields      [moduleCount][]fieldAccess // by name
	roles       []id.Role
	people      []id.User       // the user, then everyone who reports to them
	departments []id.Department // where the user sits, their own first, then all below
	seats       int             // how many of departments the user sits in
	seated      []int           // of departments: how many users sit in each
	near, under int             // how many users report to the user or sit in a department of theirs, the user among them; with all below
	sits        func(id.User) (id.Department, bool)
	teams       []Team    // where people sit who never left a department
	apart       []id.User // of people, those who did
	unseated    int       // how many of all users sit nowhere
	reports     lookup[id.User, struct{}]
	placed      lookup[id.Department, Scope] // of departments: the scope that it takes to reach it
	me          Grantee
	mine        lookup[Grantee, struct{}] // whom the user is one of
	theirs      lookup[Grantee, struct{}] // whom active reports are one of, as far as a grant reaches superiors
	granted     []Grantee                 // of both, those that any record has a grant for; the user first
	overflowed  []Grantee                 // of granted, those that records keep out of order
	denying     []Grantee                 // of granted, those that some record denies something
	categories  map[id.Category]Acts      // what grants of categories open
	opened      []id.Category             // their keys, in order
}

// fieldAccess is the access to one field by action; "" where no role grants the action.
type fieldAccess struct {
	name   string
	access [actionCount]Access
}

// Mark says what grants to one grantee the records of a tenant may have.
type Mark struct {
	Superiors bool `json:"superiors,omitzero"` // one that reaches superiors
	Overflow  bool `json:"overflow,omitzero"`  // one that its record keeps out of order
	Off       bool `json:"off,omitzero"`       // one that denies
}

// Chart is where a user stands in the organisation, and what grants of the tenant may reach them there.
type Chart struct {
	User       id.User
	Reports    []id.User // everyone who reports to the user, transitively, without the user
	Department id.Department
	Seats      []id.Department                              // where else the user counts as sitting: departments that they head
	Below      []id.Department                              // all departments below Department and Seats, without those
	Seated     func(id.Department) []id.User                // who sits in the department; nil: nobody knows
	Sits       func(id.User) (in id.Department, moved bool) // where any user sits, and whether they have left a department once; nil: nobody knows
	Unseated   int                                          // how many of all users sit nowhere
	Above      []id.Department                              // all departments above Department and Seats
	Granted    func(Grantee) (Mark, bool)                   // what grants to the grantee records may have; false or nil: none
	Superiors  []Grantee                                    // whom active reports are one of and that have a grant which reaches superiors
	Categories []CategoryGrant                              // of all categories
}

// Compile joins the roles that a user holds. Where they overlap the widest scope and the most permissive field access hold, so that
// one more role or grant never takes anything away. Grants that the catalogue does not have are left out.
func Compile(at Chart, roles []Role) *Rights {
	r := &Rights{
		people:  append([]id.User{at.User}, at.Reports...),
		reports: lookupFor[id.User, struct{}](len(at.Reports)),
		placed:  lookupFor[id.Department, Scope](len(at.Below) + 1),
	}
	for _, u := range at.Reports {
		r.reports.put(u, struct{}{})
	}
	seat := func(d id.Department, needs Scope) {
		if r.placed.put(d, needs) {
			r.departments = append(r.departments, d)
		}
	}
	seat(at.Department, Department)
	for _, d := range at.Seats {
		seat(d, Department)
	}
	r.seats = len(r.departments)
	for _, d := range at.Below {
		seat(d, Subtree)
	}
	r.compileSeated(at)
	r.compileTeams(at)
	r.compileGrantees(at, roles)
	for _, role := range roles {
		if role.Level.rank() > r.level.rank() {
			r.level = role.Level
		}
		for _, g := range role.Grants {
			m, a := moduleIndex.of(string(g.Module)), actionIndex.of(string(g.Action))
			if declared(m, a) && g.Scope <= All {
				r.scope[m][a] = max(r.scope[m][a], g.Scope)
			}
		}
	}
	for m := range catalogue {
		r.fields[m] = compileFields(m, roles)
	}
	return r
}

// compileSeated counts who sits where the user reaches. Each user is counted once, for a user sits in one department.
func (r *Rights) compileSeated(at Chart) {
	r.near, r.under = len(r.people), len(r.people)
	r.seated = make([]int, len(r.departments))
	if at.Seated == nil {
		return
	}
	for i, d := range r.departments {
		all := at.Seated(d)
		r.seated[i] = len(all)
		for _, u := range all {
			if _, reports := r.reports.get(u); reports || u == at.User {
				continue
			}
			r.under++
			if i < r.seats {
				r.near++
			}
		}
	}
}

// Team is a department in which somebody sits who reports to the subject, or the subject.
type Team struct {
	Department id.Department
	Seated     int     // how many users sit in it
	Reached    int     // of those, how many report to the subject or are it, and never left a department
	One        id.User // one of those
}

// compileTeams gathers where the user and who reports to them sit.
func (r *Rights) compileTeams(at Chart) {
	r.sits, r.unseated = at.Sits, at.Unseated
	if at.Sits == nil {
		r.apart = r.people
		return
	}
	place := map[id.Department]int{}
	for _, u := range r.people {
		d, moved := at.Sits(u)
		switch i, known := place[d]; {
		case moved:
			r.apart = append(r.apart, u)
		case d == "":
		case known:
			r.teams[i].Reached++
		default:
			place[d] = len(r.teams)
			r.teams = append(r.teams, Team{Department: d, Reached: 1, One: u})
		}
	}
	for i := range r.teams {
		if t := &r.teams[i]; at.Seated != nil {
			t.Seated = max(len(at.Seated(t.Department)), t.Reached)
		}
	}
}

// compileGrantees gathers whom the user is one of, and what categories open to them.
func (r *Rights) compileGrantees(at Chart, roles []Role) {
	r.me = ToUser(at.User)
	r.look(at, r.me)
	r.mine = lookupFor[Grantee, struct{}](2*r.seats + len(at.Above) + len(roles))
	r.theirs = lookupFor[Grantee, struct{}](len(at.Superiors))
	add := func(g Grantee) {
		if r.mine.put(g, struct{}{}) {
			r.look(at, g)
		}
	}
	for _, d := range r.departments[:r.seats] {
		add(ToDepartment(d, false))
		add(ToDepartment(d, true))
	}
	for _, d := range at.Above {
		add(ToDepartment(d, true))
	}
	for _, role := range roles {
		r.roles = append(r.roles, role.ID)
		add(ToRole(role.ID))
	}
	for _, g := range at.Superiors {
		if r.theirs.put(g, struct{}{}) && !r.direct(g) {
			r.look(at, g)
		}
	}
	for _, g := range at.Categories {
		if !r.meets(g.To, g.Superiors) {
			continue
		}
		if r.categories == nil {
			r.categories = map[id.Category]Acts{}
		}
		r.categories[g.Category] |= g.On
	}
	r.opened = slices.Sorted(maps.Keys(r.categories))
}

// look notes where records may have grants to the grantee. To the user themself there may always be some.
func (r *Rights) look(at Chart, g Grantee) {
	var m Mark
	var any bool
	if at.Granted != nil {
		m, any = at.Granted(g)
	}
	if any || g == r.me {
		r.granted = append(r.granted, g)
	}
	if m.Overflow {
		r.overflowed = append(r.overflowed, g)
	}
	if m.Off && r.direct(g) {
		r.denying = append(r.denying, g)
	}
}

// compileFields gives the access to every field of the module that needs saying: those that rules name and the sensitive ones.
func compileFields(module int, roles []Role) []fieldAccess {
	named := slices.Clone(catalogue[module].Sensitive)
	for _, role := range roles {
		for _, f := range role.Fields {
			if f.Module == catalogue[module].Module {
				named = append(named, f.Field)
			}
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	out := make([]fieldAccess, 0, len(named))
	for _, name := range named {
		f := fieldAccess{name: name}
		for _, role := range roles {
			access := ruled(module, role.Fields, name)
			for _, g := range role.Grants {
				a := actionIndex.of(string(g.Action))
				if g.Module == catalogue[module].Module && declared(module, a) && access.rank() > f.access[a].rank() {
					f.access[a] = access
				}
			}
		}
		out = append(out, f)
	}
	return out
}

// ruled is the access that one set of rules gives to a field: by the field's own rule, else by its nearest parent's, else the fallback.
// Of two rules on one field the narrower holds.
func ruled(module int, rules []FieldRule, field string) Access {
	for name := field; ; {
		var found Access
		for _, r := range rules {
			if r.Module == catalogue[module].Module && r.Field == name && (found == "" || r.Access.rank() < found.rank()) {
				found = r.Access
			}
		}
		if found != "" {
			return found
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return fallback(module, field)
		}
		name = name[:dot]
	}
}

// field is the compiled access to a field for an action that some role grants.
func (r *Rights) field(module, action int, name string) Access {
	for {
		i, found := slices.BinarySearchFunc(r.fields[module], name, func(f fieldAccess, n string) int { return cmp.Compare(f.name, n) })
		if found {
			return r.fields[module][i].access[action]
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return Edit // sensitive fields are always compiled
		}
		name = name[:dot]
	}
}

// Level is the highest level among the user's roles; "" without any.
func (r *Rights) Level() Level { return r.level }

// SeatOf is the department in which any user of the tenant sits; "" for none, and when nobody knows.
func (r *Rights) SeatOf(u id.User) id.Department {
	if r == nil || r.sits == nil {
		return ""
	}
	d, _ := r.sits(u)
	return d
}

// Unseated is how many users of the tenant sit in no department.
func (r *Rights) Unseated() int {
	if r == nil {
		return 0
	}
	return r.unseated
}

// ReportIDs are all users who report to the subject, transitively, without the subject. Do not change the slice.
func (r *Rights) ReportIDs() []id.User {
	if len(r.people) == 0 {
		return nil
	}
	return r.people[1:]
}

// RoleIDs are the roles that the subject holds, directly and by posts. Do not change the slice.
func (r *Rights) RoleIDs() []id.Role { return r.roles }

// Is reports whether the subject is one of those whom the grantee names: themself, who sits in the department, who holds the role.
func (r *Rights) Is(g Grantee) bool { return r != nil && r.direct(g) }

// DepartmentIDs are the departments that the scope reaches: those that the subject sits in for Department, with all below for Subtree, none
// for the others. Do not change the slice.
func (r *Rights) DepartmentIDs(s Scope) []id.Department {
	switch {
	case len(r.departments) == 0:
		return nil
	case s == Department:
		return r.departments[:r.seats:r.seats]
	case s == Subtree:
		return r.departments
	}
	return nil
}
