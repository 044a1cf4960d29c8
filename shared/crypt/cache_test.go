package crypt_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/table"
)

// asks tells how often the key service was asked to open a key while f ran.
func (d *desk) asks(f func()) int64 {
	before := d.master.opened.Load()
	f()
	return d.master.opened.Load() - before
}

func (d *desk) wantAsks(what string, want int64, f func()) {
	d.Helper()
	if got := d.asks(f); got != want {
		d.Errorf("%s: the key service was asked %d times, want %d", what, got, want)
	}
}

func TestWarmProcessAsksNothing(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	d.wantAsks("cold", 1, func() { d.tenant(ten) })
	d.wantAsks("warm", 0, func() {
		for range 100 {
			_, ak, it := d.newAccount(ten)
			d.opens("sealed", ak, here, d.seal(ak, here, "x"), "x")
			if _, err := d.tenant(ten).OpenAccount(id.Account("acct_of_nobody"), it); err == nil {
				t.Error("opened for nobody")
			}
		}
	})
	d.Add(crypt.MaxAge - time.Nanosecond)
	d.wantAsks("just young enough", 0, func() { d.tenant(ten) })
	d.Add(time.Nanosecond)
	d.wantAsks("a minute old", 1, func() { d.tenant(ten); d.tenant(ten) })
	d.crypt.Forget(ten)
	d.wantAsks("forgotten", 1, func() { d.tenant(ten) })
	d.Add(-time.Hour)
	d.wantAsks("the clock stepped back", 1, func() { d.tenant(ten); d.tenant(ten) })
}

func TestHerdAsksOnce(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	for _, when := range []string{"cold", "a minute old"} {
		d.master.slow = make(chan struct{})
		d.wantAsks(when, 1, func() {
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					if _, err := d.crypt.Tenant(ctx, ten); err != nil {
						t.Error(err)
					}
				})
			}
			close(d.master.slow)
			wg.Wait()
		})
		d.Add(crypt.MaxAge)
	}
}

// TestHerdOutlivesItsFirst: the request that began the load goes away; the others still get the key.
func TestHerdOutlivesItsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		ten := d.newTenant()
		d.master.slow = make(chan struct{})
		ask := func(ctx context.Context) chan error {
			answer := make(chan error, 1)
			go func() {
				_, err := d.crypt.Tenant(ctx, ten)
				answer <- err
			}()
			synctest.Wait() // until it waits for the key service
			return answer
		}
		going, cancel := context.WithCancel(ctx)
		first, second := ask(going), ask(ctx)
		cancel()
		d.refused("the first", <-first, fault.Unavailable, "keys_unavailable")
		close(d.master.slow)
		if err := <-second; err != nil {
			t.Errorf("the second: %v", err)
		}
		if n := d.master.opened.Load(); n != 1 {
			t.Errorf("the key service was asked %d times, want once", n)
		}
	})
}

func TestCacheIsBounded(t *testing.T) {
	d := newDesk(t)
	var all []id.Tenant
	for range crypt.MaxTenants + 1 {
		all = append(all, d.newTenant())
	}
	for _, ten := range all {
		d.tenant(ten)
	}
	d.wantAsks("the newest", 0, func() { d.tenant(all[len(all)-1]) })
	d.wantAsks("the one pushed out", 1, func() { d.tenant(all[0]) })
}

