package functions_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/table/metered"
)

// TestCosts holds the units in infra/docs/cost.md against what the operations read and write, in a process that has served before.
func TestCosts(t *testing.T) {
	page, err := os.ReadFile("../infra/docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	d := edgetest.Deploy(t)
	d.Table = metered.New(d.Table)
	d.Crypt = crypt.New(d.Keys, d.Table, d.Now, d.Random)
	w := &world{Deployment: d, routes: functions.All(d.Platform)}
	w.api = edgetest.Serve(t, d.Platform, w.routes)
	w.boss = d.User(t, d.Tenant(t), everything()...)
	w.own = w.seed(t, w.boss)
	for n := range 60 { // a full page, and a second one
		body := map[string]any{"name": fmt.Sprintf("Account %d", n), "type": "enterprise", "email": fmt.Sprintf("desk%d@example.com", n)}
		w.api.As(w.boss).Post("/v1/accounts", body).Want(t, http.StatusCreated, "")
	}
	one := "/v1/accounts/" + w.own["accounts"]
	for _, c := range []struct {
		operation, method, path string
		body                    any
		status                  int
	}{
		{
			"accounts.create", http.MethodPost, "/v1/accounts",
			map[string]any{"name": "Acme", "type": "enterprise", "email": "desk@example.com", "contacts": []map[string]any{{"name": "Jim"}}},
			http.StatusCreated,
		},
		{"accounts.get", http.MethodGet, one, nil, http.StatusOK},
		{"accounts.list", http.MethodGet, "/v1/accounts?limit=50", nil, http.StatusOK},
		{"accounts.search", http.MethodPost, "/v1/accounts/search", map[string]any{"where": map[string]any{"field": "email", "op": "eq", "value": "desk7@example.com"}}, http.StatusOK},
		{"accounts.update", http.MethodPatch, one, map[string]any{"name": "Acme Limited"}, http.StatusOK},
		{"shares.set", http.MethodPost, one + "/shares", map[string]any{"userId": string(w.User(t, w.boss.Tenant).User), "level": "read"}, http.StatusCreated},
		{"team.set", http.MethodPost, one + "/team", map[string]any{"userId": string(w.User(t, w.boss.Tenant).User), "level": "read"}, http.StatusCreated},
		{"users.list", http.MethodGet, "/v1/users", nil, http.StatusOK},
	} {
		ctx, cost := metered.Count(t.Context())
		a := w.api.As(w.boss).Within(ctx).IfMatch("*").Do(c.method, c.path, c.body)
		a.Want(t, c.status, "")
		f := cost.Figures()
		row := fmt.Sprintf("| `%s` | %d | %g | %d |", c.operation, f.Requests(), f.ReadUnits(), f.WriteUnits)
		if !strings.Contains(string(page), row) {
			t.Errorf("infra/docs/cost.md should say %s", row)
		}
	}
}
