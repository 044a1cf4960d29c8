package accounts_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// desk is the API of accounts over one deployment with a tenant.
type desk struct {
	*edgetest.Deployment
	*edgetest.Server
	tenant id.Tenant
}

func open(t testing.TB, edits ...func(*principal.Tenant)) *desk {
	t.Helper()
	d := edgetest.Deploy(t)
	required := func(row *principal.Tenant) { row.Settings.RequiredAccountFields = account.RequiredByDefault }
	tenant := d.Tenant(t, append([]func(*principal.Tenant){required}, edits...)...)
	return &desk{d, edgetest.Serve(t, d.Platform, accounts.Routes(d.Platform)), tenant}
}

// all grants everything on accounts and contacts in the scope.
func all(s policy.Scope) []policy.Grant {
	var g []policy.Grant
	for _, m := range []policy.Module{policy.ModAccount, policy.ModContact} {
		for _, a := range policy.Actions {
			if policy.Declared(m, a) {
				g = append(g, policy.Grant{Module: m, Action: a, Scope: s})
			}
		}
	}
	return g
}

func (d *desk) user(t testing.TB, grants ...policy.Grant) edgetest.Who {
	t.Helper()
	return d.Deployment.User(t, d.tenant, grants...)
}

// rules gives the user field rules besides the grants that they hold.
func (d *desk) rules(t testing.TB, w edgetest.Who, m policy.Module, fields map[string]policy.Access) {
	t.Helper()
	items, err := d.Table.Get(t.Context(), key.User(d.tenant, w.User))
	if err != nil {
		t.Fatal(err)
	}
	var s principal.Standing
	read(t, items[0].Doc, &s)
	d.Edit(t, key.Role(d.tenant, s.Roles[0]), func(doc map[string]any) {
		list, _ := doc["fields"].([]any)
		for f, a := range fields {
			list = append(list, map[string]any{"module": string(m), "field": f, "access": string(a)})
		}
		doc["fields"] = list
	})
	d.moved(t)
}

// seat puts a user into a department, under a manager.
func (d *desk) seat(t testing.TB, w edgetest.Who, dept id.Department, manager id.User) {
	t.Helper()
	for _, k := range []table.Key{key.User(d.tenant, w.User), key.Place(d.tenant, w.User)} {
		d.Edit(t, k, func(doc map[string]any) {
			doc["departmentId"], doc["managerId"] = string(dept), string(manager)
			if dept == "" {
				delete(doc, "departmentId")
			}
			if manager == "" {
				delete(doc, "managerId")
			}
		})
	}
	d.moved(t)
}

func (d *desk) department(t testing.TB, parent id.Department) id.Department {
	t.Helper()
	dept := id.New[id.Department](d.IDs)
	b, err := json.Marshal(map[string]string{"id": string(dept), "parentId": string(parent)})
	if err != nil {
		t.Fatal(err)
	}
	d.Commit(t, table.Put(table.Item{Key: key.Department(d.tenant, dept), Doc: b}, table.Absent))
	d.moved(t)
	return dept
}

func (d *desk) status(t testing.TB, w edgetest.Who, s principal.UserStatus) {
	t.Helper()
	d.Edit(t, key.User(d.tenant, w.User), func(doc map[string]any) { doc["status"] = string(s) })
}

// moved makes access see a changed organisation.
func (d *desk) moved(t testing.TB) {
	t.Helper()
	d.Edit(t, key.Tenant(d.tenant), func(doc map[string]any) {
		doc["authzVer"], doc["orgVer"] = doc["authzVer"].(float64)+1, doc["orgVer"].(float64)+1
	})
}

// settings changes the tenant's settings.
func (d *desk) settings(t testing.TB, edit func(map[string]any)) {
	t.Helper()
	d.Edit(t, key.Tenant(d.tenant), func(doc map[string]any) { edit(doc["settings"].(map[string]any)) })
}

// dump is the whole store but for what a refusal may leave.
func (d *desk) dump(t testing.TB) string {
	t.Helper()
	return edgetest.Dump(t, d.Table, edgetest.DeniedEvent)
}

func read(t testing.TB, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
}

type m = map[string]any

// lotus is a body that creates an account; edits change it.
func lotus(edits ...m) m {
	b := m{"name": "Lotus Trading", "email": "hello@lotus.example", "phone": "+86 138 0013 8000"}
	for _, e := range edits {
		for k, v := range e {
			if v == nil {
				delete(b, k)
			} else {
				b[k] = v
			}
		}
	}
	return b
}

type accountBody struct {
	ID       string         `json:"id"`
	Version  int64          `json:"version"`
	Status   string         `json:"status"`
	Owner    string         `json:"ownerId"`
	Dept     string         `json:"departmentId"`
	Contacts []contactBody  `json:"contacts"`
	Rest     map[string]any `json:",embed"`
}

type contactBody struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Primary bool   `json:"primary"`
	Email   string `json:"email"`
	Phone   string `json:"phone"`
}

func (d *desk) create(t testing.TB, w edgetest.Who, edits ...m) accountBody {
	t.Helper()
	d.Clock.Add(1e6)
	var a accountBody
	d.As(w).Post("/v1/accounts", lotus(edits...)).Want(t, 201, "").Read(t, &a)
	return a
}

// events counts the audit events that were done.
func (d *desk) events(t testing.TB) (n int, last m) {
	t.Helper()
	latest := ""
	for it, err := range d.Table.Scan(t.Context(), 0, 1) {
		if err != nil {
			t.Fatal(err)
		}
		if len(it.SK) > 4 && it.SK[:4] == "evt_" {
			n++
			if it.SK > latest {
				latest, last = it.SK, nil
				read(t, it.Doc, &last)
			}
		}
	}
	return n, last
}
