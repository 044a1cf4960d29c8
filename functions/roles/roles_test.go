package roles_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/roles"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
)

type grant struct {
	Module string `json:"module"`
	Action string `json:"action"`
	Scope  string `json:"scope"`
}

type role struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Level       string  `json:"level"`
	Template    string  `json:"template"`
	Predefined  bool    `json:"predefined"`
	Grants      []grant `json:"grants"`
	Fields      []struct {
		Module string `json:"module"`
		Field  string `json:"field"`
		Access string `json:"access"`
	} `json:"fields"`
	Version int64 `json:"version"`
}

type page struct {
	Items      []role `json:"items"`
	NextCursor string `json:"nextCursor"`
	Count      struct {
		Value int  `json:"value"`
		Exact bool `json:"exact"`
	} `json:"count"`
}

func read[T any](t *testing.T, a *edgetest.Answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.Body, &v); err != nil {
		t.Fatalf("%v\n%s", err, a.Body)
	}
	return v
}

func everyRight() []policy.Grant {
	var out []policy.Grant
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			out = append(out, policy.Grant{Module: e.Module, Action: a, Scope: policy.All})
		}
	}
	return out
}

// TestRolesOverHTTP is R01 and R02's half of it, as a client sees them: made, read with its ETag, listed, changed with If-Match, deleted.
func TestRolesOverHTTP(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t)
	api := edgetest.Serve(t, d.Platform, roles.Routes(d.Platform))
	boss := api.As(d.User(t, tenant, everyRight()...))

	in := `{"name":"Sales desk","description":"Sells","level":"standard","grants":[{"module":"account","action":"view","scope":"department"}],
		"fields":[{"module":"account","field":"phone","access":"masked"}]}`
	a := boss.Once("k1").Post("/v1/roles", in).Want(t, http.StatusCreated, "")
	made := read[role](t, a)
	if a.Header.Get("Location") != "/v1/roles/"+made.ID || a.ETag() == "" || made.Version != 1 || made.Predefined {
		t.Errorf("%+v, %v", made, a.Header)
	}
	if again := boss.Once("k1").Post("/v1/roles", in).Want(t, http.StatusCreated, ""); string(again.Body) != string(a.Body) {
		t.Errorf("the same key made %s", again.Body)
	}
	got := boss.Get("/v1/roles/"+made.ID).Want(t, http.StatusOK, "")
	if string(got.Body) != string(a.Body) || got.ETag() != a.ETag() {
		t.Errorf("read %s, made %s", got.Body, a.Body)
	}
	boss.Patch("/v1/roles/"+made.ID, `{"name":"x"}`).Want(t, http.StatusPreconditionRequired, "if_match_required")
	changed := boss.IfMatch(a.ETag()).Patch("/v1/roles/"+made.ID, `{"description":null,"grants":[]}`).Want(t, http.StatusOK, "")
	if r := read[role](t, changed); r.Description != "" || len(r.Grants) != 0 || len(r.Fields) != 1 || r.Version != 2 || changed.ETag() == a.ETag() {
		t.Errorf("%+v", r)
	}
	boss.IfMatch(a.ETag()).Patch("/v1/roles/"+made.ID, `{"name":"x"}`).Want(t, http.StatusPreconditionFailed, "version_conflict")
	boss.IfMatch(a.ETag()).Delete("/v1/roles/"+made.ID).Want(t, http.StatusPreconditionFailed, "version_conflict")
	boss.Post("/v1/roles", map[string]any{"name": "Second", "cloneOf": made.ID}).Want(t, http.StatusCreated, "")
	list := read[page](t, boss.Get("/v1/roles?limit=2&count=true").Want(t, http.StatusOK, ""))
	if len(list.Items) != 2 || list.Count.Value != 3 || !list.Count.Exact || list.NextCursor == "" {
		t.Errorf("%+v", list)
	}
	if rest := read[page](t, boss.Get("/v1/roles?limit=2&cursor="+list.NextCursor)); len(rest.Items) != 1 || rest.NextCursor != "" || rest.Items[0].Name != "Second" {
		t.Errorf("%+v", rest)
	}
	boss.IfMatch(changed.ETag()).Delete("/v1/roles/"+made.ID).Want(t, http.StatusNoContent, "")
	boss.Get("/v1/roles/"+made.ID).Want(t, http.StatusNotFound, "not_found")
}

