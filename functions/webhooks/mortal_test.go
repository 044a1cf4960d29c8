package webhooks_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/functions/onboarding"
	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
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
