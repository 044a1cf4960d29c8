package policy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// director is the most that a decision has to look through: 1,000 reports, 200 departments, no scope of all, grants of three kinds on the
// record and two categories.
func director() (*policy.Subject, map[string]policy.Resource) {
	const tenant = "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB"
	user := func(n int) id.User { return id.User(fmt.Sprintf("user_01JD3Z4T0X8Y6QH2N5W7%06d", n)) }
	dept := func(n int) id.Department { return id.Department(fmt.Sprintf("dept_01JD3Z4T0X8Y6QH2N5W7%06d", n)) }
	at := policy.Chart{User: user(0), Department: dept(0)}
	for i := 1; i <= 1000; i++ {
		at.Reports = append(at.Reports, user(i))
	}
	for i := 1; i <= 200; i++ {
		at.Below = append(at.Below, dept(i))
	}
	team := []policy.RecordGrant{
		{Kind: policy.KindTeam, To: policy.ToUser(user(6001)), On: policy.ActsOf("edit")},
		{Kind: policy.KindTeam, To: policy.ToUser(user(6002)), On: policy.ActsOf("read"), Expires: 1_900_000_000},
		{Kind: policy.KindTeam, To: policy.ToUser(user(6003)), On: policy.ActsOf("edit"), Superiors: true},
	}
	mine := append(slices.Clone(team[:2]), policy.RecordGrant{Kind: policy.KindTeam, To: policy.ToUser(user(777)), On: policy.ActView, Superiors: true})
	closed := append(slices.Clone(team[:2]), policy.RecordGrant{Kind: policy.KindOverride, To: policy.ToDepartment(dept(0), true), Off: policy.ActView})
	at.Granted = func(policy.Grantee) (policy.Mark, bool) {
		return policy.Mark{Superiors: true, Off: true, Overflow: true}, true
	}
	at.Superiors = []policy.Grantee{policy.ToUser(user(777)), policy.ToDepartment(dept(177), false)}
	at.Categories = []policy.CategoryGrant{{Category: "cat_2", To: policy.ToDepartment(dept(0), false), On: policy.ActView}}
	s := &policy.Subject{
		Principal: principal.Principal{Tenant: tenant, User: at.User, At: time.Unix(1_772_450_000, 0)},
		Org:       principal.Tenant{ID: tenant, Status: principal.TenantActive, Settings: principal.Settings{ModulesOff: []string{"campaign"}}},
		Self:      principal.Standing{Place: principal.Place{User: at.User, Department: at.Department}, Status: principal.UserActive},
		Rights: policy.Compile(at, []policy.Role{{Level: policy.Power, Grants: []policy.Grant{
			grant(policy.ModAccount, policy.View, policy.Subtree),
			grant(policy.ModOrder, policy.View, policy.All),
		}}}),
	}
	return s, map[string]policy.Resource{
		"own":      {Tenant: tenant, Owner: user(0), Department: dept(7)},
		"reports":  {Tenant: tenant, Owner: user(777), Department: dept(7)},
		"subtree":  {Tenant: tenant, Owner: user(5000), Department: dept(177)},
		"no reach": {Tenant: tenant, Owner: user(5000), Department: dept(5000)},
		"foreign":  {Tenant: "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MC", Owner: user(0), Department: dept(0)},
		"team":     {Tenant: tenant, Owner: user(5000), Department: dept(5000), Grants: mine},
		"not mine": {Tenant: tenant, Owner: user(5000), Department: dept(5000), Grants: team, Categories: []id.Category{"cat_1", "cat_3"}},
		"category": {Tenant: tenant, Owner: user(5000), Department: dept(5000), Grants: team, Categories: []id.Category{"cat_1", "cat_2"}},
		"denied":   {Tenant: tenant, Owner: user(0), Department: dept(0), Grants: closed, Categories: []id.Category{"cat_1", "cat_2"}},
	}
}

var view = policy.PermissionOf(policy.ModAccount, policy.View)

// TestDecidingAllocatesNothing: a list decides on every row.
func TestDecidingAllocatesNothing(t *testing.T) {
	s, all := director()
	for name, r := range all {
		if n := testing.AllocsPerRun(100, func() {
			policy.Decide(s, policy.ModAccount, policy.View, r)
			policy.Allows(s, view, &r)
			_ = policy.Require(s, policy.ModAccount, policy.Update, r)
			_ = policy.RequireAny(s, policy.ModAccount, policy.Delete)
			policy.ReachOf(s, policy.ModOrder, policy.View)
			s.Field(policy.ModAccount, policy.View, "custom.size")
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkAllows prints ns/op and its share of the budget of 100 ns.
func BenchmarkAllows(b *testing.B) {
	s, all := director()
	for _, name := range []string{"own", "reports", "subtree", "no reach", "foreign", "team", "not mine", "category", "denied"} {
		r := all[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				policy.Allows(s, view, &r)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "of-budget")
		})
	}
}

// BenchmarkField is asked for each field of each row.
func BenchmarkField(b *testing.B) {
	s, _ := director()
	b.ReportAllocs()
	for b.Loop() {
		s.Field(policy.ModAccount, policy.View, "address")
	}
}

// BenchmarkCompile is paid once for each user and version of the tenant's roles and organisation.
func BenchmarkCompile(b *testing.B) {
	s, _ := director()
	at := policy.Chart{User: s.User, Reports: s.ReportIDs(), Department: s.Self.Department, Below: s.DepartmentIDs(policy.Subtree)[1:]}
	roles := []policy.Role{{Grants: everything()}}
	b.ReportAllocs()
	for b.Loop() {
		policy.Compile(at, roles)
	}
}
