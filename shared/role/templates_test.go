package role_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/role"
	"github.com/steward-crm/steward/shared/text"
)

func template(t *testing.T, name string) role.Template {
	t.Helper()
	for _, x := range role.Templates() {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no template %s", name)
	return role.Template{}
}

// holding is a user in the department who holds nothing but the template.
func holding(x role.Template) *policy.Subject {
	at := principal.Place{User: "me", Department: "mine", Active: true}
	return &policy.Subject{
		Principal: principal.Principal{Tenant: "acme", User: "me"},
		Org:       principal.Tenant{ID: "acme", Status: principal.TenantActive},
		Self:      principal.Standing{Place: at, Status: principal.UserActive},
		Rights: policy.Compile(policy.Chart{User: "me", Reports: []id.User{"report"}, Department: "mine", Below: []id.Department{"below"}},
			[]policy.Role{{Level: x.Level, Grants: x.Grants, Fields: x.Fields}}),
	}
}

// TestPostsOfTheFoundingTable is O04: the table in testdata is what the four templates give, by May for every right of the catalogue.
func TestPostsOfTheFoundingTable(t *testing.T) {
	b, err := os.ReadFile("testdata/posts.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{} // post → "module action" → scope
	post := ""
	for _, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		if name, _, ok := strings.Cut(line, ":"); ok {
			post = name
			want[post] = map[string]string{}
			continue
		}
		words := strings.Fields(line)
		for _, a := range words[2:] {
			want[post][words[1]+" "+a] = words[0]
		}
	}
	if got := slices.Sorted(maps.Keys(want)); !slices.Equal(got, []string{"data_analyst", "marketing_specialist", "sales_manager", "service_representative"}) {
		t.Fatalf("posts: %v", got)
	}
	for post, rights := range want {
		s := holding(template(t, post))
		for _, e := range policy.Catalogue() {
			for _, a := range e.Actions {
				expect, ok := rights[fmt.Sprintf("%s %s", e.Module, a)]
				if !ok {
					expect = "none"
				}
				if got := policy.May(s, e.Module, a).String(); got != expect {
					t.Errorf("%s: %s of %s is %s, want %s", post, a, e.Module, got, expect)
				}
			}
		}
	}
}

// TestLevels is R07: four presets, each of which may do all that the one below it may, and sees every field that it sees (I6).
func TestLevels(t *testing.T) {
	var below *policy.Subject
	for _, name := range []string{"restricted_user", "standard_user", "power_user", "administrator"} {
		s := holding(template(t, name))
		for _, e := range policy.Catalogue() {
			for _, a := range e.Actions {
				if below == nil {
					continue
				}
				if policy.May(s, e.Module, a) < policy.May(below, e.Module, a) {
					t.Errorf("%s may not %s %s as far as the level below", name, a, e.Module)
				}
				for _, f := range e.Fields {
					if !s.Field(e.Module, a, f).AtLeast(below.Field(e.Module, a, f)) {
						t.Errorf("%s may not %s the field %s of %s, the level below may", name, a, f, e.Module)
					}
				}
			}
		}
		below = s
	}
}

// TestRestrictedSeesOnlyContactInfo, and TestPowerManagesNoUsers, are the two sentences of R07.
func TestRestrictedSeesOnlyContactInfo(t *testing.T) {
	s := holding(template(t, "restricted_user"))
	want := []policy.Grant{
		{Module: policy.ModAccount, Action: policy.View, Scope: policy.Own},
		{Module: policy.ModContact, Action: policy.View, Scope: policy.Own},
	}
	if got := policy.Held(s); !slices.Equal(got, want) {
		t.Errorf("held: %v", got)
	}
	shown := map[policy.Module][]string{}
	for _, e := range policy.Catalogue() {
		for _, f := range e.Fields {
			switch s.Field(e.Module, policy.View, f) {
			case policy.Read:
				shown[e.Module] = append(shown[e.Module], f)
			case policy.Edit, policy.Masked:
				t.Errorf("%s.%s", e.Module, f)
			}
		}
	}
	if !slices.Equal(shown[policy.ModAccount], []string{"name", "email", "phone", "contacts"}) ||
		!slices.Equal(shown[policy.ModContact], []string{"name", "title", "email", "phone", "primary"}) || len(shown) != 2 {
		t.Errorf("shown: %v", shown)
	}
	if s.Field(policy.ModAccount, policy.View, "custom.credit") != policy.Hidden {
		t.Error("shows custom fields")
	}
}

func TestPowerManagesNoUsers(t *testing.T) {
	s := holding(template(t, "power_user"))
	for _, m := range []policy.Module{policy.ModAccount, policy.ModContact, policy.ModOpportunity, policy.ModOrder, policy.ModLead} {
		if policy.May(s, m, policy.View) != policy.All {
			t.Errorf("does not see all of %s", m)
		}
	}
	if policy.May(s, policy.ModOrder, policy.Approve) != policy.All {
		t.Error("does not approve orders")
	}
	for _, m := range []policy.Module{policy.ModUser, policy.ModRole, policy.ModOrg, policy.ModTenant, policy.ModAudit, policy.ModBackup, policy.ModField} {
		for _, a := range policy.Actions {
			if a != policy.View && policy.May(s, m, a) != policy.None {
				t.Errorf("may %s %s", a, m)
			}
		}
	}
}

// TestAdministratorHoldsEverything, and the sensitive fields, by its role alone (rule 7).
func TestAdministratorHoldsEverything(t *testing.T) {
	s := holding(template(t, "administrator"))
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			if policy.May(s, e.Module, a) != policy.All {
				t.Errorf("may not %s %s", a, e.Module)
			}
		}
		for _, f := range e.Fields {
			if s.Field(e.Module, policy.View, f) != policy.Edit {
				t.Errorf("does not hold %s.%s", e.Module, f)
			}
		}
	}
	for _, x := range role.Templates() {
		if err := policy.CanAssign(s, []policy.Role{{Level: x.Level, Grants: x.Grants, Fields: x.Fields}}); err != nil {
			t.Errorf("may not give %s: %v", x.Name, err)
		}
	}
}

// TestTemplatesKeepTheirLevel, name what there is, and have their texts.
func TestTemplatesKeepTheirLevel(t *testing.T) {
	names := map[string]bool{}
	for _, x := range role.Templates() {
		for _, g := range x.Grants {
			if !policy.LevelAllows(x.Level, g) {
				t.Errorf("%s: %+v is beyond level %s", x.Name, g, x.Level)
			}
		}
		for _, f := range x.Fields {
			if !policy.DeclaredField(f.Module, f.Field) || !f.Access.Valid() {
				t.Errorf("%s: %+v", x.Name, f)
			}
		}
		for _, l := range text.Locales {
			if names[x.Title(l)+l] || strings.HasPrefix(x.Title(l), "role.") || strings.HasPrefix(x.Description(l), "role.") {
				t.Errorf("%s in %s: %q, %q", x.Name, l, x.Title(l), x.Description(l))
			}
			names[x.Title(l)+l] = true
		}
	}
	if len(role.Templates()) != 8 {
		t.Errorf("%d templates", len(role.Templates()))
	}
}
