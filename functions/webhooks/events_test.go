package webhooks_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/functions/roles"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/tenant"
)

// active is a desk with the tenant of created, onboarded.
func active(t *testing.T) (*desk, receipt) {
	d := open(t)
	r := d.receipt(d.send("msg_1", created()), http.StatusAccepted)
	d.work()
	if p := d.progress(r.ID); p.Status != "active" {
		t.Fatalf("%+v", p)
	}
	return d, r
}

func TestSameWebhookAgainChangesNothing(t *testing.T) {
	d := open(t)
	first := d.send("msg_1", created()).Want(t, http.StatusAccepted, "")
	before := edgetest.Dump(t, d.Table)
	again := d.send("msg_1", created()).Want(t, http.StatusOK, "")
	if string(again.Body) != string(first.Body) {
		t.Fatalf("%s, first %s", again.Body, first.Body)
	}
	d.send("msg_1", created(func(x object) { x["plan"] = "pro" })).Want(t, http.StatusConflict, "webhook_id_reused")
	if edgetest.Dump(t, d.Table) != before {
		t.Fatal("a second delivery changed the store")
	}
	d.work()
	d.Clock.Add(tenant.Kept - time.Hour)
	d.send("msg_1", created()).Want(t, http.StatusOK, "")
	d.Clock.Add(2 * time.Hour) // the webhook's id is forgotten, the external id is not
	if r := d.receipt(d.send("msg_1", created()), http.StatusOK); r != d.receipt(first, http.StatusAccepted) {
		t.Fatalf("%+v", r)
	}
	d.work()
	if got := d.census(); got != one {
		t.Fatalf("%+v", got)
	}
}

func TestExternalIDAndSlugAreUnique(t *testing.T) {
	d, r := active(t)
	if again := d.receipt(d.send("msg_2", created()), http.StatusOK); again != r {
		t.Fatalf("the same event in another webhook: %+v, want %+v", again, r)
	}
	before := edgetest.Dump(t, d.Table)
	d.send("msg_3", created(func(x object) { x["slug"] = "other" })).Want(t, http.StatusConflict, "external_id_taken")
	d.send("msg_4", created(func(x object) { x["externalId"] = "cust-2" })).Want(t, http.StatusConflict, "slug_taken").
		Field(t, "/data/slug", "slug_taken")
	if edgetest.Dump(t, d.Table) != before {
		t.Fatal("a refused event changed the store")
	}
	other := created(func(x object) { x["externalId"], x["slug"] = "cust-2", "other" })
	if next := d.receipt(d.send("msg_5", other), http.StatusAccepted); next.Tenant == r.Tenant {
		t.Fatal("two customers share a tenant")
	}
	d.work()
	if got := d.census(); got != (census{2, 2, 2, 2}) {
		t.Fatalf("one address in two tenants are two people: %+v", got)
	}
}

