package webhooks_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/functions/onboarding"
	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/tenant"
)

// mortal makes the process die at the n-th effect that it has on the world outside its memory: a commit of the table, a change of an
// identity, a mail. It dies just before the effect, or just after it, when the effect stands and nobody has learnt of it. From then on
// every call fails, until the test starts the process again.
type mortal struct {
	mu      sync.Mutex
	at      int // the effect to die at, counted from 1; 0: never
	after   bool
	effects int
	dead    bool
	stumble bool                   // it does not die, but fails that once
	refuse  func(local.Call) error // a fault of the table that stays
	keys    map[table.Key]bool     // ever written in the keys space
	mail    error                  // what the mail service answers
	deletes func() error           // what the identity provider answers to a deletion

	meanwhile func() // happens when the first identity is about to be made
}

var errDead = fault.New(fault.Unavailable, "table_unavailable")

func (m *mortal) before() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	if m.effects++; m.effects == m.at && !m.after {
		m.die()
		return errDead
	}
	return nil
}

func (m *mortal) done() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	if m.effects == m.at && m.after {
		m.die()
		return errDead
	}
	return nil
}

func (m *mortal) die() {
	if m.stumble {
		m.at = 0
		return
	}
	m.dead = true
}

func (m *mortal) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	return nil
}

func (m *mortal) effect(do func() error) error {
	if err := m.before(); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return m.done()
}

type mortalIdentity struct {
	identity.Identity
	m *mortal
}

func (i mortalIdentity) CreateUser(ctx context.Context, n identity.Name, email, phone, password string, life time.Duration) error {
	if meanwhile := i.m.meanwhile; meanwhile != nil {
		i.m.meanwhile = nil
		meanwhile()
	}
	return i.m.effect(func() error { return i.Identity.CreateUser(ctx, n, email, phone, password, life) })
}

func (i mortalIdentity) SetTemporaryPassword(ctx context.Context, n identity.Name, password string, life time.Duration) error {
	return i.m.effect(func() error { return i.Identity.SetTemporaryPassword(ctx, n, password, life) })
}

func (i mortalIdentity) Delete(ctx context.Context, n identity.Name) error {
	if down := i.m.deletes; down != nil {
		if err := down(); err != nil {
			return err
		}
	}
	return i.m.effect(func() error { return i.Identity.Delete(ctx, n) })
}

type mortalNotify struct {
	notify.Notify
	m *mortal
}

func (n mortalNotify) Send(ctx context.Context, msg notify.Message) error {
	return n.m.effect(func() error {
		if n.m.mail != nil {
			return n.m.mail
		}
		return n.Notify.Send(ctx, msg)
	})
}

// openMortal is a desk whose process can die.
func openMortal(t testing.TB) (*desk, *mortal) {
	m := &mortal{keys: map[table.Key]bool{}}
	d := &desk{Deployment: edgetest.Deploy(t), t: t}
	d.Platform.Identity = mortalIdentity{d.Platform.Identity, m}
	d.Platform.Notify = mortalNotify{d.Platform.Notify, m}
	d.Faults.Before = func(c local.Call) error {
		if c.Op != "commit" {
			return m.alive()
		}
		if m.refuse != nil {
			if err := m.refuse(c); err != nil {
				return err
			}
		}
		if err := m.before(); err != nil {
			return err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, w := range c.Writes {
			if w.Op == table.OpPut && w.Item.Space == table.Keys {
				m.keys[w.Item.Key] = true
			}
		}
		return nil
	}
	d.Faults.After = func(c local.Call) error {
		if c.Op != "commit" {
			return nil
		}
		return m.done()
	}
	d.restart()
	return d, m
}

// restart is a new process over the same data.
func (d *desk) restart() {
	d.api = edgetest.Serve(d.t, d.Platform, append(webhooks.Routes(d.Platform), onboarding.Routes(d.Platform)...))
	d.worker = d.newWorker()
}

// live sends the event until it is accepted and works until nothing is left, starting the process again whenever it died.
func (d *desk) live(m *mortal, webhookID string, body any) receipt {
	d.t.Helper()
	revive := func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		if !m.dead {
			return false
		}
		m.dead, m.at = false, 0
		d.restart()
		d.Clock.Add(job.LeaseFor + time.Second) // what the dead one held is free then
		return true
	}
	a := d.send(webhookID, body)
	if revive() || a.Status == http.StatusServiceUnavailable {
		if a.Status/100 == 2 {
			d.t.Fatalf("a process that died answered %d", a.Status)
		}
		a = d.send(webhookID, body)
	}
	if a.Status != http.StatusAccepted && a.Status != http.StatusOK {
		a.Want(d.t, http.StatusAccepted, "")
	}
	var r receipt
	a.Read(d.t, &r)
	for range 2000 {
		_, err := d.worker.RunDue(context.Background())
		if revive() {
			continue
		}
		if err != nil {
			d.t.Fatal(err)
		}
		if !d.waiting() {
			return r
		}
		d.Clock.Add(5 * time.Second)
	}
	d.t.Fatal("the work does not end")
	return r
}

