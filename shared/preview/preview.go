// Package preview tells what a change would do to everybody's access before it is made: who gains and loses which rights, fields and how many
// accounts. It is given the writes that the change has staged and has not committed, so what is previewed is what would be done, for
// every kind of change alike. The package owns the comparison of users; it refuses to know how a change is made, and asks whoever keeps
// accounts about them.
package preview

import (
	"cmp"
	"context"
	"reflect"
	"slices"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Accounts compares access to accounts. Package account has it.
type Accounts interface {
	Diff(ctx context.Context, asker *policy.Subject, users []access.Supposed, actions []policy.Action) (out [][]access.Difference, exact bool, err error)
	Suppose(ctx context.Context, org principal.Tenant, writes []table.Write) ([]access.Supposition, error)
}

// Preview is what a change would do.
type Preview struct {
	Users     []User     `json:"users"`     // whose access would change, by id
	Exact     bool       `json:"exact"`     // false: a bound was met, and counts of accounts may be larger
	Conflicts []Conflict `json:"conflicts"` // rules of separation of duty that users would break, old ones too
	AuthzVer  int64      `json:"authzVersion"`
	OrgVer    int64      `json:"orgVersion"`
}

// User is what changes for one user.
type User struct {
	ID       id.User             `json:"userId"`
	Active   *Change[bool]       `json:"active,omitempty"`
	Rights   []Right             `json:"rights,omitempty"`
	Fields   []Field             `json:"fields,omitempty"`
	Accounts []access.Difference `json:"accounts,omitempty"`
}

// Change is a value before and after.
type Change[T any] struct {
	Before T `json:"before"`
	After  T `json:"after"`
}

// Right is a right whose scope changes; none is no right.
type Right struct {
	Module policy.Module `json:"module"`
	Action policy.Action `json:"action"`
	Change[string]
}

// Field is a field whose access changes when the action is done: view, or edit.
type Field struct {
	Module policy.Module `json:"module"`
	Field  string        `json:"field"`
	Action policy.Action `json:"action"`
	Change[policy.Access]
}

// Conflict is a rule of separation of duty with those who would hold both of its rights.
type Conflict struct {
	Name  string    `json:"name"`
	Users []id.User `json:"userIds"`
}

// actions are those in which access to accounts is compared.
var actions = []policy.Action{policy.View, policy.Update, policy.Delete, policy.Transfer, policy.Share, policy.Export}

// Of gives the previews of changes of a tenant's roles, organisation, settings and grants.
func Of(a *access.Access, accounts Accounts) func(ctx context.Context, who *policy.Subject, writes []table.Write) (any, error) {
	return func(ctx context.Context, who *policy.Subject, writes []table.Write) (any, error) {
		was, err := a.Compiled(ctx, who.Org)
		if err != nil {
			return nil, err
		}
		after, org, moved, err := was.Suppose(who.Org, writes)
		if err != nil {
			return nil, err
		}
		is := was
		if after != was.Organisation {
			is = access.Compile(after)
		}
		p := &Preview{Users: []User{}, Exact: true, Conflicts: []Conflict{}}
		p.AuthzVer, p.OrgVer = was.Versions()
		changed := map[id.User]*User{}
		if moved {
			if err := p.everybody(ctx, who, was, is, org, accounts, changed); err != nil {
				return nil, err
			}
		}
		records, err := accounts.Suppose(ctx, who.Org, writes)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			record(who, is, &r, changed)
		}
		for _, u := range changed {
			p.Users = append(p.Users, *u)
		}
		slices.SortFunc(p.Users, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
		return p, nil
	}
}

// everybody compares all users under both organisations.
func (p *Preview) everybody(ctx context.Context, who *policy.Subject, was, is *access.Compiled, org principal.Tenant, accounts Accounts, changed map[id.User]*User) error {
	users := append(was.Users(), is.Users()...)
	slices.Sort(users)
	users = slices.Compact(users)
	var pairs []access.Supposed
	var of []id.User
	broken := map[string][]id.User{}
	for _, u := range users {
		x := access.Supposed{Before: was.Subject(who.Org, u, who.At), After: is.Subject(org, u, who.At)}
		if x.After.Rights != nil {
			for _, n := range policy.Conflicts(is.RolesAt(u), org.Settings.Separation) {
				name := org.Settings.Separation[n].Name
				broken[name] = append(broken[name], u)
			}
		}
		if reflect.DeepEqual(x.Before.Rights, x.After.Rights) && x.Before.Self.Status == x.After.Self.Status && reflect.DeepEqual(who.Org.Settings, org.Settings) {
			continue
		}
		pairs, of = append(pairs, x), append(of, u)
	}
	for _, rule := range org.Settings.Separation {
		if len(broken[rule.Name]) > 0 {
			p.Conflicts = append(p.Conflicts, Conflict{rule.Name, broken[rule.Name]})
		}
	}
	diffs, exact, err := accounts.Diff(ctx, who, pairs, actions)
	if err != nil {
		return err
	}
	p.Exact = p.Exact && exact
	for i, x := range pairs {
		u := User{ID: of[i], Rights: rights(x), Fields: fields(x), Accounts: diffs[i]}
		if a, b := standing(x.Before), standing(x.After); a != b {
			u.Active = &Change[bool]{a, b}
		}
		if u.Active != nil || len(u.Rights)+len(u.Fields)+len(u.Accounts) > 0 {
			changed[u.ID] = &u
		}
	}
	return nil
}

func standing(s *policy.Subject) bool { return s.Self.Status == principal.UserActive }

// rights are the scopes that change.
func rights(x access.Supposed) []Right {
	var out []Right
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			before, after := policy.May(x.Before, e.Module, a), policy.May(x.After, e.Module, a)
			if before != after {
				out = append(out, Right{e.Module, a, Change[string]{before.String(), after.String()}})
			}
		}
	}
	return out
}

// fields are the accesses that change.
func fields(x access.Supposed) []Field {
	var out []Field
	for _, e := range policy.Catalogue() {
		for _, name := range e.Fields {
			for _, a := range []policy.Action{policy.View, policy.Update} {
				if !policy.Declared(e.Module, a) {
					continue
				}
				before, after := x.Before.Field(e.Module, a, name), x.After.Field(e.Module, a, name)
				if before != after {
					out = append(out, Field{e.Module, name, a, Change[policy.Access]{before, after}})
				}
			}
		}
	}
	return out
}

// record compares all users on one account, in the organisation as it will be: without the marks that come with a grant, the first one to
// somebody that reaches who is above them would reach nobody there.
func record(who *policy.Subject, org *access.Compiled, r *access.Supposition, changed map[id.User]*User) {
	visible := policy.Decide(who, policy.ModAccount, policy.View, r.Before).Allowed
	for _, u := range org.Users() {
		s := org.Subject(who.Org, u, who.At)
		for _, a := range actions {
			before := policy.Decide(s, policy.ModAccount, a, r.Before).Allowed
			after := policy.Decide(s, policy.ModAccount, a, r.After).Allowed
			if before == after {
				continue
			}
			d := access.Difference{Action: a}
			some := &d.GainedSome
			if after {
				d.Gained = 1
			} else {
				d.Lost, some = 1, &d.LostSome
			}
			if visible {
				*some = []id.Account{r.Account}
			}
			if changed[u] == nil {
				changed[u] = &User{ID: u}
			}
			changed[u].Accounts = append(changed[u].Accounts, d)
		}
	}
}
