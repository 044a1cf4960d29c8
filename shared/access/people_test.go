package access_test

import (
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestReachCountsPeople: how many users a scope reaches by where they sit, each once, though they sit in a department and report as well.
func TestReachCountsPeople(t *testing.T) {
	o := &access.Organisation{
		Departments: map[id.Department]access.Department{"top": {ID: "top"}, "mine": {ID: "mine", Parent: "top"}, "below": {ID: "below", Parent: "mine"}, "headed": {ID: "headed", Head: "me"}},
		Places:      map[id.User]principal.Place{},
		Roles:       map[id.Role]policy.Role{},
	}
	for _, p := range []principal.Place{
		{User: "boss", Department: "top"},
		{User: "me", Department: "mine", Manager: "boss"},
		{User: "beside", Department: "mine", Manager: "boss"},
		{User: "mine", Department: "mine", Manager: "me"},
		{User: "elsewhere", Department: "top", Manager: "me"},
		{User: "indirect", Manager: "elsewhere"},
		{User: "one below", Department: "below", Manager: "me"},
		{User: "two below", Department: "below", Manager: "boss"},
		{User: "in what I head", Department: "headed"},
	} {
		p.Active = true
		o.Places[p.User] = p
	}
	for _, row := range []struct {
		scope  policy.Scope
		people int
		seated []int // my own department, the one that I head, the one below
	}{
		{policy.Own, 1, nil},
		{policy.Reports, 5, nil},
		{policy.Department, 7, []int{3, 1}},
		{policy.Subtree, 8, []int{3, 1, 2}},
		{policy.All, 0, nil},
	} {
		r := policy.Role{ID: "role", Grants: []policy.Grant{{Module: policy.ModAccount, Action: policy.View, Scope: row.scope}}}
		o.Roles["role"] = r
		me := o.Places["me"]
		me.Roles = []id.Role{"role"}
		o.Places["me"] = me
		who := access.Compile(o.Clone()).Subject(principal.Tenant{ID: "tenant", Status: principal.TenantActive}, "me", noon)
		who.Tenant = "tenant"
		reach := policy.ReachOf(who, policy.ModAccount, policy.View)
		if reach.People != row.people || !slices.Equal(reach.Seated, row.seated) {
			t.Errorf("%v reaches %d people, seated %v; want %d, %v", row.scope, reach.People, reach.Seated, row.people, row.seated)
		}
	}
}
