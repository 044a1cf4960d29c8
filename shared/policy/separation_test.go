package policy_test

import (
	"fmt"
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestConflicts: a rule is broken by roles that give both of its rights, together or alone, in any scope; what the predefined administrator
// gives does not count, and what is no right is given by nobody.
func TestConflicts(t *testing.T) {
	order := func(actions ...policy.Action) (r policy.Role) {
		for _, a := range actions {
			r.Grants = append(r.Grants, grant(policy.ModOrder, a, policy.Own))
		}
		return r
	}
	admin := order(policy.Create, policy.Approve)
	admin.Predefined, admin.Template = true, policy.Administrator
	other := admin
	other.Template = "power_user"
	copied := admin
	copied.Predefined = false
	rules := []principal.Separation{
		{Name: "none", First: "order.create", Second: "lead.create"},
		{Name: "orders", First: "order.create", Second: "order.approve"},
		{Name: "nonsense", First: "order.create", Second: "order.fly"},
	}
	for _, row := range []struct {
		says  string
		roles []policy.Role
		want  []int
	}{
		{"no roles", nil, nil},
		{"one right", []policy.Role{order(policy.Create)}, nil},
		{"two roles", []policy.Role{order(policy.Create), order(policy.Approve)}, []int{1}},
		{"one role", []policy.Role{order(policy.Approve, policy.Create)}, []int{1}},
		{"the administrator", []policy.Role{admin}, nil},
		{"the administrator and one right", []policy.Role{admin, order(policy.Approve)}, nil},
		{"the administrator and both", []policy.Role{admin, order(policy.Approve), order(policy.Create)}, []int{1}},
		{"another predefined role", []policy.Role{other}, []int{1}},
		{"a copy of the administrator", []policy.Role{copied}, []int{1}},
	} {
		if got := policy.Conflicts(row.roles, rules); fmt.Sprint(got) != fmt.Sprint(row.want) {
			t.Errorf("%s: %v, want %v", row.says, got, row.want)
		}
	}
}

// TestCanShareAll: who opens every account to others shares any and does as much with any, by scope or by default.
func TestCanShareAll(t *testing.T) {
	on := func(s policy.Scope, actions ...policy.Action) (r policy.Role) {
		for _, a := range actions {
			r.Grants = append(r.Grants, grant(policy.ModAccount, a, s))
		}
		return r
	}
	share := on(policy.All, policy.Share)
	both := policy.ActView | policy.ActEdit
	for _, row := range []struct {
		says     string
		roles    []policy.Role
		defaults policy.Default
		acts     policy.Acts
		ok       bool
	}{
		{"all", []policy.Role{on(policy.All, policy.Share, policy.View, policy.Update)}, policy.Private, both, true},
		{"view alone", []policy.Role{share, on(policy.All, policy.View)}, policy.Private, both, false},
		{"view alone, given", []policy.Role{share, on(policy.All, policy.View)}, policy.Private, policy.ActView, true},
		{"not to share", []policy.Role{on(policy.All, policy.View, policy.Update)}, policy.Private, both, false},
		{"to share in the subtree", []policy.Role{on(policy.Subtree, policy.Share), on(policy.All, policy.View)}, policy.Private, policy.ActView, false},
		{"view in the subtree", []policy.Role{share, on(policy.Subtree, policy.View)}, policy.Private, policy.ActView, false},
		{"view in the subtree, all by default", []policy.Role{share, on(policy.Subtree, policy.View)}, policy.PublicRead, policy.ActView, true},
		{"edit, where the default is to read", []policy.Role{share, on(policy.Own, policy.View, policy.Update)}, policy.PublicRead, both, false},
		{"edit, where the default is to edit", []policy.Role{share, on(policy.Own, policy.View, policy.Update)}, policy.PublicEdit, both, true},
		{"the default without the right", []policy.Role{share}, policy.PublicEdit, policy.ActView, false},
	} {
		s := subject(row.roles...)
		s.Org.Settings.Defaults = map[string]string{"account": string(row.defaults)}
		err := policy.CanShareAll(s, row.acts)
		if (err == nil) != row.ok || err != nil && !fault.Is(err, "grant_exceeds_own") {
			t.Errorf("%s: %v", row.says, err)
		}
	}
	if policy.CanShareAll(nil, policy.ActView) == nil {
		t.Error("nobody may share")
	}
}
