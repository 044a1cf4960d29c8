package webhooks_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/tenant"
)

// between runs what comes between the reading and the commit of the first change that writes an item whose partition has the prefix.
func (d *desk) between(prefix string, do func()) (ran func() bool) {
	var begun atomic.Bool
	d.Faults.Before = func(c local.Call) error {
		for _, w := range c.Writes {
			if w.Op == table.OpPut && strings.HasPrefix(w.Item.PK, prefix) && begun.CompareAndSwap(false, true) {
				do()
				break
			}
		}
		return nil
	}
	return begun.Load
}

// TestHeldJustInTime: between the moment when a suspension finds no tenant and its commit, the tenant is created, or even onboarded. It must
// not be held for ever.
func TestHeldJustInTime(t *testing.T) {
	suspended := event(tenant.TypeSuspended, "2026-03-02T10:00:00Z", object{})
	held := key.ControlPartition("HELD#")
	for name, row := range map[string]struct{ first, between func(d *desk) }{
		"created meanwhile": {func(*desk) {}, func(d *desk) {
			d.send("msg_1", created()).Want(d.t, http.StatusAccepted, "")
		}},
		"created and onboarded meanwhile": {func(*desk) {}, func(d *desk) {
			d.send("msg_1", created()).Want(d.t, http.StatusAccepted, "")
			d.work()
		}},
		"onboarded meanwhile": {func(d *desk) { d.send("msg_1", created()).Want(d.t, http.StatusAccepted, "") }, func(d *desk) { d.work() }},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			row.first(d)
			ran := d.between(held, func() { row.between(d) })
			d.send("msg_2", suspended).Want(t, http.StatusAccepted, "")
			d.work()
			if !ran() {
				t.Fatal("nothing came between")
			}
			r := d.receipt(d.send("msg_1", created()), http.StatusOK)
			if got := d.row(r.Tenant).Status; got != principal.TenantSuspended || strings.Contains(d.left(), held) {
				t.Fatalf("%s; the suspension was lost", got)
			}
		})
	}
}

// TestLaterEventWinsTheRace: an older event that was read first must not overwrite a newer one that committed meanwhile.
func TestLaterEventWinsTheRace(t *testing.T) {
	for _, typ := range []string{tenant.TypeUpdated, tenant.TypeSuspended} {
		d, r := active(t)
		newer := event(tenant.TypeUpdated, "2026-03-02T12:00:00Z", object{"plan": "enterprise"})
		older := event(tenant.TypeUpdated, "2026-03-02T10:00:00Z", object{"plan": "pro"})
		if typ == tenant.TypeSuspended {
			newer, older = event(tenant.TypeResumed, "2026-03-02T12:00:00Z", object{}), event(typ, "2026-03-02T10:00:00Z", object{})
		}
		ran := d.between(key.ControlPartition("EXT#"), func() { d.send("msg_new", newer).Want(t, http.StatusAccepted, "") })
		if got := d.receipt(d.send("msg_old", older), http.StatusAccepted); !ran() || got.Status != "superseded" {
			t.Fatalf("%+v", got)
		}
		if row := d.row(r.Tenant); typ == tenant.TypeUpdated && row.Plan != "enterprise" || row.Status != principal.TenantActive {
			t.Fatalf("%+v", row)
		}
	}
}

// TestSameWebhookTwiceAtOnce: of two deliveries of one webhook at the same moment one takes effect, whatever its type.
func TestSameWebhookTwiceAtOnce(t *testing.T) {
	for name, body := range map[string]object{
		"ignored": {"type": "ping"},
		"held":    event(tenant.TypeResumed, "2026-03-02T10:00:00Z", object{}),
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			d.send("msg_warm", object{"type": "ping"}) // makes the system's key
			var inner *edgetest.Answer
			ran := d.between(key.ControlPartition("WH#"), func() { inner = d.send("msg_1", body) })
			outer := d.send("msg_1", body).Want(t, http.StatusOK, "")
			if inner.Want(t, http.StatusAccepted, ""); !ran() || string(inner.Body) != string(outer.Body) {
				t.Fatalf("%s and %s", inner.Body, outer.Body)
			}
			if events := d.audit(tenant.System); len(events) != 2 {
				t.Fatalf("%d events for two webhooks", len(events))
			}
		})
	}
}

