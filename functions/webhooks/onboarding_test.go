package webhooks_test

import (
	"net/http"
	"testing"

	"github.com/steward-crm/steward/shared/principal"
)

func TestOnboarding(t *testing.T) {
	d := open(t)
	r := d.receipt(d.send("msg_1", created()), http.StatusAccepted)
	if r.Status != "provisioning" || r.ID == "" || r.Tenant == "" {
		t.Fatalf("%+v", r)
	}
	if p := d.progress(r.ID); p.Status != "provisioning" || p.Step != "tenant" {
		t.Fatalf("%+v", p)
	}
	d.work()
	if p := d.progress(r.ID); p != (progress{r.ID, "active", "active", ""}) {
		t.Fatalf("%+v", p)
	}
	row := d.row(r.Tenant)
	if row.Status != principal.TenantActive || row.Slug != "huaxia" || row.ExternalID != "cust-1" || row.Plan != "standard" ||
		row.Users != 1 || row.UserLimit != 100 || row.Settings.Locale != "zh-CN" || row.Settings.Region != "CN" {
		t.Fatalf("%+v", row)
	}
	if got := d.census(); got != one {
		t.Fatalf("%+v", got)
	}
}