// TestOnboardingSurvivesEveryStumble: a call that fails once, or whose reply is lost, while the process lives on.
func TestOnboardingSurvivesEveryStumble(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			d, m := openMortal(t)
			m.at, m.after, m.stumble = n, after, true
			r := d.live(m, "msg_1", created())
			if p := d.progress(r.ID); p.Status != "active" {
				t.Fatalf("stumble %d, after %v: %+v", n, after, p)
			}
			if got := d.census(); got != one {
				t.Fatalf("stumble %d, after %v: %+v", n, after, got)
			}
			if m.at != 0 {
				break
			}
		}
	}
}

// eachDeath calls live with the process dying before, and then after, every effect in turn, until there is none left to die at.
func eachDeath(t *testing.T, run func(t *testing.T, d *desk, m *mortal)) {
	deaths := 0
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			d, m := openMortal(t)
			m.at, m.after = n, after
			name := fmt.Sprintf("death %d, after %v", n, after)
			ok := t.Run(name, func(t *testing.T) { d.t = t; run(t, d, m) })
			if !ok {
				return
			}
			if m.at != 0 {
				break // it lived through all
			}
			deaths++
		}
	}
	if deaths < 30 {
		t.Fatalf("only %d deaths: the harness does not see the effects", deaths)
	}
}

// TestOnboardingSurvivesEveryDeath is I31 and I32 under crashes: wherever the process dies, once, the next one completes the onboarding,
// and every step has taken effect once.
func TestOnboardingSurvivesEveryDeath(t *testing.T) {
	t.Parallel()
	eachDeath(t, func(t *testing.T, d *desk, m *mortal) {
		r := d.live(m, "msg_1", created())
		if p := d.progress(r.ID); p.Status != "active" {
			t.Fatalf("%+v", p)
		}
		if got := d.census(); got != one {
			t.Fatalf("%+v", got)
		}
		if row := d.row(r.Tenant); row.Status != principal.TenantActive || row.Users != 1 {
			t.Fatalf("%+v", row)
		}
		steps := map[string]int{}
		for _, e := range d.audit(r.Tenant) {
			if e.Action == tenant.JobOnboard {
				steps[e.Note]++
			}
		}
		for _, s := range []string{"tenant", "key", "roles", "company", "administrator", "invitation", "active"} {
			if steps[s] != 1 {
				t.Errorf("step %s was recorded %d times", s, steps[s])
			}
		}
	})
}

// TestFailedOnboardingIsUndoneAtEveryDeath: an invitation that can never be delivered fails the onboarding at its last step. Wherever the
// process dies, on the way there or on the way back, nothing is left but the record.
func TestFailedOnboardingIsUndoneAtEveryDeath(t *testing.T) {
	t.Parallel()
	eachDeath(t, func(t *testing.T, d *desk, m *mortal) {
		m.mail = fault.New(fault.Invalid, "undeliverable")
		r := d.live(m, "msg_1", created())
		d.nothingLeft(m, r, "invitation", "undeliverable")
	})
}