// TestBadRolesOverHTTP: entries 9, 55, 56 and 59 of the bad input; the store is as it was.
func TestBadRolesOverHTTP(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t)
	api := edgetest.Serve(t, d.Platform, roles.Routes(d.Platform))
	boss := api.As(d.User(t, tenant, everyRight()...))
	clerk := api.As(d.User(t, tenant,
		policy.Grant{Module: policy.ModRole, Action: policy.Create, Scope: policy.All}, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.Department}))
	seller := api.As(d.User(t, tenant, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All}))
	boss.Post("/v1/roles", `{"name":"Night shift"}`).Want(t, http.StatusCreated, "")
	before := edgetest.Dump(t, d.Table, edgetest.DeniedEvent)

	one := func(module, action, scope string) map[string]any {
		return map[string]any{"name": "x", "grants": []grant{{module, action, scope}}}
	}
	boss.Post("/v1/roles", one("spaceship", "view", "own")).Want(t, 422, "unknown_permission").Field(t, "/grants/0/module", "unknown_permission")
	boss.Post("/v1/roles", one("account", "fly", "own")).Want(t, 422, "unknown_permission").Field(t, "/grants/0/action", "unknown_permission")
	boss.Post("/v1/roles", one("account", "view", "galaxy")).Want(t, 422, "unknown_permission").Field(t, "/grants/0/scope", "unknown_permission")
	boss.Post("/v1/roles", `{}`).Want(t, 422, "required").Field(t, "/name", "required")
	boss.Post("/v1/roles", `{"name":"NIGHT  ｓhift"}`).Want(t, http.StatusConflict, "role_name_taken")
	boss.Post("/v1/roles", `{"name":"x","tenantId":"tnt_1"}`).Want(t, http.StatusBadRequest, "field_not_writable").Field(t, "/tenantId", "field_not_writable")
	boss.Post("/v1/roles", `{"name":"x","predefined":true}`).Want(t, http.StatusBadRequest, "unknown_field")
	clerk.Post("/v1/roles", one("account", "view", "all")).Want(t, http.StatusForbidden, "grant_exceeds_own")
	clerk.Get("/v1/roles").Want(t, http.StatusForbidden, "permission_denied")
	seller.Post("/v1/roles", one("account", "view", "all")).Want(t, http.StatusForbidden, "permission_denied")
	seller.Get("/v1/roles/templates").Want(t, http.StatusForbidden, "permission_denied")
	boss.Post("/v1/roles?validateOnly=true", `{"name":"night shift"}`).Want(t, http.StatusConflict, "role_name_taken")
	if a := boss.Post("/v1/roles?validateOnly=true", `{"name":"day shift"}`); a.Status >= 300 {
		t.Errorf("a dry run of a good role: %d %s", a.Status, a.Body)
	}
	if edgetest.Dump(t, d.Table, edgetest.DeniedEvent) != before {
		t.Error("a refused request changed the store")
	}
	clerk.Post("/v1/roles", one("account", "view", "own")).Want(t, http.StatusCreated, "")
}

// TestTemplatesSpeakTheCallersLanguage, O04 and P04.
func TestTemplatesSpeakTheCallersLanguage(t *testing.T) {
	d := edgetest.Deploy(t)
	api := edgetest.Serve(t, d.Platform, roles.Routes(d.Platform))
	who := api.As(d.User(t, d.Tenant(t), policy.Grant{Module: policy.ModRole, Action: policy.View, Scope: policy.All}))
	for locale, name := range map[string]string{"en": "Sales manager", "zh-CN": "销售经理", "zh-TW": "業務經理"} {
		all := read[page](t, who.With("Accept-Language", locale).Get("/v1/roles/templates").Want(t, http.StatusOK, ""))
		found := false
		for _, r := range all.Items {
			found = found || r.Template == "sales_manager" && r.Name == name && r.Predefined && len(r.Grants) > 0
		}
		if len(all.Items) != 8 || !found {
			t.Errorf("%s: %+v", locale, all.Items)
		}
	}
	if a := who.Get("/v1/roles/templates"); strings.Contains(string(a.Body), `"id"`) {
		t.Errorf("a template has an id: %s", a.Body)
	}
}
