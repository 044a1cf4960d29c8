package access_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestSeparation: who holds both rights of a rule, directly and by posts, whatever their status; only what a change adds is refused.
func TestSeparation(t *testing.T) {
	w := newWorld(t)
	order := func(a policy.Action) policy.Grant {
		return policy.Grant{Module: policy.ModOrder, Action: a, Scope: policy.Own}
	}
	maker, checker := w.role(order(policy.Create)), w.role(order(policy.Approve))
	admin := policy.Role{ID: id.New[id.Role](w.ids), Predefined: true, Template: policy.Administrator, Grants: []policy.Grant{order(policy.Create), order(policy.Approve)}}
	w.raised(w.item(key.Role(w.tenant, admin.ID), admin))
	checks := w.post("", checker)
	holds := func(s principal.UserStatus, posts []id.Post, roles ...id.Role) id.User {
		return w.user(principal.Standing{Place: principal.Place{Roles: roles, Posts: posts}, Status: s})
	}
	both := holds(principal.UserActive, nil, maker, checker)
	byPost := holds(principal.UserActive, []id.Post{checks}, maker)
	gone := holds(principal.UserInactive, nil, checker, maker)
	one, boss := holds(principal.UserActive, nil, maker), holds(principal.UserActive, nil, maker, admin.ID)
	holds(principal.UserActive, nil, checker)
	o, err := w.access.Organisation(context.Background(), w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	rules := []principal.Separation{
		{Name: "Accounts", First: "account.create", Second: "account.delete"}, {Name: "Orders", First: "order.approve", Second: "order.create"},
	}
	if got, want := fmt.Sprint(o.Conflicts(rules)), fmt.Sprint([][]id.User{nil, {both, byPost, gone}}); got != want {
		t.Errorf("%s break the rules, want %s", got, want)
	}
	put := func(u id.User, edit func(*principal.Place)) func(*access.Organisation) {
		return func(o *access.Organisation) {
			p := o.Places[u]
			edit(&p)
			o.Places[u] = p
		}
	}
	for _, row := range []struct {
		says  string
		edit  func(*access.Organisation)
		users string // how many more, "" when it is allowed
	}{
		{"no change", func(*access.Organisation) {}, ""},
		{"the second right, directly", put(one, func(p *principal.Place) { p.Roles = []id.Role{maker, checker} }), "1"},
		{"the second right, by a post", put(one, func(p *principal.Place) { p.Posts = []id.Post{checks} }), "1"},
		{"the other right instead", put(one, func(p *principal.Place) { p.Roles = []id.Role{checker} }), ""},
		{"who breaks it gets more", put(both, func(p *principal.Place) { p.Posts = []id.Post{checks} }), ""},
		{"who breaks it stops", put(both, func(p *principal.Place) { p.Roles = nil }), ""},
		{"the administrator gets one of them", put(boss, func(p *principal.Place) { p.Roles = []id.Role{admin.ID, checker} }), ""},
		{"the administrator gets both besides", put(boss, func(p *principal.Place) { p.Posts = []id.Post{checks} }), "1"},
		{"the role of many gains the second", func(o *access.Organisation) {
			r := o.Roles[maker]
			r.Grants = append([]policy.Grant{order(policy.Approve)}, r.Grants...)
			o.Roles[maker] = r
		}, "2"},
		{"the post of many gains the first", func(o *access.Organisation) {
			o.Posts[checks] = access.Post{ID: checks, Roles: []id.Role{checker, maker}}
			o.Places["user_new"] = principal.Place{User: "user_new", Posts: []id.Post{checks}}
		}, "1"},
	} {
		after := o.Clone()
		row.edit(after)
		f := fault.Of(access.Separated(o, after, rules))
		if row.users == "" {
			if f != nil {
				t.Errorf("%s: %v", row.says, f)
			}
		} else if f == nil || f.Code != "separation_of_duty" || f.Kind != fault.Conflict || f.Args["users"] != row.users || f.Args["rule"] != "Orders" {
			t.Errorf("%s: %v, want %s users", row.says, f, row.users)
		}
		if err := access.Separated(o, after, nil); err != nil {
			t.Errorf("%s, without rules: %v", row.says, err)
		}
	}
}
