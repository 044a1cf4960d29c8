package categories_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/categories"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

type m = map[string]any

// desk is the API of categories and accounts over one tenant. The boss may do everything on all; sellers have their own accounts only.
type desk struct {
	*edgetest.Deployment
	*edgetest.Server
	tenant id.Tenant
	boss   edgetest.Who
}

func open(t testing.TB) *desk {
	t.Helper()
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t, func(row *principal.Tenant) { row.Settings.RequiredAccountFields = []string{"name"} })
	x := &desk{d, edgetest.Serve(t, d.Platform, slices.Concat(categories.Routes(d.Platform), accounts.Routes(d.Platform))), tenant, edgetest.Who{}}
	x.boss = d.User(t, tenant, rights(policy.All, policy.ModAccount, policy.ModContact, policy.ModCategory)...)
	return x
}

// rights are all there are on the modules, in the scope.
func rights(s policy.Scope, modules ...policy.Module) []policy.Grant {
	var out []policy.Grant
	for _, m := range modules {
		for _, a := range policy.Actions {
			if policy.Declared(m, a) {
				out = append(out, policy.Grant{Module: m, Action: a, Scope: s})
			}
		}
	}
	return out
}

func (d *desk) seller(t testing.TB) edgetest.Who {
	t.Helper()
	return d.User(t, d.tenant, rights(policy.Own, policy.ModAccount, policy.ModContact)...)
}

// roleOf is the one role that the user holds.
func (d *desk) roleOf(t testing.TB, w edgetest.Who) id.Role {
	t.Helper()
	items, err := d.Table.Get(t.Context(), key.User(d.tenant, w.User))
	if err != nil {
		t.Fatal(err)
	}
	var s principal.Standing
	if err := json.Unmarshal(items[0].Doc, &s); err != nil {
		t.Fatal(err)
	}
	return s.Roles[0]
}

// edit changes a user's place and standing, as the user noun would.
func (d *desk) edit(t testing.TB, w edgetest.Who, edit func(m)) {
	t.Helper()
	d.Edit(t, key.User(d.tenant, w.User), edit)
	d.Edit(t, key.Place(d.tenant, w.User), edit)
	d.moved(t)
}

func (d *desk) seat(t testing.TB, w edgetest.Who, dept id.Department) {
	t.Helper()
	d.edit(t, w, func(doc m) { doc["departmentId"] = string(dept) })
}

func (d *desk) department(t testing.TB, parent id.Department) id.Department {
	t.Helper()
	dept := id.New[id.Department](d.IDs)
	b, err := json.Marshal(m{"id": dept, "parentId": parent})
	if err != nil {
		t.Fatal(err)
	}
	d.Commit(t, table.Put(table.Item{Key: key.Department(d.tenant, dept), Doc: b}, table.Absent))
	d.moved(t)
	return dept
}

// moved makes access see a changed organisation.
func (d *desk) moved(t testing.TB) {
	t.Helper()
	d.Edit(t, key.Tenant(d.tenant), func(doc m) { doc["orgVer"] = doc["orgVer"].(float64) + 1 })
}

type category struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Use         m      `json:"use"`
	Grants      []m    `json:"grants"`
	Version     int64  `json:"version"`
}

// category makes one by the boss.
func (d *desk) category(t testing.TB, name string, more m) string {
	t.Helper()
	body := m{"name": name}
	for k, v := range more {
		body[k] = v
	}
	var c category
	d.As(d.boss).Post("/v1/categories", body).Want(t, 201, "").Read(t, &c)
	return c.ID
}

func (d *desk) patch(t testing.TB, path string, body any) *edgetest.Answer {
	t.Helper()
	return d.As(d.boss).IfMatch(d.As(d.boss).Get(path).ETag()).Patch(path, body)
}

type account struct {
	ID         string   `json:"id"`
	Categories []string `json:"categoryIds"`
	Contacts   []m      `json:"contacts"`
}

// account makes one of the boss's, a moment after the last.
func (d *desk) account(t testing.TB, name string, more m) account {
	t.Helper()
	d.Clock.Add(1e6)
	body := m{"name": name}
	for k, v := range more {
		body[k] = v
	}
	var a account
	d.As(d.boss).Post("/v1/accounts", body).Want(t, 201, "").Read(t, &a)
	return a
}

// file replaces the account's categories, by whom.
func (d *desk) file(t testing.TB, w edgetest.Who, a string, categories ...string) *edgetest.Answer {
	t.Helper()
	return d.As(w).IfMatch("*").Patch("/v1/accounts/"+a, m{"categoryIds": categories})
}

// seen are the accounts that the user may see, which reading one by one, listing page by page and counting must agree on.
func (d *desk) seen(t testing.TB, w edgetest.Who, query string, all ...string) []string {
	t.Helper()
	got := []string{}
	for path := "/v1/accounts?limit=2&count=true" + query; path != ""; {
		var page struct {
			Items []account `json:"items"`
			Next  string    `json:"nextCursor"`
			Count struct {
				Value int  `json:"value"`
				Exact bool `json:"exact"`
			} `json:"count"`
		}
		d.As(w).Get(path).Want(t, 200, "").Read(t, &page)
		for _, a := range page.Items {
			got = append(got, a.ID)
		}
		if path = ""; page.Next != "" {
			path = "/v1/accounts?limit=2&count=true" + query + "&cursor=" + page.Next
		} else if !page.Count.Exact || page.Count.Value != len(got) {
			t.Errorf("listed %d, counted %+v", len(got), page.Count)
		}
	}
	for _, a := range all {
		want := 404
		if slices.Contains(got, a) {
			want = 200
		}
		if status := d.As(w).Get("/v1/accounts/" + a).Status; status != want {
			t.Errorf("the list says %d of %s, reading it %d", want, a, status)
		}
	}
	return got
}

// may reports whether the user sees and may edit the account: "", "view" or "edit".
func (d *desk) may(t testing.TB, w edgetest.Who, a string) string {
	t.Helper()
	listed := slices.Contains(d.seen(t, w, "", a), a)
	status := d.As(w).IfMatch("*").Patch("/v1/accounts/"+a+"?validateOnly=true", m{"website": "https://x.example"}).Status
	switch {
	case !listed && (status == 404 || status == 403): // 403 at the door, for who may edit none
		return ""
	case listed && status == 403:
		return "view"
	case listed && status == 200:
		return "edit"
	}
	return fmt.Sprint("listed ", listed, ", edited ", status)
}

func (d *desk) dump(t testing.TB) string {
	t.Helper()
	return edgetest.Dump(t, d.Table, edgetest.DeniedEvent)
}