// TestDeliveriesInParallel is I31 under races: many deliveries of one event, some by the same webhook and some by others, with workers at
// the same time, make one tenant.
func TestDeliveriesInParallel(t *testing.T) {
	d := open(t)
	var all sync.WaitGroup
	answers := make([]*edgetest.Answer, 24)
	for i := range answers {
		all.Go(func() { answers[i] = d.send(fmt.Sprintf("msg_%d", i%6), created()) })
	}
	for range 3 {
		w := d.newWorker()
		all.Go(func() {
			for range 10 {
				if _, err := w.RunDue(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	d.work()
	accepted := 0
	for _, a := range answers {
		if a.Status == http.StatusAccepted {
			accepted++
		} else {
			a.Want(t, http.StatusOK, "")
		}
		if string(a.Body) != string(answers[0].Body) {
			t.Errorf("%s, another got %s", a.Body, answers[0].Body)
		}
	}
	if accepted != 1 {
		t.Errorf("%d deliveries were new", accepted)
	}
	if got := d.census(); got != one {
		t.Fatalf("%+v", got)
	}
	if p := d.progress(d.receipt(d.send("msg_0", created()), http.StatusOK).ID); p.Status != "active" {
		t.Fatalf("%+v", p)
	}
}

func TestSlugRaceHasOneWinner(t *testing.T) {
	d := open(t)
	answers := make([]*edgetest.Answer, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = d.send(fmt.Sprintf("msg_%d", i), created(func(x object) { x["externalId"] = fmt.Sprintf("cust-%d", i) }))
		})
	}
	all.Wait()
	won := 0
	for _, a := range answers {
		if a.Status == http.StatusAccepted {
			won++
			continue
		}
		a.Want(t, http.StatusConflict, "slug_taken")
	}
	d.work()
	if won != 1 || d.census() != one {
		t.Fatalf("%d winners, %+v", won, d.census())
	}
}

func TestExternalIDRaceHasOneWinner(t *testing.T) {
	d := open(t)
	answers := make([]*edgetest.Answer, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = d.send(fmt.Sprintf("msg_%d", i), created(func(x object) { x["slug"] = fmt.Sprintf("huaxia-%d", i) }))
		})
	}
	all.Wait()
	won := 0
	for _, a := range answers {
		if a.Status == http.StatusAccepted {
			won++
			continue
		}
		a.Want(t, http.StatusConflict, "external_id_taken")
	}
	d.work()
	if won != 1 || d.census() != one {
		t.Fatalf("%d winners, %+v", won, d.census())
	}
}

// TestAnyOrder sends the life of a customer in random orders, with the worker running in between, each event twice: the end is always that
// of the order of timestamps.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	life := []object{
		created(),
		event(tenant.TypeUpdated, "2026-03-02T10:00:00Z", object{"plan": "pro"}),
		event(tenant.TypeSuspended, "2026-03-02T11:00:00Z", object{}),
		event(tenant.TypeUpdated, "2026-03-02T12:00:00Z", object{"plan": "enterprise", "locale": "en"}),
		event(tenant.TypeResumed, "2026-03-02T13:00:00Z", object{}),
		event(tenant.TypeSuspended, "2026-03-02T14:00:00Z", object{}),
	}
	for seed := range uint64(12) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			d := open(t)
			var order []int
			for i := range life {
				order = append(order, i, i)
			}
			rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			for _, i := range order {
				if a := d.send(fmt.Sprintf("msg_%d", i), life[i]); a.Status/100 != 2 {
					t.Fatalf("%v: event %d: %d %s", order, i, a.Status, a.Body)
				}
				if rnd.IntN(2) == 0 {
					if _, err := d.worker.RunDue(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			d.work()
			r := d.receipt(d.send("msg_0", created()), http.StatusOK)
			row := d.row(r.Tenant)
			if row.Status != principal.TenantSuspended || row.Plan != "enterprise" || row.UserLimit != 10000 || row.Settings.Locale != "en" {
				t.Fatalf("%v: %+v", order, row)
			}
			if got := d.census(); got != one {
				t.Fatalf("%v: %+v", order, got)
			}
			if strings.Contains(d.left(), "HELD#") {
				t.Fatalf("%v: an event is held for ever", order)
			}
		})
	}
}

func TestHeldEventsSayNothingInPlain(t *testing.T) {
	d := open(t)
	secret := object{"company": object{"name": "Canary Works", "email": "canary@example.com", "phone": "+8613912345678"}}
	a := d.send("msg_h", event(tenant.TypeUpdated, "2026-03-02T10:00:00Z", secret)).Want(t, http.StatusAccepted, "")
	if got := d.receipt(a, http.StatusAccepted); got.Status != "held" {
		t.Fatalf("%+v", got)
	}
	d.send("msg_1", created())
	dump := edgetest.Dump(t, d.Table)
	for _, word := range []string{"Canary", "canary@", "13912345678", "chen.jing", "13800138000", "68880000", "6888 0000", "华夏精密", "陈静", "张江路"} {
		if strings.Contains(dump, word) {
			t.Errorf("%q lies in plain while the onboarding waits", word)
		}
	}
	if d.send("msg_h", event(tenant.TypeUpdated, "2026-03-02T10:00:00Z", secret)).Status != http.StatusOK {
		t.Error("a held event that comes again")
	}
	d.work()
	dump = edgetest.Dump(t, d.Table)
	if !strings.Contains(dump, "Canary Works") { // display names stay plain
		t.Error("the held event was not replayed")
	}
	for _, word := range []string{"canary@", "13912345678", "chen.jing", "13800138000", "68880000", "6888 0000"} {
		if strings.Contains(dump, word) {
			t.Errorf("%q lies in plain at the end", word)
		}
	}
}

