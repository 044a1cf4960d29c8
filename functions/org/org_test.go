package org_test

import (
	"strings"
	"testing"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/org"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	nouns "github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

type m = map[string]any

// office is a tenant and somebody who may do everything with its organisation, spoken to over HTTP.
type office struct {
	*edgetest.Deployment
	tenant id.Tenant
	boss   edgetest.Client
	api    *edgetest.Server
}

func newOffice(t *testing.T) *office {
	t.Helper()
	d := edgetest.Deploy(t)
	o := &office{Deployment: d, tenant: d.Tenant(t), api: edgetest.Serve(t, d.Platform, org.Routes(d.Platform))}
	var all []policy.Grant
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			if e.Module == policy.ModOrg || e.Module == policy.ModTenant {
				all = append(all, policy.Grant{Module: e.Module, Action: a, Scope: policy.All})
			}
		}
	}
	o.boss = o.api.As(d.User(t, o.tenant, all...))
	return o
}

type thing struct {
	ID               string   `json:"id"`
	Name             string   `json:"name"`
	Parent           string   `json:"parentId"`
	Department       string   `json:"departmentId"`
	Responsibilities string   `json:"responsibilities"`
	Roles            []string `json:"roleIds"`
	Version          int64    `json:"version"`
}

// TestStructure holds O02 and O03 through the API.
func TestStructure(t *testing.T) {
	o := newOffice(t)
	var sales, east, rep thing
	a := o.boss.Post("/v1/departments", m{"name": "Sales", "responsibilities": "Sells", "headId": nil, "parentId": nil}).Want(t, 201, "").Read(t, &sales)
	if a.Header.Get("Location") != "/v1/departments/"+sales.ID || a.ETag() != `"1"` {
		t.Errorf("headers %v", a.Header)
	}
	o.boss.Post("/v1/departments", m{"name": "East", "parentId": sales.ID}).Want(t, 201, "").Read(t, &east)
	o.boss.Post("/v1/departments", m{"name": "SALES"}).Want(t, 409, "department_name_taken").Field(t, "/name", "department_name_taken")
	o.boss.Post("/v1/departments", m{}).Want(t, 422, "required").Field(t, "/name", "required")

	s, e := "/v1/departments/"+sales.ID, "/v1/departments/"+east.ID
	o.boss.Post(s+"/move", m{"parentId": east.ID}).Want(t, 422, "department_cycle")
	o.boss.Post(e+"/move", m{}).Want(t, 422, "required").Field(t, "/parentId", "required")
	o.boss.Post(e+"/move", m{"parentId": nil}).Want(t, 200, "").Read(t, &east)
	o.boss.IfMatch(`"1"`).Post(e+"/move", m{"parentId": sales.ID}).Want(t, 412, "version_conflict")
	o.boss.IfMatch(`"2"`).Post(e+"/move", m{"parentId": sales.ID}).Want(t, 200, "")
	o.boss.Patch(s, m{"name": "Sales 2"}).Want(t, 428, "if_match_required")
	o.boss.IfMatch(`"1"`).Patch(s, m{"parentId": east.ID}).Want(t, 400, "unknown_field")
	var patched thing
	o.boss.IfMatch(`"1"`).Patch(s, m{"responsibilities": nil}).Want(t, 200, "").Read(t, &patched)
	if patched.Responsibilities != "" || patched.Name != "Sales" || patched.Version != 2 {
		t.Errorf("patched to %+v", patched)
	}

	o.boss.Post("/v1/posts", m{"departmentId": sales.ID, "name": "Rep", "roleIds": []string{"role_x"}}).Want(t, 422, "unknown_role").Field(t, "/roleIds/0", "unknown_role")
	o.boss.Post("/v1/posts", m{"departmentId": sales.ID, "name": "Rep"}).Want(t, 201, "").Read(t, &rep)
	p := "/v1/posts/" + rep.ID
	if rep.Roles == nil {
		t.Error("a post without roles answers no list")
	}
	o.boss.IfMatch(`"2"`).Delete(s).Want(t, 409, "department_not_empty")
	o.boss.Post(p+"/move", m{"departmentId": east.ID}).Want(t, 200, "").Read(t, &rep)
	if rep.Department != east.ID {
		t.Error("the post did not move")
	}
	o.boss.IfMatch(`"2"`).Patch(p, m{"name": "Clerk"}).Want(t, 200, "")
	o.boss.Get(p).Want(t, 200, "")
	o.boss.IfMatch(`"3"`).Delete(p).Want(t, 204, "")
	o.boss.Get(p).Want(t, 404, "not_found")

	var list struct {
		Items []thing `json:"items"`
		Count struct {
			Value int `json:"value"`
		} `json:"count"`
	}
	o.boss.Get("/v1/departments?parentId=root&count=true").Want(t, 200, "").Read(t, &list)
	if len(list.Items) != 1 || list.Count.Value != 1 {
		t.Errorf("the roots are %+v", list)
	}
	o.boss.Get("/v1/departments?limit=1").Want(t, 200, "")
	o.boss.IfMatch(`"3"`).Delete(e).Want(t, 204, "")
	o.boss.IfMatch(`"2"`).Delete(s).Want(t, 204, "")
}

