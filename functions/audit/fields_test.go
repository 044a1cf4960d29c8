package audit_test

import (
	"bytes"
	"net/http"
	"slices"
	"testing"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/audit"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// TestHiddenFieldsHaveNoNames holds I7 in the audit: that a field changed tells that it holds something, so whoever may not see the field is not
// told. The event itself stays.
func TestHiddenFieldsHaveNoNames(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t, func(row *principal.Tenant) { row.Settings.RequiredAccountFields = []string{"name"} })
	api := edgetest.Serve(t, d.Platform, slices.Concat(accounts.Routes(d.Platform), audit.Routes(d.Platform)))
	grant := func(m policy.Module, a policy.Action) policy.Grant {
		return policy.Grant{Module: m, Action: a, Scope: policy.All}
	}
	who := d.User(t, tenant, grant(policy.ModAccount, policy.View), grant(policy.ModAccount, policy.Create), grant(policy.ModAudit, policy.View))
	api.As(who).Post("/v1/accounts", map[string]any{"name": "Lotus", "industry": "Tea", "website": "https://lotus.example"}).Want(t, http.StatusCreated, "")
	clerk := d.User(t, tenant, grant(policy.ModAccount, policy.View), grant(policy.ModAudit, policy.View))
	items, err := d.Table.Query(t.Context(), table.Query{PK: key.Authz(tenant), Prefix: key.RolePrefix})
	if err != nil {
		t.Fatal(err)
	}
	last := items.Items[len(items.Items)-1]
	d.Edit(t, last.Key, func(doc map[string]any) {
		doc["fields"] = []any{map[string]any{"module": "account", "field": "industry", "access": "hidden"}, map[string]any{"module": "account", "field": "website", "access": "masked"}}
	})
	d.Edit(t, key.Tenant(tenant), func(doc map[string]any) { doc["authzVer"] = doc["authzVer"].(float64) + 1 })
	for says, c := range map[string]struct {
		who  edgetest.Who
		sees bool
	}{"who sees the field": {who, true}, "from whom it is hidden": {clerk, false}, "who sees no accounts": {d.User(t, tenant, grant(policy.ModAudit, policy.View)), false}} {
		body := api.As(c.who).Get("/v1/audit?action=accounts.create").Want(t, http.StatusOK, "").Body
		if !bytes.Contains(body, []byte(`"accounts.create"`)) || bytes.Contains(body, []byte("industry")) != c.sees {
			t.Errorf("%s: %s", says, body)
		}
	}
	if body := api.As(clerk).Get("/v1/audit?action=accounts.create").Want(t, http.StatusOK, "").Body; !bytes.Contains(body, []byte("website")) {
		t.Errorf("a masked field has its name: %s", body)
	}
}
