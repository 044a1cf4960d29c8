package permissions_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/permissions"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

type result struct {
	Module  string `json:"module"`
	Action  string `json:"action"`
	Allowed bool   `json:"allowed"`
	Scope   string `json:"scope"`
}

func TestCatalogueOverHTTP(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t, func(x *principal.Tenant) { x.Settings.ModulesOff = []string{"order", "user"} })
	api := edgetest.Serve(t, d.Platform, permissions.Routes(d.Platform))
	a := api.As(d.User(t, tenant)).Get("/v1/permissions").Want(t, http.StatusOK, "")
	var got struct {
		Modules []struct {
			Module                             string
			Actions, Scopes, Fields, Sensitive []string
			Core, Off                          bool
		}
		Levels, Scopes, Accesses []string
	}
	if err := json.Unmarshal(a.Body, &got, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Levels, got.Scopes, got.Accesses) != "[restricted standard power admin] [own reports department subtree all] [hidden masked read edit]" {
		t.Errorf("%v %v %v", got.Levels, got.Scopes, got.Accesses)
	}
	if len(got.Modules) != len(policy.Catalogue()) {
		t.Errorf("%d modules", len(got.Modules))
	}
	for _, m := range got.Modules {
		if m.Off != (m.Module == "order") || m.Core && m.Off || len(m.Actions) == 0 || len(m.Scopes) == 0 {
			t.Errorf("%+v", m)
		}
		if m.Module == "account" && (!slices.Contains(m.Sensitive, "idNumber") || !slices.Contains(m.Fields, "address")) {
			t.Errorf("%+v", m)
		}
	}
}

// TestCheckOverHTTP: one's own rights, pair by pair; what is unknown or off is denied (R03, R04, R12).
func TestCheckOverHTTP(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t, func(x *principal.Tenant) { x.Settings.ModulesOff = []string{"order"} })
	api := edgetest.Serve(t, d.Platform, permissions.Routes(d.Platform))
	who := api.As(d.User(t, tenant,
		policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.Subtree}, policy.Grant{Module: policy.ModOrder, Action: policy.View, Scope: policy.All}))
	a := who.Post("/v1/permissions/check", `{"checks":[{"module":"account","action":"view"},{"module":"account","action":"delete"},
		{"module":"order","action":"view"},{"module":"moon","action":"fly"},{"module":"","action":""}]}`).Want(t, http.StatusOK, "")
	var got struct{ Results []result }
	if err := json.Unmarshal(a.Body, &got, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	want := []result{{"account", "view", true, "subtree"}, {Module: "account", Action: "delete"}, {Module: "order", Action: "view"}, {Module: "moon", Action: "fly"}, {}}
	if !slices.Equal(got.Results, want) {
		t.Errorf("%+v", got.Results)
	}
	if strings.Contains(string(a.Body), `"scope":""`) {
		t.Errorf("%s", a.Body)
	}
	who.Post("/v1/permissions/check", `{"checks":[]}`).Want(t, 422, "too_many_checks").Field(t, "/checks", "too_many_checks")
	many := `{"module":"account","action":"view"}`
	who.Post("/v1/permissions/check", `{"checks":[`+strings.Repeat(many+",", 100)+many+`]}`).Want(t, 422, "too_many_checks")
	who.Post("/v1/permissions/check", `{"checks":[`+strings.Repeat(many+",", 99)+many+`]}`).Want(t, http.StatusOK, "")
	api.Anonymous().Post("/v1/permissions/check", `{"checks":[]}`).Want(t, http.StatusUnauthorized, "token_invalid")
	api.Anonymous().Get("/v1/permissions").Want(t, http.StatusUnauthorized, "token_invalid")
}
