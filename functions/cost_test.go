package functions_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/table/metered"
)

// free are the operations that ask the table nothing.
var free = []string{"health.get", "docs.openapi", "docs.page", "docs.asset"}

// What a million units cost, in US dollars: on demand, us-east-1, 2026-11.
const readPrice, writePrice = 0.125, 0.625

// TestCosts holds the table of infra/docs/cost.md against what every operation reads and writes, in a process that has served before.
func TestCosts(t *testing.T) {
	h := openHouse(t, func(d *edgetest.Deployment) {
		d.Table = metered.New(d.Table)
		d.Crypt = crypt.New(d.Keys, d.Table, d.Now, d.Random)
	})
	h.onboard("before") // the process has served
	figures := map[string]metered.Figures{}
	ctx, cost := metered.Count(t.Context())
	var came m
	h.hook(h.api.Anonymous().Within(ctx), "acme").Read(t, &came)
	figures["webhooks.onboarding"] = cost.Figures()
	h.work()
	admin := h.enter(&person{slug: "acme", email: "ada@acme.example.com"})
	made := h.day(admin, func(s step) { figures[s.op] = s.cost }) // of several, the last: a sign-in by password and not by invitation
	admin.again(h)
	for n := range 60 { // a full page, and a second one
		h.Clock.Add(time.Millisecond)
		body := m{"name": fmt.Sprintf("Account %d", n), "type": "enterprise", "email": fmt.Sprintf("desk%d@example.com", n)}
		admin.client.Post("/v1/accounts", body).Want(t, http.StatusCreated, "")
	}
	account, user := "/v1/accounts/"+made["account"], made["user"]
	for _, c := range []struct {
		operation, path string
		body            any
	}{
		{"health.get", "/healthz", nil},
		{"onboarding.get", "/v1/onboarding/" + came["id"].(string), nil},
		{"me.get", "/v1/me", nil},
		{"me.permissions", "/v1/me/permissions", nil},
		{"company.get", "/v1/company", nil},
		{"settings.get", "/v1/settings", nil},
		{"departments.list", "/v1/departments", nil},
		{"departments.get", "/v1/departments/" + made["department"], nil},
		{"posts.list", "/v1/posts", nil},
		{"posts.get", "/v1/posts/" + made["post"], nil},
		{"users.list", "/v1/users", nil},
		{"users.get", "/v1/users/" + user, nil},
		{"users.holdings", "/v1/users/" + user + "/holdings", nil},
		{"roles.list", "/v1/roles", nil},
		{"roles.templates", "/v1/roles/templates", nil},
		{"roles.get", "/v1/roles/" + made["role"], nil},
		{"roles.preview", "/v1/roles/" + made["role"] + "/preview", m{"grants": []m{{"module": "account", "action": "view", "scope": "own"}}}},
		{"permissions.list", "/v1/permissions", nil},
		{"permissions.check", "/v1/permissions/check", m{"checks": []m{{"module": "account", "action": "edit", "resourceId": made["account"]}}}},
		{"permissions.explain", "/v1/permissions/explain", m{"userId": user, "module": "account", "action": "edit", "resourceId": made["account"]}},
		{"permissions.conflicts", "/v1/permissions/conflicts", nil},
		{"accounts.list", "/v1/accounts?limit=50", nil},
		{"accounts.counts", "/v1/accounts/counts", nil},
		{"accounts.search", "/v1/accounts/search", m{"where": m{"field": "email", "op": "eq", "value": "desk7@example.com"}}},
		{"accounts.get", account, nil},
		{"accounts.access", account + "/access", nil},
		{"accounts.history", account + "/history", nil},
		{"contacts.list", account + "/contacts", nil},
		{"contacts.get", account + "/contacts/" + made["contact"], nil},
		{"team.list", account + "/team", nil},
		{"shares.list", account + "/shares", nil},
		{"overrides.list", account + "/overrides", nil},
		{"temporary.list", account + "/temporary", nil},
		{"temporary.holders", "/v1/temporary-permissions", nil},
		{"categories.list", "/v1/categories", nil},
		{"categories.get", "/v1/categories/" + made["category"], nil},
		{"jobs.list", "/v1/jobs", nil},
		{"jobs.get", "/v1/jobs/" + firstID(t, admin.client, "/v1/jobs"), nil},
		{"audit.list", "/v1/audit", nil},
		{"audit.checkpoint", "/v1/audit/checkpoint", nil},
		{"audit.verify", "/v1/audit/verify", nil},
		{"docs.openapi", "/v1/openapi.json", nil},
		{"docs.page", "/docs", nil},
		{"docs.asset", "/docs/swagger-ui.css", nil},
	} {
		route := slices.IndexFunc(h.routes, func(r edge.Route) bool { return r.Operation == c.operation })
		ctx, cost := metered.Count(t.Context())
		admin.client.Within(ctx).Do(h.routes[route].Method, c.path, c.body).Want(t, http.StatusOK, "")
		figures[c.operation] = cost.Figures()
	}
	var want strings.Builder
	for _, r := range h.routes {
		f, asked := figures[r.Operation]
		switch none := f.Requests() == 0; {
		case !asked:
			t.Errorf("%s was not asked for", r.Operation)
		case none != slices.Contains(free, r.Operation):
			t.Errorf("%s: %d requests to the table", r.Operation, f.Requests())
		case !none:
			fmt.Fprintf(&want, "| `%s` | %d | %g | %d | %.1f |\n", r.Operation, f.Requests(), f.ReadUnits(), f.WriteUnits,
				f.ReadUnits()*readPrice+float64(f.WriteUnits)*writePrice)
		}
	}
	page, err := os.ReadFile("../infra/docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "|---|---|---|---|---|\n"+want.String()+"\n") {
		t.Errorf("the table of infra/docs/cost.md should be\n%s", &want)
	}
}

func firstID(t *testing.T, c edgetest.Client, path string) string {
	t.Helper()
	var list struct {
		Items []m `json:"items"`
	}
	c.Get(path).Want(t, http.StatusOK, "").Read(t, &list)
	if len(list.Items) == 0 {
		t.Fatalf("%s is empty", path)
	}
	return list.Items[0]["id"].(string)
}
