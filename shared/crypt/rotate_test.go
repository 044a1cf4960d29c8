package crypt_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

func (d *desk) rotate(ten id.Tenant) {
	d.Helper()
	writes, err := d.crypt.RotateTenant(ctx, ten)
	if err != nil {
		d.Fatal(err)
	}
	d.commit(writes...)
}

// TestRotation is the first half of invariant I24: after a rotation every old value still opens until it is sealed again.
func TestRotation(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	a, ak, it := d.newAccount(ten)
	one := d.tenant(ten)
	old, blind, digest := d.seal(one, here, "old"), one.Blind("email", "x"), one.Digest([]byte("x"))
	ofAccount := d.seal(ak, here, "of the account")

	other := d.process()
	d.tenantIn(other, ten) // warm, and ignorant of what comes
	d.rotate(ten)

	// For two ages nothing seals with the new version, so that nobody meets a value before its key.
	d.crypt.Forget(ten)
	early := d.seal(d.tenant(ten), here, "early")
	if early[2] != 1 {
		t.Errorf("sealed with version %d at once", early[2])
	}
	d.opens("in another process", d.tenantIn(other, ten), here, early, "early")
	d.Add(crypt.MaxAge)
	d.tenantIn(other, ten) // has heard of it now
	d.Add(crypt.MaxAge)
	two := d.tenant(ten)
	late := d.seal(two, here, "late")
	if late[2] != 2 {
		t.Errorf("sealed with version %d after two ages", late[2])
	}
	d.opens("in a process whose cache is older", d.tenantIn(other, ten), here, late, "late")

	d.opens("old", two, here, old, "old")
	if two.Current(old) || !two.Current(late) || !one.Current(old) {
		t.Error("which version a value is under is told wrong")
	}
	d.mismatch("new, by a key from before", one, here, late)
	b := bytes.Clone(old)
	b[2] = 2
	d.mismatch("old, said to be new", two, here, b)
	b[2] = 3
	d.mismatch("of a version to come", two, here, b)
	if two.Blind("email", "x") != blind || !bytes.Equal(two.Digest([]byte("x")), digest) {
		t.Error("the rotation changed blind indexes or digests")
	}

	// Account keys are wrapped again one by one; their values are not touched.
	if _, err := two.OpenAccount(a, it); err != nil {
		t.Fatalf("an account key from before: %v", err)
	}
	next, moved, err := two.RewrapAccount(a, it)
	if err != nil || !moved || next.Key != it.Key || !two.Current(next.Sealed) || two.Current(it.Sealed) {
		t.Fatalf("rewrapped: %v, %v", moved, err)
	}
	if again, moved, err := two.RewrapAccount(a, next); err != nil || moved || !bytes.Equal(again.Sealed, next.Sealed) {
		t.Errorf("rewrapped twice: %v, %v", moved, err)
	}
	same, err := two.OpenAccount(a, next)
	if err != nil {
		t.Fatal(err)
	}
	d.opens("the account's value", same, here, ofAccount, "of the account")
}

// TestRacingRotations: of two, one commits.
func TestRacingRotations(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	first, err := d.crypt.RotateTenant(ctx, ten)
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.process().RotateTenant(ctx, ten)
	if err != nil {
		t.Fatal(err)
	}
	d.commit(first...)
	var failed *table.ConditionFailed
	if err := d.table.Commit(ctx, "second", second...); !errors.As(err, &failed) {
		t.Errorf("the second: %v", err)
	}
}

// TestManyVersions goes beyond what one read asks for and beyond one byte of version.
func TestManyVersions(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	var sealed [][]byte
	for n := 1; n <= 130; n++ {
		sealed = append(sealed, d.seal(d.tenant(ten), here, "x"))
		d.rotate(ten)
		d.Add(2 * crypt.MaxAge)
	}
	k := d.tenant(ten)
	last := d.seal(k, here, "x")
	if len(last) != 1+crypt.Overhead+1 || k.Current(sealed[0]) || !k.Current(last) {
		t.Errorf("version 131 has an overhead of %d", len(last)-1)
	}
	cold := d.tenantIn(d.process(), ten)
	for _, b := range append(sealed, last) {
		d.opens("any version", cold, here, b, "x")
	}
	d.Add(crypt.MaxAge)
	d.wantAsks("a minute old, 131 versions", 1, func() { d.tenant(ten) })
}

// TestHalfALoad: when the key service goes away between two versions, there is no key rather than one that cannot open old values.
func TestHalfALoad(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	old := d.seal(d.tenant(ten), here, "old")
	d.rotate(ten)
	d.Add(2 * crypt.MaxAge)
	c := d.process()
	d.master.cutAt = d.master.opened.Load() + 1
	_, err := c.Tenant(ctx, ten)
	d.refused("cut off halfway", err, fault.Unavailable, "keys_unavailable")
	d.opens("afterwards", d.tenantIn(c, ten), here, old, "old")
}

// TestLostVersion: a version that was destroyed or damaged takes its own values with it and nothing else.
func TestLostVersion(t *testing.T) {
	for name, lose := range map[string]func(d *desk, k table.Key){
		"destroyed": func(d *desk, k table.Key) { d.commit(table.Delete(k, table.Present)) },
		"damaged": func(d *desk, k table.Key) {
			it := d.get(k)
			it.Sealed[20] ^= 1
			d.commit(table.Put(it, table.Present))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			ten := d.newTenant()
			d.rotate(ten) // version 1 also makes the blind indexes, so 2 is the one to lose
			d.Add(2 * crypt.MaxAge)
			two := d.seal(d.tenant(ten), here, "two")
			d.rotate(ten)
			d.Add(2 * crypt.MaxAge)
			three := d.seal(d.tenant(ten), here, "three")
			lose(d, key.TenantKey(ten, 2))
			k := d.tenantIn(d.process(), ten)
			d.mismatch("of the lost version", k, here, two)
			d.opens("of another", k, here, three, "three")

			lose(d, key.TenantKey(ten, 3))
			_, err := d.process().Tenant(ctx, ten)
			want := map[string]string{"destroyed": "key_unavailable", "damaged": "key_mismatch"}[name]
			if !fault.Is(err, want) {
				t.Errorf("without the current version: %v, want %s", err, want)
			}
		})
	}
}