// TestUndoIsNeverGivenUp: a provider that cannot delete for half a day, longer than any job is tried, leaves nothing behind in the end.
func TestUndoIsNeverGivenUp(t *testing.T) {
	d, m := openMortal(t)
	m.mail = fault.New(fault.Invalid, "undeliverable")
	up := d.Now().Add(12 * time.Hour)
	m.deletes = func() error {
		if d.Now().Before(up) {
			return fault.New(fault.Unavailable, "identity_unavailable")
		}
		return nil
	}
	r := d.receipt(d.send("msg_1", created()), http.StatusAccepted)
	for d.waiting() && d.Now().Before(up.Add(time.Hour)) {
		if _, err := d.worker.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.Clock.Add(time.Minute)
	}
	d.nothingLeft(m, r, "invitation", "undeliverable")
}

// nothingLeft holds I32: of a failed onboarding there is the record with the step and the code, the audit, and nothing else: no row, no
// key, no identity. And the customer can be onboarded again under the same names.
func (d *desk) nothingLeft(m *mortal, r receipt, step, code string) {
	t := d.t
	t.Helper()
	if p := d.progress(r.ID); p != (progress{r.ID, "failed", step, code}) {
		t.Fatalf("%+v", p)
	}
	left := d.left()
	if !strings.Contains(left, string(r.ID)) || strings.Count(left, "\n") != 0 {
		t.Fatalf("left behind:\n%s", left)
	}
	record, err := d.Table.Get(t.Context(), key.Onboarding(r.ID))
	if err != nil || len(record) != 1 || len(record[0].Sealed) != 0 {
		t.Fatalf("what the webhook said stays beside the record: %v", err)
	}
	for k := range m.keys {
		items, err := d.Table.Get(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		if x, _ := key.TenantOf(k.PK); len(items) != 0 && x != tenant.System {
			t.Fatalf("key left behind: %v", k)
		}
	}
	if got := d.census(); got.tenants != 0 || got.admins != 0 || got.identities != 0 {
		t.Fatalf("%+v", got)
	}
	// The same webhook again speaks of what was; the same customer in a new webhook is onboarded.
	if again := d.receipt(d.send("msg_1", created()), http.StatusOK); again != r {
		t.Fatalf("%+v", again)
	}
	m.mail, m.refuse = nil, nil
	fresh := d.live(m, "msg_2", created())
	if p := d.progress(fresh.ID); p.Status != "active" || fresh.ID == r.ID || fresh.Tenant == r.Tenant {
		t.Fatalf("%+v", p)
	}
}

// TestFailureOfEachStepIsUndone lets each step fail for good.
func TestFailureOfEachStepIsUndone(t *testing.T) {
	t.Parallel()
	for step, hits := range map[string]func(w table.Write) bool{
		"tenant":        func(w table.Write) bool { return w.Item.SK == "TENANT" && w.If == table.Absent },
		"key":           func(w table.Write) bool { return w.Item.Space == table.Keys && w.Item.SK == "HEAD" },
		"roles":         func(w table.Write) bool { return strings.HasPrefix(w.Item.SK, key.RolePrefix) },
		"company":       func(w table.Write) bool { return w.Item.SK == "COMPANY" },
		"administrator": func(w table.Write) bool { return w.Item.SK == "USER" && w.If == table.Absent },
		"active": func(w table.Write) bool {
			return w.Item.SK == "TENANT" && strings.Contains(string(w.Item.Doc), `"status":"active"`)
		},
	} {
		for name, row := range map[string]struct {
			err  *fault.Fault
			code string
		}{
			"at once":      {fault.New(fault.Invalid, "record_too_large"), "record_too_large"},
			"after trying": {fault.New(fault.Unavailable, "keys_unavailable"), "keys_unavailable"},
			"by a mistake": {fault.New(fault.Internal, "internal"), "internal"},
		} {
			t.Run(step+" fails "+name, func(t *testing.T) {
				d, m := openMortal(t)
				d.t = t
				m.refuse = func(c local.Call) error {
					for _, w := range c.Writes {
						if x, ok := key.TenantOf(w.Item.PK); ok && x != tenant.System && w.Op == table.OpPut && hits(w) {
							return row.err
						}
					}
					return nil
				}
				r := d.live(m, "msg_1", created())
				d.nothingLeft(m, r, step, row.code)
			})
		}
	}
}
