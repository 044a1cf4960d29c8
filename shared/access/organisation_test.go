package access_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

func TestOrganisationAnswersGuards(t *testing.T) {
	w := newWorld(t)
	top := w.department("")
	mid := w.department(top)
	low := w.department(mid)
	side := w.department(top)
	admin := id.New[id.Role](w.ids)
	w.put(key.Role(w.tenant, admin), policy.Role{ID: admin, Predefined: true, Template: policy.Administrator})
	lookalike := id.New[id.Role](w.ids)
	w.put(key.Role(w.tenant, lookalike), policy.Role{ID: lookalike, Template: policy.Administrator})
	plain := w.role()
	adminPost := w.post(low, admin, plain)
	boss := w.user(principal.Standing{Place: principal.Place{Roles: []id.Role{plain, admin, admin}}})
	byPost := w.user(principal.Standing{Place: principal.Place{Manager: boss, Posts: []id.Post{adminPost}, Roles: []id.Role{plain}}})
	asleep := w.user(principal.Standing{Place: principal.Place{Manager: byPost, Roles: []id.Role{admin}}, Status: principal.UserInactive})
	other := w.user(principal.Standing{Place: principal.Place{Roles: []id.Role{lookalike}}})

	o, err := w.access.Organisation(t.Context(), w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Departments) != 4 || len(o.Posts) != 1 || len(o.Places) != 4 || len(o.Roles) != 3 {
		t.Errorf("%d departments, %d posts, %d places, %d roles", len(o.Departments), len(o.Posts), len(o.Places), len(o.Roles))
	}
	if got := o.Admins(); !slices.Equal(got, []id.User{boss, byPost}) {
		t.Errorf("administrators: %v", got)
	}
	both := []id.Role{admin, plain}
	slices.Sort(both)
	for _, u := range []id.User{boss, byPost} {
		if got := o.RolesOf(u); !slices.Equal(got, both) {
			t.Errorf("roles: %v", got)
		}
	}
	if got := o.RolesOf("user_unknown"); len(got) != 0 {
		t.Errorf("roles of nobody: %v", got)
	}
	for says, got := range map[string]bool{
		"a department is under itself":       o.Under(mid, mid),
		"low is under the top":               o.Under(low, top),
		"the top is not under low":           !o.Under(top, low),
		"low is not beside itself":           !o.Under(low, side),
		"nothing is under a department":      !o.Under("", top),
		"a user reports to themselves here":  o.ReportsTo(boss, boss),
		"through one who is inactive or not": o.ReportsTo(asleep, boss),
		"not downwards":                      !o.ReportsTo(boss, asleep),
		"not to a stranger":                  !o.ReportsTo(asleep, other),
	} {
		if !got {
			t.Error("not so: " + says)
		}
	}
}

// TestCyclesEnd: no cycle should ever be stored; if one is, nothing hangs and nobody's request fails.
func TestCyclesEnd(t *testing.T) {
	w := newWorld(t)
	a, b, c := id.New[id.Department](w.ids), id.New[id.Department](w.ids), id.New[id.Department](w.ids)
	w.put(key.Department(w.tenant, a), access.Department{ID: a, Parent: b})
	w.put(key.Department(w.tenant, b), access.Department{ID: b, Parent: a})
	w.put(key.Department(w.tenant, c), access.Department{ID: c, Parent: c})
	ann, bob := id.New[id.User](w.ids), id.New[id.User](w.ids)
	w.user(principal.Standing{Place: principal.Place{User: ann, Manager: bob, Department: a}})
	w.user(principal.Standing{Place: principal.Place{User: bob, Manager: ann, Department: c}})
	o, err := w.access.Organisation(t.Context(), w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	if o.Under(a, c) || o.ReportsTo(ann, "user_unknown") {
		t.Error("found what is not there")
	}
	if got := w.subject(ann).ReportIDs(); !slices.Equal(got, []id.User{bob}) {
		t.Errorf("reports in a cycle: %v", got)
	}
	if got := w.subject(bob).DepartmentIDs(policy.Subtree); !slices.Equal(got, []id.Department{c}) {
		t.Errorf("departments in a cycle: %v", got)
	}
}

// TestLargeOrganisation reads more rows than one page holds.
func TestLargeOrganisation(t *testing.T) {
	w := newWorld(t)
	boss := w.user(principal.Standing{Place: principal.Place{Roles: []id.Role{w.role(grant(policy.View, policy.Reports))}}})
	const n = 2500
	for i := 0; i < n; i += 50 {
		var writes []table.Write
		for range 50 {
			u := id.New[id.User](w.ids)
			writes = append(writes, w.item(key.Place(w.tenant, u), principal.Place{User: u, Manager: boss}))
		}
		w.raised(writes...)
	}
	if got := len(w.subject(boss).ReportIDs()); got != n {
		t.Errorf("%d reports", got)
	}
}

// TestRaiseSerialises: of two changes that rely on the same row one commits, and the other finds its premise moved (I12, I13).
func TestRaiseSerialises(t *testing.T) {
	w := newWorld(t)
	row, version := w.row()
	row.Settings = principal.Settings{ModulesOff: []string{"order"}, RequiredAccountFields: []string{"name"}}
	stage := func(rival string) *change.Set {
		c := change.New(principal.System(w.tenant, "test", noon), w.ids, noon)
		err := access.Raise(c, row, version, func(x *principal.Tenant) {
			x.OrgVer++
			x.Settings.ModulesOff[0], x.Settings.RequiredAccountFields[0] = rival, rival
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Record(audit.Event{Target: string(w.tenant)})
		return c
	}
	first, second := stage("lead"), stage("service")
	if row.OrgVer != 1 || row.Settings.ModulesOff[0] != "order" || row.Settings.RequiredAccountFields[0] != "name" {
		t.Errorf("the row in the caller's hand was changed: %+v", row)
	}
	if err := first.Commit(t.Context(), w.table); err != nil {
		t.Fatal(err)
	}
	if err := second.Commit(t.Context(), w.table); !errors.Is(err, change.ErrMoved) {
		t.Errorf("the second: %v", err)
	}
	now, _ := w.row()
	if now.OrgVer != row.OrgVer+1 || now.Settings.ModulesOff[0] != "lead" {
		t.Errorf("stored: %+v", now)
	}
	page, err := w.table.Query(t.Context(), table.Query{Index: table.G1, PK: key.Tenants(w.tenant).PK})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("the tenant fell out of the list of tenants: %v", err)
	}
}

// TestOrganisationPassesFaultsOn: a guard that cannot read does not guard with less.
func TestOrganisationPassesFaultsOn(t *testing.T) {
	w := newWorld(t)
	w.put(key.Role(w.tenant, "role_1"), map[string]int{"id": 5})
	if o, err := w.access.Organisation(t.Context(), w.tenant); o != nil || !fault.IsKind(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}
