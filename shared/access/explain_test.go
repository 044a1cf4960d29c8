package access_test

import (
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestFacts: an explanation is told how each role comes, who holds roles, the ways up, and through whom of the reports a grant is met; roles
// that are not held are named only when that is asked for.
func TestFacts(t *testing.T) {
	role := func(r id.Role) policy.Role { return policy.Role{ID: r, Name: "of " + string(r)} }
	o := &access.Organisation{
		Departments: map[id.Department]access.Department{"top": {ID: "top"}, "d": {ID: "d", Parent: "top"}},
		Posts:       map[id.Post]access.Post{"p": {ID: "p", Roles: []id.Role{"r2"}}, "q": {ID: "q", Roles: []id.Role{"r1", "r2"}}},
		Roles:       map[id.Role]policy.Role{"r1": role("r1"), "r2": role("r2"), "r3": role("r3")},
		Places: map[id.User]principal.Place{
			"boss": {User: "boss", Active: true, Roles: []id.Role{"r1"}, Posts: []id.Post{"p", "q"}},
			"gone": {User: "gone", Manager: "boss", Department: "d"},
			"rep":  {User: "rep", Manager: "boss", Department: "d", Active: true, Roles: []id.Role{"r3"}},
		},
	}
	c := access.Compile(o)
	f := c.Facts(o.Places["boss"], true)
	if len(f.Held) != 2 || !f.Held[0].Direct || !slices.Equal(f.Held[0].Posts, []id.Post{"q"}) || f.Held[1].Direct || !slices.Equal(f.Held[1].Posts, []id.Post{"p", "q"}) {
		t.Errorf("held: %+v", f.Held)
	}
	if len(f.Roles) != 3 || f.Roles[0].ID != "r1" || f.Holders("r2") != 1 || f.Holders("r9") != 0 {
		t.Errorf("roles: %+v", f.Roles)
	}
	if f.Manager("rep") != "boss" || f.Manager("boss") != "" || f.Parent("d") != "top" || f.Parent("top") != "" {
		t.Error("the ways up")
	}
	if got := f.Through(policy.ToDepartment("top", true)); got != "rep" {
		t.Errorf("met through %q, want the report who is active", got)
	}
	if got := f.Through(policy.ToUser("gone")); got != "" {
		t.Errorf("met through %q", got)
	}
	if c.DirectReports("boss") != 2 || c.DirectReports("rep") != 0 {
		t.Error("direct reports")
	}
	if f := c.Facts(o.Places["boss"], false); f.Roles != nil || len(f.Held) != 2 {
		t.Errorf("without the right to read roles: %+v", f.Roles)
	}
}
