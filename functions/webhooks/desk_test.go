package webhooks_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/onboarding"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/tenant"
	"github.com/steward-crm/steward/shared/webhook"
)

// desk is a deployment whose SaaS sends webhooks and whose worker does the work that follows.
type desk struct {
	*edgetest.Deployment
	t      testing.TB
	api    *edgetest.Server
	worker *job.Worker
}

func open(t testing.TB) *desk {
	d := &desk{Deployment: edgetest.Deploy(t), t: t}
	d.api = edgetest.Serve(t, d.Platform, append(webhooks.Routes(d.Platform), onboarding.Routes(d.Platform)...))
	d.worker = d.newWorker()
	return d
}

func (d *desk) newWorker() *job.Worker {
	w := job.NewWorker(job.New(d.Table, d.IDs, d.Now), d.Feed, d.Log)
	w.HandleAll(webhooks.Runners(d.Platform), users.Runners(d.Platform), users.MailRunners(d.Platform))
	return w
}

type object = map[string]any

// created is the event that every test of an onboarding begins with.
func created(edits ...func(data object)) object {
	data := object{
		"externalId": "cust-1", "slug": "huaxia", "locale": "zh-CN", "plan": "standard",
		"company": object{
			"name": "华夏精密", "phone": "+86 21 6888 0000", "email": "office@huaxia.example.com",
			"address": object{"country": "CN", "city": "上海", "street": "张江路 88 号", "postalCode": "201203"},
		},
		"admin": object{"name": "陈静", "email": "chen.jing@huaxia.example.com", "phone": "+8613800138000"},
	}
	for _, edit := range edits {
		edit(data)
	}
	return object{"type": tenant.TypeCreated, "timestamp": "2026-03-02T08:59:00Z", "data": data}
}

func event(typ, at string, data object) object {
	if data["externalId"] == nil {
		data["externalId"] = "cust-1"
	}
	return object{"type": typ, "timestamp": at, "data": data}
}

// send signs the body and sends it. A body that is no text is sent as JSON.
func (d *desk) send(webhookID string, body any) *edgetest.Answer {
	return d.sendAt(webhookID, body, d.Now())
}

func (d *desk) sendAt(webhookID string, body any, at time.Time) *edgetest.Answer {
	d.t.Helper()
	raw, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body, json.Deterministic(true))
		if err != nil {
			d.t.Fatal(err)
		}
		raw = string(b)
	}
	return d.api.Anonymous().
		With(webhook.HeaderID, webhookID).
		With(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10)).
		With(webhook.HeaderSignature, webhook.Sign(webhookID, at, []byte(raw), d.Webhook()[0])).
		Post("/webhooks/onboarding", raw)
}

type receipt struct {
	ID     id.Onboarding `json:"id"`
	Status string        `json:"status"`
	Tenant id.Tenant     `json:"tenantId"`
}

func (d *desk) receipt(a *edgetest.Answer, status int) (r receipt) {
	d.t.Helper()
	a.Want(d.t, status, "").Read(d.t, &r)
	return r
}

// work runs due jobs until none is left, moving the clock from one to the next; it gives up after a day of the clock.
func (d *desk) work() {
	d.t.Helper()
	d.workWith(d.worker)
}

func (d *desk) workWith(w *job.Worker) {
	d.t.Helper()
	for range 300 {
		if _, err := w.RunDue(context.WithoutCancel(d.t.Context())); err != nil {
			d.t.Logf("worker: %v", err)
		}
		if !d.waiting() {
			return
		}
		d.Clock.Add(5 * time.Second)
	}
	d.t.Fatal("the work does not end")
}

func (d *desk) waiting() bool {
	page, err := d.Table.Query(d.t.Context(), table.Query{Index: table.G4, PK: key.DueJobs, Limit: 1})
	if err != nil {
		d.t.Fatal(err)
	}
	return len(page.Items) > 0
}

type progress struct {
	ID     id.Onboarding `json:"id"`
	Status string        `json:"status"`
	Step   string        `json:"step"`
	Error  string        `json:"error"`
}

func (d *desk) progress(o id.Onboarding) (p progress) {
	d.t.Helper()
	d.api.Anonymous().Get("/v1/onboarding/"+string(o)).Want(d.t, http.StatusOK, "").Read(d.t, &p)
	return p
}

func (d *desk) row(x id.Tenant) (row principal.Tenant) {
	d.t.Helper()
	items, err := d.Table.Get(d.t.Context(), key.Tenant(x))
	if err != nil || len(items) != 1 {
		d.t.Fatalf("no tenant %s: %v", x, err)
	}
	if err := json.Unmarshal(items[0].Doc, &row); err != nil {
		d.t.Fatal(err)
	}
	return row
}

// census counts what must be there once.
type census struct{ tenants, admins, identities, invitations int }

var one = census{1, 1, 1, 1}

func (d *desk) census() (n census) {
	d.t.Helper()
	admins := map[id.Tenant]bool{}
	for it, err := range d.Table.Scan(d.t.Context(), 0, 1) {
		if err != nil {
			d.t.Fatal(err)
		}
		t, ok := key.TenantOf(it.PK)
		if !ok {
			continue
		}
		if it.Key == key.Tenant(t) {
			n.tenants++
		}
		if it.SK == "USER" {
			n.admins++
			admins[t] = true
		}
	}
	people, _, err := d.Identity.ListUsers(d.t.Context(), "")
	if err != nil {
		d.t.Fatal(err)
	}
	n.identities = len(people)
	for _, m := range d.Outbox.Items() {
		if m.Template == "invitation" {
			n.invitations++
		}
	}
	return n
}

// left gives the items that are neither the audit's nor a done job's nor the record of a webhook.
func (d *desk) left() string {
	return edgetest.Dump(d.t, d.Table, func(it table.Item) bool {
		return key.IsAuditEvent(it.Key) || strings.HasPrefix(it.PK, key.ControlPartition("WH#")) ||
			strings.Contains(string(it.Doc), `"status":"done"`)
	})
}

func (d *desk) audit(x id.Tenant) (all []audit.Event) {
	d.t.Helper()
	now := d.Now()
	all, _, err := audit.Events(d.t.Context(), d.Table, x, audit.Filter{}, now.Add(-48*time.Hour), now, "", 100)
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}