// TestHeldEventThatCannotBeFollowed is dropped with an audit event that says why; the ones behind it are followed.
func TestHeldEventThatCannotBeFollowed(t *testing.T) {
	d := open(t)
	for i, e := range []object{
		event(tenant.TypeResumed, "2026-03-02T12:00:00Z", object{}),
		event(tenant.TypeCancelled, "2026-03-02T11:00:00Z", object{}),
		event(tenant.TypeUpdated, "2026-03-02T10:00:00Z", object{"plan": "pro"}),
	} {
		d.send(fmt.Sprintf("msg_h%d", i), e).Want(t, http.StatusAccepted, "")
	}
	r := d.receipt(d.send("msg_1", created()), http.StatusAccepted)
	d.work()
	if row := d.row(r.Tenant); row.Status != principal.TenantCancelled || row.Plan != "pro" {
		t.Fatalf("%+v", row)
	}
	var denied []string
	for _, e := range d.audit(r.Tenant) {
		if e.Outcome == audit.Denied {
			denied = append(denied, e.Action+" "+e.Code)
		}
	}
	if len(denied) != 1 || denied[0] != "tenants.resume tenant_cancelled" {
		t.Fatalf("%v", denied)
	}
	if strings.Contains(d.left(), key.ControlPartition("HELD#")) {
		t.Fatal("an event is held for ever")
	}
}

// TestKeyDisabledForHours: nothing can be opened, so the onboarding fails in the end; the way back needs no key.
func TestKeyDisabledForHours(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"tenant", "key", "roles", "company", "administrator", "invitation"} { // active needs no key
		t.Run(step, func(t *testing.T) {
			d, m := openMortal(t)
			a := d.send("msg_1", created())
			r := d.receipt(a, http.StatusAccepted)
			// One run takes steps until it waits, so the key is taken away at the commit before the step.
			d.stopBefore(step)
			for range 100 {
				if _, err := d.worker.RunDue(t.Context()); err != nil {
					t.Fatal(err)
				}
				if d.progress(r.ID).Status != "provisioning" {
					break
				}
				d.Clock.Add(job.LongestPause)
			}
			if p := d.progress(r.ID); p.Status != "failed" || p.Error != "key_unavailable" {
				t.Fatalf("%+v", p)
			}
			if err := d.Master.SetState(keys.Data, keys.Enabled); err != nil {
				t.Fatal(err)
			}
			d.Clock.Add(time.Hour)
			d.nothingLeft(m, r, d.progress(r.ID).Step, "key_unavailable")
		})
	}
}

// TestUndoWaitsForTheInvitation: an onboarding that gives up while another worker is just about to make the administrator's identity must
// not be done undoing before that: the identity would be left behind.
func TestUndoWaitsForTheInvitation(t *testing.T) {
	d, m := openMortal(t)
	r := d.receipt(d.send("msg_1", created()), http.StatusAccepted)
	sound := d.Faults.Before
	other := job.NewWorker(job.New(d.Table, d.IDs, d.Now), d.Feed, d.Log)
	for kind, runner := range webhooks.Runners(d.Platform) {
		other.Handle(kind, runner)
	}
	m.meanwhile = func() {
		d.Crypt.Forget(tenant.System)
		d.Faults.Before = func(c local.Call) error {
			if slices.Contains(c.Keys, key.TenantKeyHead(tenant.System)) {
				return fault.New(fault.Internal, "internal")
			}
			return sound(c)
		}
		for range 28 { // five attempts, all within the lease of the invitation
			if _, err := other.RunDue(t.Context()); err != nil {
				t.Error(err)
			}
			d.Clock.Add(time.Second)
		}
		d.Faults.Before = sound
	}
	d.work()
	if m.meanwhile != nil {
		t.Fatal("nothing happened meanwhile")
	}
	d.nothingLeft(m, r, "invitation", "internal")
}

// stopBefore disables the master key as soon as the onboarding's next step is the one named, and forgets every cached key.
func (d *desk) stopBefore(step string) {
	stop := sync.OnceFunc(func() {
		if err := d.Master.SetState(keys.Data, keys.Disabled); err != nil {
			d.t.Fatal(err)
		}
		d.Clock.Add(2 * time.Minute)
	})
	if step == "tenant" {
		stop()
		return
	}
	was := d.Faults.After
	d.Faults.After = func(c local.Call) error {
		for _, w := range c.Writes {
			if strings.HasPrefix(w.Item.PK, key.ControlPartition("ONB#")) && strings.Contains(string(w.Item.Doc), `"step":"`+step+`"`) {
				stop()
				break
			}
		}
		return was(c)
	}
}

// TestNothingSealedStays: what the webhook said is removed once it has reached its place.
func TestNothingSealedStays(t *testing.T) {
	d, r := active(t)
	items, err := d.Table.Get(t.Context(), key.Onboarding(r.ID))
	if err != nil || len(items) != 1 || len(items[0].Sealed) != 0 {
		t.Fatal("the request stays sealed beside the record")
	}
}
