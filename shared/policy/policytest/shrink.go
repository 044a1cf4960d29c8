package policytest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// mostTries bounds how many smaller courses are tried.
const mostTries = 3000

// shrink makes a finding's course as short and its worlds as small as leaving out one thing after the other makes them.
func shrink(ctx context.Context, sys System, f *Finding) {
	var m *mismatch
	failed := ""
	if !errors.As(f.Err, &m) {
		failed = f.Err.Error()
	}
	tries := 0
	wrong := func(c []*World) bool {
		if tries++; tries > mostTries {
			return false
		}
		// A system that remembers may be wrong only about a world whose past it was asked about.
		_, err := play(ctx, sys, c, &Tally{}, len(c) > 1)
		if err == nil || errors.As(err, &m) != (failed == "") || failed != "" && err.Error() != failed {
			return false
		}
		f.Course, f.Err = c, err
		return true
	}
	last := f.Course[len(f.Course)-1]
	if !wrong([]*World{last}) && len(f.Course) > 2 {
		_ = wrong(f.Course[len(f.Course)-2:])
	}
	for smaller := true; smaller && tries <= mostTries; {
		smaller = false
		for _, cut := range cuts {
			for i := 0; i < cut.count(f.Course[len(f.Course)-1]) && tries <= mostTries; {
				less := make([]*World, len(f.Course))
				named := cut.names(f.Course[len(f.Course)-1], i)
				for j, w := range f.Course {
					less[j] = w.Clone()
					cut.drop(less[j], named)
				}
				if wrong(less) {
					smaller = true
				} else {
					i++
				}
			}
		}
	}
}

// cut leaves out the things of one kind, one by one, from every world of a course: names says what the nth of the last world is called.
type cut struct {
	count func(*World) int
	names func(*World, int) string
	drop  func(*World, string)
}

// cutList makes the cut of a list.
func cutList[T any](list func(*World) *[]T, called func(*T) string, forget func(*World, string)) cut {
	return cut{
		count: func(w *World) int { return len(*list(w)) },
		names: func(w *World, i int) string { return called(&(*list(w))[i]) },
		drop: func(w *World, name string) {
			l := list(w)
			*l = slices.DeleteFunc(*l, func(x T) bool { return called(&x) == name })
			if forget != nil {
				forget(w, name)
			}
		},
	}
}

// cutParts makes the cut of all lists that lie one in each member of a list.
func cutParts[T, P any](list func(*World) []T, parts func(*T) *[]P, called func(*T, *P) string) cut {
	names := func(w *World) []string {
		var out []string
		for i := range list(w) {
			x := &list(w)[i]
			for j := range *parts(x) {
				if n := called(x, &(*parts(x))[j]); !slices.Contains(out, n) {
					out = append(out, n)
				}
			}
		}
		return out
	}
	return cut{
		count: func(w *World) int { return len(names(w)) },
		names: func(w *World, i int) string { return names(w)[i] },
		drop: func(w *World, name string) {
			for i := range list(w) {
				x := &list(w)[i]
				l := parts(x)
				*l = slices.DeleteFunc(*l, func(p P) bool { return called(x, &p) == name })
			}
		},
	}
}

// cuts are all, the largest first.
var cuts = []cut{
	cutList(func(w *World) *[]Account { return &w.Accounts }, func(a *Account) string { return string(a.ID) }, nil),
	cutList(func(w *World) *[]User { return &w.Users }, func(u *User) string { return string(u.ID) }, forgetUser),
	cutList(func(w *World) *[]Role { return &w.Roles }, func(r *Role) string { return string(r.ID) }, nil),
	cutList(func(w *World) *[]Post { return &w.Posts }, func(p *Post) string { return string(p.ID) }, nil),
	cutList(func(w *World) *[]Category { return &w.Categories }, func(c *Category) string { return string(c.ID) }, nil),
	cutList(func(w *World) *[]Department { return &w.Departments }, func(d *Department) string { return string(d.ID) }, forgetDepartment),
	cutList(func(w *World) *[]policy.Module { return &w.ModulesOff }, func(m *policy.Module) string { return string(*m) }, nil),
	{
		count: func(w *World) int { return len(w.Defaults) },
		names: func(w *World, i int) string { return string(slices.Sorted(maps.Keys(w.Defaults))[i]) },
		drop:  func(w *World, name string) { delete(w.Defaults, policy.Module(name)) },
	},
	cutParts(func(w *World) []User { return w.Users }, func(u *User) *[]id.Role { return &u.Roles },
		func(u *User, r *id.Role) string { return string(u.ID) + string(*r) }),
	cutParts(func(w *World) []User { return w.Users }, func(u *User) *[]id.Post { return &u.Posts },
		func(u *User, p *id.Post) string { return string(u.ID) + string(*p) }),
	cutParts(func(w *World) []Post { return w.Posts }, func(p *Post) *[]id.Role { return &p.Roles },
		func(p *Post, r *id.Role) string { return string(p.ID) + string(*r) }),
	cutParts(func(w *World) []Account { return w.Accounts }, func(a *Account) *[]RecordGrant { return &a.Grants },
		func(a *Account, g *RecordGrant) string { return string(a.ID) + string(g.Kind) + g.To.Kind + g.To.ID }),
	cutParts(func(w *World) []Account { return w.Accounts }, func(a *Account) *[]Contact { return &a.Contacts },
		func(a *Account, c *Contact) string { return string(a.ID) + c.Phone }),
	cutParts(func(w *World) []Role { return w.Roles }, func(r *Role) *[]Grant { return &r.Grants },
		func(r *Role, g *Grant) string { return string(r.ID) + string(g.Module) + string(g.Action) }),
	cutParts(func(w *World) []Role { return w.Roles }, func(r *Role) *[]FieldRule { return &r.Fields },
		func(r *Role, f *FieldRule) string { return string(r.ID) + string(f.Module) + f.Field }),
	cutParts(func(w *World) []Category { return w.Categories }, func(c *Category) *[]CategoryGrant { return &c.Grants },
		func(c *Category, g *CategoryGrant) string { return string(c.ID) + g.To.Kind + g.To.ID }),
}

// forgetUser takes out what names a user who is left out, so that the world stays one that could be.
func forgetUser(w *World, u string) {
	for i := range w.Users {
		if x := &w.Users[i]; string(x.Manager) == u {
			x.Manager = ""
		}
	}
	for i := range w.Departments {
		if x := &w.Departments[i]; string(x.Head) == u {
			x.Head = ""
		}
	}
	w.Accounts = slices.DeleteFunc(w.Accounts, func(a Account) bool { return string(a.Owner) == u })
}

func forgetDepartment(w *World, d string) {
	for i := range w.Departments {
		if x := &w.Departments[i]; string(x.Parent) == d {
			x.Parent = ""
		}
	}
	for i := range w.Users {
		if x := &w.Users[i]; string(x.Department) == d {
			x.Department = ""
		}
	}
	for i := range w.Accounts {
		if x := &w.Accounts[i]; string(x.Department) == d {
			x.Department = ""
		}
	}
}
