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
		if r := policy.ReachOf(viewing(at, row.scope), policy.ModAccount, policy.View); r.People != row.people || !slices.Equal(r.Seated, row.seated) {
			t.Errorf("%v, known %t: %d people, seated %v; want %d, %v", row.scope, row.known, r.People, r.Seated, row.people, row.seated)
		}
	}
}

// TestReachFindsTeams: where those sit who report to the subject, but for departments that the scope reaches anyway; whoever has left a department
// once is apart, and whoever sits nowhere is not to be found by a department.
func TestReachFindsTeams(t *testing.T) {
	places := map[id.User]id.Department{
		"user_me": "home", "user_near": "home", "user_far": "far", "user_far2": "far", "user_low": "below", "user_left": "far", "user_none": "",
	}
	seats := map[id.Department][]id.User{
		"home": {"user_me", "user_near"}, "below": {"user_low"}, "far": {"user_far", "user_far2", "user_left", "user_other"},
	}
	at := policy.Chart{
		User: "user_me", Department: "home", Below: []id.Department{"below"},
		Reports: []id.User{"user_near", "user_far", "user_far2", "user_low", "user_left", "user_none"},
		Seated:  func(d id.Department) []id.User { return seats[d] },
		Sits:    func(u id.User) (id.Department, bool) { return places[u], u == "user_left" },
	}
	home, far := policy.Team{Department: "home", Seated: 2, Reached: 2, One: "user_me"}, policy.Team{Department: "far", Seated: 4, Reached: 2, One: "user_far"}
	below := policy.Team{Department: "below", Seated: 1, Reached: 1, One: "user_low"}
	left := []id.User{"user_left"}
	for _, row := range []struct {
		scope policy.Scope
		known bool
		teams []policy.Team
		apart []id.User
	}{
		{policy.Own, true, nil, []id.User{"user_me"}},
		{policy.Reports, true, []policy.Team{home, far, below}, left},
		{policy.Department, true, []policy.Team{far, below}, left},
		{policy.Subtree, true, []policy.Team{far}, left},
		{policy.All, true, nil, nil},
		{policy.Reports, false, nil, append([]id.User{"user_me"}, at.Reports...)},
	} {
		at := at
		if !row.known {
			at.Sits = nil
		}
		r := policy.ReachOf(viewing(at, row.scope), policy.ModAccount, policy.View)
		if !slices.Equal(r.Teams, row.teams) || !slices.Equal(r.Apart, row.apart) {
			t.Errorf("%v, known %t: teams %v, apart %v; want %v, %v", row.scope, row.known, r.Teams, r.Apart, row.teams, row.apart)
		}
	}
	s := viewing(at, policy.Own)
	if s.SeatOf("user_low") != "below" || s.SeatOf("user_none") != "" || (&policy.Subject{}).SeatOf("user_low") != "" {
		t.Error("a user does not sit where they sit")
	}
	if at.Unseated = 1; viewing(at, policy.Own).Unseated() != 1 || (&policy.Subject{}).Unseated() != 0 {
		t.Error("who sits nowhere is not counted")
	}
}

// viewing is a subject who may view accounts in the scope.
func viewing(at policy.Chart, scope policy.Scope) *policy.Subject {
	role := policy.Role{ID: "role_1", Grants: []policy.Grant{{Module: policy.ModAccount, Action: policy.View, Scope: scope}}}
	return &policy.Subject{
		Principal: principal.Principal{Tenant: "tnt_1", User: at.User},
		Org:       principal.Tenant{ID: "tnt_1", Status: principal.TenantActive},
		Self:      principal.Standing{Place: principal.Place{User: at.User}, Status: principal.UserActive},
		Rights:    policy.Compile(at, []policy.Role{role}),
	}
}