func TestTooManyHeld(t *testing.T) {
	d := open(t)
	for i := range tenant.MaxHeld {
		d.send(fmt.Sprintf("msg_%d", i), event(tenant.TypeSuspended, "2026-03-02T10:00:00Z", object{})).Want(t, http.StatusAccepted, "")
	}
	d.send("msg_more", event(tenant.TypeSuspended, "2026-03-02T10:00:00Z", object{})).Want(t, http.StatusTooManyRequests, "too_many_held")
}

// TestLife walks the tenant's state machine (I20): every event in every state.
func TestLife(t *testing.T) {
	t.Parallel()
	const (
		up, down, gone = principal.TenantActive, principal.TenantSuspended, principal.TenantCancelled
	)
	to := map[principal.TenantStatus][]string{
		up:   {},
		down: {tenant.TypeSuspended},
		gone: {tenant.TypeCancelled},
	}
	for _, row := range []struct {
		from    principal.TenantStatus
		event   string
		outcome string // or the code of the refusal
		to      principal.TenantStatus
	}{
		{up, tenant.TypeSuspended, "applied", down},
		{up, tenant.TypeResumed, "unchanged", up},
		{up, tenant.TypeCancelled, "applied", gone},
		{up, tenant.TypeUpdated, "applied", up},
		{down, tenant.TypeSuspended, "unchanged", down},
		{down, tenant.TypeResumed, "applied", up},
		{down, tenant.TypeCancelled, "applied", gone},
		{down, tenant.TypeUpdated, "applied", down},
		{gone, tenant.TypeSuspended, "tenant_cancelled", gone},
		{gone, tenant.TypeResumed, "tenant_cancelled", gone},
		{gone, tenant.TypeCancelled, "unchanged", gone},
		{gone, tenant.TypeUpdated, "tenant_cancelled", gone},
	} {
		t.Run(string(row.from)+" "+row.event, func(t *testing.T) {
			d, r := active(t)
			for _, typ := range to[row.from] {
				d.send("msg_to", event(typ, "2026-03-02T10:00:00Z", object{})).Want(t, http.StatusAccepted, "")
			}
			data := object{}
			if row.event == tenant.TypeUpdated {
				data["plan"] = "pro"
			}
			a := d.send("msg_2", event(row.event, "2026-03-02T11:00:00Z", data))
			if a.Status == http.StatusConflict {
				a.Want(t, http.StatusConflict, row.outcome)
			} else if got := d.receipt(a, http.StatusAccepted); got.Status != row.outcome || got.Tenant != r.Tenant {
				t.Fatalf("%+v", got)
			}
			if got := d.row(r.Tenant).Status; got != row.to {
				t.Fatalf("%s, want %s", got, row.to)
			}
		})
	}
}

