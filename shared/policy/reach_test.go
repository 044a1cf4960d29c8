package policy_test

import (
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestReachCountsPeople: who sits where a scope reaches is counted, each once; where nobody knows who sits where, owners are.
func TestReachCountsPeople(t *testing.T) {
	seats := map[id.Department][]id.User{
		"home":  {"user_me", "user_report", "user_mate"},
		"head":  {"user_report2", "user_other"}, // which the user heads
		"below": {"user_low", "user_low2", "user_low3"},
	}
	at := policy.Chart{
		User: "user_me", Reports: []id.User{"user_report", "user_report2"}, Department: "home", Seats: []id.Department{"head"}, Below: []id.Department{"below"},
		Seated: func(d id.Department) []id.User { return seats[d] },
	}
	for _, row := range []struct {
		scope  policy.Scope
		known  bool
		people int
		seated []int
	}{
		{policy.Own, true, 1, nil},
		{policy.Reports, true, 3, nil},
		{policy.Department, true, 5, []int{3, 2}},
		{policy.Subtree, true, 8, []int{3, 2, 3}},
		{policy.Department, false, 3, []int{0, 0}},
		{policy.Subtree, false, 3, []int{0, 0, 0}},
		{policy.All, true, 0, nil},
	} {
		at := at
		if !row.known {
			at.Seated = nil
		}
		role := policy.Role{ID: "role_1", Grants: []policy.Grant{{Module: policy.ModAccount, Action: policy.View, Scope: row.scope}}}
		s := &policy.Subject{
			Principal: principal.Principal{Tenant: "tnt_1", User: at.User},
			Org:       principal.Tenant{ID: "tnt_1", Status: principal.TenantActive},
			Self:      principal.Standing{Place: principal.Place{User: at.User}, Status: principal.UserActive},
			Rights:    policy.Compile(at, []policy.Role{role}),
		}
		if r := policy.ReachOf(s, policy.ModAccount, policy.View); r.People != row.people || !slices.Equal(r.Seated, row.seated) {
			t.Errorf("%v, known %t: %d people, seated %v; want %d, %v", row.scope, row.known, r.People, r.Seated, row.people, row.seated)
		}
	}
}