// TestDisabledKeyBites: within a minute nothing is read or written any more, nothing is stored in plain, and it comes back by itself.
func TestDisabledKeyBites(t *testing.T) {
	for _, state := range []keys.State{keys.Disabled, keys.PendingDeletion} {
		t.Run(string(state), func(t *testing.T) {
			d := newDesk(t)
			ten := d.newTenant()
			a, ak, it := d.newAccount(ten)
			sealed := d.seal(ak, here, "x")
			at := []table.Key{key.TenantKeyHead(ten), key.TenantKey(ten, 1)}
			before := d.dump(at...)
			if err := d.master.SetState(keys.Data, state); err != nil {
				t.Fatal(err)
			}
			d.Add(crypt.MaxAge)
			for range 2 {
				_, err := d.crypt.Tenant(ctx, ten)
				d.refused("reading and writing", err, fault.Locked, "key_unavailable")
				_, err = d.crypt.NewTenant(ctx, id.New[id.Tenant](d.ids))
				d.refused("a new tenant", err, fault.Locked, "key_unavailable")
				_, err = d.crypt.RotateTenant(ctx, ten)
				d.refused("a rotation", err, fault.Locked, "key_unavailable")
				_, err = d.process().Tenant(ctx, ten)
				d.refused("another process", err, fault.Locked, "key_unavailable")
			}
			d.Add(-time.Second) // what was learnt is not unlearnt when the clock steps back
			_, err := d.crypt.Tenant(ctx, ten)
			d.refused("with the clock stepped back", err, fault.Locked, "key_unavailable")
			if d.dump(at...) != before {
				t.Error("the store changed")
			}
			if err := d.master.SetState(keys.Data, keys.Enabled); err != nil {
				t.Fatal(err)
			}
			again, err := d.tenant(ten).OpenAccount(a, it)
			if err != nil {
				t.Fatal(err)
			}
			d.opens("enabled again", again, here, sealed, "x")
		})
	}
}

// TestKeyServiceOutOfReach: what cannot be asked about cannot be trusted to be enabled.
func TestKeyServiceOutOfReach(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	d.tenant(ten)
	d.master.cut.Store(true)
	d.tenant(ten)
	d.Add(crypt.MaxAge)
	_, err := d.crypt.Tenant(ctx, ten)
	d.refused("cut off", err, fault.Unavailable, "keys_unavailable")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("the cause is lost to the log")
	}
	d.master.cut.Store(false)
	d.tenant(ten)
}

func TestTenantWithoutKey(t *testing.T) {
	d := newDesk(t)
	ten := id.New[id.Tenant](d.ids)
	_, err := d.crypt.Tenant(ctx, ten)
	d.refused("unknown tenant", err, fault.Locked, "key_unavailable")
	_, err = d.crypt.RotateTenant(ctx, ten)
	d.refused("rotation of an unknown tenant", err, fault.Locked, "key_unavailable")

	// Made but not committed is not there; committed, it is, without waiting.
	items, err := d.crypt.NewTenant(ctx, ten)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.crypt.Tenant(ctx, ten)
	d.refused("not committed", err, fault.Locked, "key_unavailable")
	for _, it := range items {
		d.commit(table.Put(it, table.Absent))
	}
	k := d.tenant(ten)
	sealed := d.seal(k, here, "x")

	// Destroyed, it is gone from memory too within the age.
	d.commit(table.Delete(key.TenantKey(ten, 1), table.Present))
	d.Add(crypt.MaxAge)
	_, err = d.crypt.Tenant(ctx, ten)
	d.refused("destroyed", err, fault.Locked, "key_unavailable")
	d.opens("a key still held", k, here, sealed, "x") // why a key is for one request
}

func TestDamagedHead(t *testing.T) {
	for _, doc := range []string{`{"versions":[],"index":1}`, `{"versions":[{"n":1,"from":"2026-01-01T00:00:00Z"}],"index":"x"}`, `{}`} {
		d := newDesk(t)
		ten := d.newTenant()
		h := d.get(key.TenantKeyHead(ten))
		h.Doc = []byte(doc)
		d.commit(table.Put(h, table.Present))
		_, err := d.crypt.Tenant(ctx, ten)
		d.refused(doc, err, fault.Internal, "key_mismatch")
	}
}

// TestUseFromManySides is for the race detector.
func TestUseFromManySides(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	a, _, it := d.newAccount(ten)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				k := d.tenant(ten)
				ak, err := k.OpenAccount(a, it)
				if err != nil {
					t.Error(err)
					return
				}
				d.opens("tenant", k, here, d.seal(k, here, "x"), "x")
				d.opens("account", ak, here, d.seal(ak, here, "y"), "y")
				k.Blind("email", "z")
				k.Digest([]byte("z"))
				d.crypt.Forget(ten)
			}
		})
	}
	wg.Wait()
}