// TestSuspensionBitesOnTheNextRequest is I5 for tenants.
func TestSuspensionBitesOnTheNextRequest(t *testing.T) {
	d, r := active(t)
	boss := d.User(t, r.Tenant, policy.Grant{Module: policy.ModRole, Action: policy.View, Scope: policy.All})
	api := edgetest.Serve(t, d.Platform, roles.Routes(d.Platform)).As(boss)
	api.Get("/v1/roles").Want(t, http.StatusOK, "")
	d.send("msg_2", event(tenant.TypeSuspended, "2026-03-02T10:00:00Z", object{})).Want(t, http.StatusAccepted, "")
	api.Get("/v1/roles").Want(t, http.StatusForbidden, "tenant_suspended")
	d.send("msg_3", event(tenant.TypeResumed, "2026-03-02T11:00:00Z", object{})).Want(t, http.StatusAccepted, "")
	api.Get("/v1/roles").Want(t, http.StatusOK, "")
	d.send("msg_4", event(tenant.TypeSuspended, "2026-03-02T10:30:00Z", object{})) // late, and older than what was followed
	api.Get("/v1/roles").Want(t, http.StatusOK, "")
	d.send("msg_5", event(tenant.TypeCancelled, "2026-03-02T12:00:00Z", object{})).Want(t, http.StatusAccepted, "")
	api.Get("/v1/roles").Want(t, http.StatusForbidden, "tenant_suspended")
}

func TestUpdate(t *testing.T) {
	d, r := active(t)
	for i, row := range []struct {
		at      string
		data    object
		outcome string
	}{
		{"2026-03-02T10:00:00Z", object{"plan": "business", "company": object{"name": "Huaxia 2"}}, "applied"},
		{"2026-03-02T09:30:00Z", object{"plan": "free"}, "superseded"},
		{"2026-03-02T10:00:00Z", object{"locale": "zh-TW"}, "applied"}, // of one moment, the last to arrive wins
		{"2026-03-02T11:00:00Z", object{"locale": "zh-TW", "plan": "business", "company": object{"name": "Huaxia 2"}}, "unchanged"},
	} {
		a := d.send(fmt.Sprintf("msg_u%d", i), event(tenant.TypeUpdated, row.at, row.data))
		if got := d.receipt(a, http.StatusAccepted); got.Status != row.outcome || got.Tenant != r.Tenant {
			t.Fatalf("row %d: %+v", i, got)
		}
	}
	row := d.row(r.Tenant)
	if row.Plan != "business" || row.UserLimit != 1000 || row.Settings.Locale != "zh-TW" || row.Status != principal.TenantActive {
		t.Fatalf("%+v", row)
	}
	var fields []string
	for _, e := range d.audit(r.Tenant) {
		if e.Action == "tenants.update" && len(e.Fields) > 0 {
			fields = append(fields, strings.Join(e.Fields, "+"))
		}
		if e.Actor != "system" {
			t.Errorf("actor %q", e.Actor)
		}
	}
	if got := strings.Join(fields, " "); got != "locale plan+company" {
		t.Fatalf("audit: %s", got)
	}
}

func TestPlanCannotShrinkBelowTheUsers(t *testing.T) {
	d, r := active(t)
	d.Edit(t, keyOfTenant(r), func(doc map[string]any) { doc["users"] = 26 })
	before := edgetest.Dump(t, d.Table)
	d.send("msg_2", event(tenant.TypeUpdated, "2026-03-02T10:00:00Z", object{"plan": "free"})).
		Want(t, http.StatusConflict, "plan_below_users").Field(t, "/data/plan", "plan_below_users")
	if edgetest.Dump(t, d.Table) != before {
		t.Fatal("a refused update changed the store")
	}
}

func TestUnknownTypeIsIgnoredAndAudited(t *testing.T) {
	d := open(t)
	body := object{"type": "invoice.paid", "anything": []int{1}, "data": object{"secret": "canary"}}
	for _, status := range []int{http.StatusAccepted, http.StatusOK} {
		if got := d.receipt(d.send("msg_1", body), status); got != (receipt{Status: "ignored"}) {
			t.Fatalf("%+v", got)
		}
	}
	events := d.audit(tenant.System)
	if len(events) != 1 || events[0].Action != "webhooks.ignore" || events[0].Target != "msg_1" {
		t.Fatalf("%+v", events)
	}
	if strings.Contains(edgetest.Dump(t, d.Table), "canary") {
		t.Fatal("what was ignored was kept")
	}
}

func keyOfTenant(r receipt) table.Key { return key.Tenant(r.Tenant) }