// TestDepartmentOfAccounts: a department is not deleted from under the accounts that lie in it.
func TestDepartmentOfAccounts(t *testing.T) {
	o := newOffice(t)
	api := edgetest.Serve(t, o.Platform, append(org.Routes(o.Platform), accounts.Routes(o.Platform)...))
	var rights []policy.Grant
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			rights = append(rights, policy.Grant{Module: e.Module, Action: a, Scope: policy.All})
		}
	}
	boss := api.As(o.User(t, o.tenant, rights...))
	var sales, a thing
	boss.Post("/v1/departments", m{"name": "Sales"}).Want(t, 201, "").Read(t, &sales)
	boss.Post("/v1/accounts", m{"name": "Lotus", "email": "a@lotus.example", "phone": "13800138000", "departmentId": sales.ID}).Want(t, 201, "").Read(t, &a)
	department, account := "/v1/departments/"+sales.ID, "/v1/accounts/"+a.ID
	boss.Post(account+"/deactivate", nil).Want(t, 200, "")
	before := edgetest.Dump(t, o.Table)
	refusal := boss.IfMatch("*").Delete(department).Want(t, 409, "department_not_empty")
	if edgetest.Dump(t, o.Table) != before {
		t.Error("the store changed")
	}
	if detail := refusal.Problem().Title; !strings.Contains(detail, "0 users and 1 accounts") {
		t.Errorf("the refusal says %q", detail)
	}
	boss.Post(account+"/reactivate", nil).Want(t, 200, "")
	boss.IfMatch("*").Patch(account, m{"departmentId": nil}).Want(t, 200, "")
	boss.IfMatch("*").Delete(department).Want(t, 204, "")
}

// TestForeign holds I2 for the structure: what belongs to another tenant answers the very bytes of what never was.
func TestForeign(t *testing.T) {
	o, other := newOffice(t), newOffice(t)
	var foreign thing
	other.boss.Post("/v1/departments", m{"name": "Sales"}).Want(t, 201, "").Read(t, &foreign)
	strip := func(a *edgetest.Answer) string {
		return strings.ReplaceAll(string(a.Body), string(a.Problem().RequestID), "")
	}
	unknown := strip(o.boss.Get("/v1/departments/dept_01JD3Z4T0X8Y6QH2N5W7R9K1MB").Want(t, 404, "not_found"))
	for _, id := range []string{foreign.ID, "dept_", "%2e%2e", "nonsense"} {
		if got := strip(o.boss.Get("/v1/departments/"+id).Want(t, 404, "not_found")); got != unknown {
			t.Errorf("%s answers %s", id, got)
		}
	}
	o.boss.Post("/v1/departments", m{"name": "A", "parentId": foreign.ID}).Want(t, 422, "unknown_department")
	o.boss.Post("/v1/posts", m{"name": "A", "departmentId": foreign.ID}).Want(t, 422, "unknown_department")
}

// TestCompanyAndSettings holds O01 and the settings through the API.
func TestCompanyAndSettings(t *testing.T) {
	o := newOffice(t)
	s := nouns.New(o.Table, o.Crypt, nil)
	err := change.Run(t.Context(), o.Table, principal.System(o.tenant, "test", o.Now()), o.IDs, o.Now, func(c *change.Set) error {
		_, err := s.PutCompany(t.Context(), c, o.tenant, nouns.Company{Name: "Acme", Phone: "+8613800138000"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tag := o.boss.Get("/v1/company").Want(t, 200, "").ETag()
	o.boss.Put("/v1/company", m{"name": "New"}).Want(t, 428, "if_match_required")
	o.boss.IfMatch(tag).Put("/v1/company", m{"name": "New", "email": "a@b", "phone": nil}).Want(t, 422, "invalid_email").Field(t, "/email", "invalid_email")
	o.boss.IfMatch(tag).Put("/v1/company", m{"name": "New", "address": "Main St", "email": "info@new.example"}).Want(t, 200, "")
	o.boss.IfMatch(tag).Put("/v1/company", m{"name": "Newer"}).Want(t, 412, "version_conflict")

	tag = o.boss.Get("/v1/settings").Want(t, 200, "").ETag()
	var set struct {
		Locale     string   `json:"locale"`
		ModulesOff []string `json:"modulesOff"`
		Required   []string `json:"requiredAccountFields"`
	}
	o.boss.IfMatch(tag).Patch("/v1/settings", m{"modulesOff": []string{"user"}}).Want(t, 422, "module_not_switchable")
	o.boss.IfMatch(tag).Patch("/v1/settings", m{"passwordMinLength": 8}).Want(t, 422, "out_of_range")
	o.boss.IfMatch(tag).Patch("/v1/settings", m{"passwordMinLength": "16"}).Want(t, 422, "wrong_type")
	o.boss.IfMatch(tag).Patch("/v1/settings", m{"locale": "zh-CN", "modulesOff": []string{"campaign"}, "requiredAccountFields": []string{"phone"}}).Want(t, 200, "").Read(t, &set)
	if set.Locale != "zh-CN" || len(set.ModulesOff) != 1 || len(set.Required) != 1 {
		t.Errorf("set to %+v", set)
	}
	o.boss.IfMatch(tag).Patch("/v1/settings", m{"locale": "en"}).Want(t, 412, "version_conflict")

	nobody := o.api.As(o.User(t, o.tenant))
	for _, path := range []string{"/v1/company", "/v1/settings", "/v1/departments", "/v1/posts"} {
		nobody.Get(path).Want(t, 403, "permission_denied")
	}
}
