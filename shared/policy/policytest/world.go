package policytest

import (
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// World is one tenant at one moment, as a person would write it down: lists in no particular order, ids instead of pointers, nothing derived.
// Its JSON is its interchange form.
type World struct {
	Seed         uint64                           `json:"seed"` // that it was generated from
	Step         int                              `json:"step"` // changes since
	Now          time.Time                        `json:"now"`
	TenantStatus string                           `json:"tenantStatus"` // active or suspended
	ModulesOff   []policy.Module                  `json:"modulesOff"`
	Defaults     map[policy.Module]policy.Default `json:"defaults"` // absent is private
	Departments  []Department                     `json:"departments"`
	Roles        []Role                           `json:"roles"`
	Posts        []Post                           `json:"posts"`
	Users        []User                           `json:"users"`
	Categories   []Category                       `json:"categories"`
	Accounts     []Account                        `json:"accounts"`
}

// Department is a node of the tree.
type Department struct {
	ID     id.Department `json:"id"`
	Parent id.Department `json:"parent,omitzero"` // "" at the top
	Head   id.User       `json:"head,omitzero"`
}

// Role is what its holders may do.
type Role struct {
	ID     id.Role      `json:"id"`
	Level  policy.Level `json:"level"`
	Grants []Grant      `json:"grants"`
	Fields []FieldRule  `json:"fields"`
}

// Grant gives one action of a module within a scope. A pair that the product does not have gives nothing.
type Grant struct {
	Module policy.Module `json:"module"`
	Action policy.Action `json:"action"`
	Scope  string        `json:"scope"` // own, reports, department, subtree, all
}

// FieldRule sets the access to a field and, unless they have rules of their own, to its parts.
type FieldRule struct {
	Module policy.Module `json:"module"`
	Field  string        `json:"field"`
	Access policy.Access `json:"access"`
}

// Post gives its holders its roles.
type Post struct {
	ID         id.Post       `json:"id"`
	Department id.Department `json:"department"`
	Roles      []id.Role     `json:"roles"`
}

// User is somebody who may ask.
type User struct {
	ID         id.User       `json:"id"`
	Status     string        `json:"status"` // invited, active, inactive
	Department id.Department `json:"department,omitzero"`
	Manager    id.User       `json:"manager,omitzero"`
	Posts      []id.Post     `json:"posts"`
	Roles      []id.Role     `json:"roles"` // besides those of the posts
}

// Category opens the accounts that are of it.
type Category struct {
	ID     id.Category     `json:"id"`
	Grants []CategoryGrant `json:"grants"`
}

// CategoryGrant opens every account of a category: view, or view and edit.
type CategoryGrant struct {
	To        Grantee `json:"to"`
	On        []Act   `json:"on"`
	Superiors bool    `json:"superiors"`
}

// Grantee is whom a grant is for. Kind: user; department, who sits in it; subtree, who sits in it or below it; role, who holds it.
type Grantee struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Act is what a grant on a record switches.
type Act string

// The acts.
const (
	View   Act = "view"
	Edit   Act = "edit"
	Delete Act = "delete"
)

// Account is a record that is asked about, with what is granted on it.
type Account struct {
	ID         id.Account    `json:"id"`
	Name       string        `json:"name"`
	Owner      id.User       `json:"owner"`
	Department id.Department `json:"department,omitzero"`
	Categories []id.Category `json:"categories"`
	Status     string        `json:"status"` // active, inactive: of no account for who may see it
	Type       string        `json:"type,omitzero"`
	ValueTier  string        `json:"valueTier,omitzero"`
	Stage      string        `json:"stage,omitzero"`
	Email      string        `json:"email,omitzero"`
	Phone      string        `json:"phone,omitzero"`
	IDNumber   string        `json:"idNumber,omitzero"`
	City       string        `json:"city,omitzero"` // of its address: the field address.city
	Contacts   []Contact     `json:"contacts"`
	Updated    time.Time     `json:"updated"` // whole milliseconds
	Grants     []RecordGrant `json:"grants"`  // at most one of a kind for a grantee
}

// Contact is a person at an account.
type Contact struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Email string `json:"email"`
	Phone string `json:"phone"`
}

// RecordGrant opens an account to somebody or closes it.
type RecordGrant struct {
	Kind      policy.GrantKind `json:"kind"` // team, share, temporary, override
	To        Grantee          `json:"to"`
	On        []Act            `json:"on"`
	Off       []Act            `json:"off"` // of overrides only
	Superiors bool             `json:"superiors"`
	Expires   time.Time        `json:"expires,omitzero"` // whole seconds; from then on it counts no more; zero: never
}

// User gives the user of the id, or nil.
func (w *World) User(u id.User) *User {
	return find(w.Users, func(x *User) bool { return x.ID == u })
}

// Account gives the account of the id, or nil.
func (w *World) Account(a id.Account) *Account {
	return find(w.Accounts, func(x *Account) bool { return x.ID == a })
}

func (w *World) department(d id.Department) *Department {
	return find(w.Departments, func(x *Department) bool { return x.ID == d })
}

func (w *World) role(r id.Role) *Role { return find(w.Roles, func(x *Role) bool { return x.ID == r }) }

func (w *World) post(p id.Post) *Post { return find(w.Posts, func(x *Post) bool { return x.ID == p }) }

func find[T any](all []T, is func(*T) bool) *T {
	for i := range all {
		if is(&all[i]) {
			return &all[i]
		}
	}
	return nil
}

// Clone gives a world that shares nothing that changes with w.
func (w *World) Clone() *World {
	c := *w
	c.ModulesOff = slices.Clone(w.ModulesOff)
	c.Defaults = map[policy.Module]policy.Default{}
	for m, d := range w.Defaults {
		c.Defaults[m] = d
	}
	c.Departments = slices.Clone(w.Departments)
	c.Roles = each(w.Roles, func(r *Role) { r.Grants, r.Fields = slices.Clone(r.Grants), slices.Clone(r.Fields) })
	c.Posts = each(w.Posts, func(p *Post) { p.Roles = slices.Clone(p.Roles) })
	c.Users = each(w.Users, func(u *User) { u.Posts, u.Roles = slices.Clone(u.Posts), slices.Clone(u.Roles) })
	c.Categories = each(w.Categories, func(k *Category) { k.Grants = slices.Clone(k.Grants) })
	c.Accounts = each(w.Accounts, func(a *Account) {
		a.Categories, a.Contacts, a.Grants = slices.Clone(a.Categories), slices.Clone(a.Contacts), slices.Clone(a.Grants)
	})
	return &c
}

// each clones a list and what part says of its members.
func each[T any](all []T, part func(*T)) []T {
	out := slices.Clone(all)
	for i := range out {
		part(&out[i])
	}
	return out
}
