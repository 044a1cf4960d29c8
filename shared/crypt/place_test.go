package crypt_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// boxes gives a key of each kind, and for each what it must not share values with.
func boxes(d *desk) map[string][]box {
	t, other := d.newTenant(), d.newTenant()
	_, a, _ := d.newAccount(t)
	_, b, _ := d.newAccount(t)
	_, c, _ := d.newAccount(other)
	return map[string][]box{
		"tenant":  {d.tenant(t), d.tenant(other), a, b},
		"account": {a, b, c, d.tenant(t)},
	}
}

// TestPlace is invariant I23: a value opens where it was sealed and nowhere else.
func TestPlace(t *testing.T) {
	for name, ks := range boxes(newDesk(t)) {
		t.Run(name, func(t *testing.T) {
			d := &desk{TB: t}
			k := ks[0]
			sealed := d.seal(k, here, "li@example.com")
			if len(sealed) != len("li@example.com")+crypt.Overhead || crypt.Overhead != 31 {
				t.Errorf("%d bytes more than the plaintext, want 31", len(sealed)-len("li@example.com"))
			}
			d.opens("where it was sealed", k, here, sealed, "li@example.com")
			for i, other := range ks[1:] {
				d.mismatch(fmt.Sprintf("another key (%d)", i), other, here, sealed)
			}
			for what, p := range map[string]crypt.Place{
				"another record":           {"acct_01JD3Z4T0X8Y6QH2N5W7R9K1MC", here.Item, here.Path, here.Schema},
				"another item":             {here.Record, "C#cont_2", here.Path, here.Schema},
				"another path":             {here.Record, here.Item, "sensitive", here.Schema},
				"another schema":           {here.Record, here.Item, here.Path, here.Schema + 1},
				"no record":                {"", here.Item, here.Path, here.Schema},
				"nowhere":                  {},
				"letters between the two":  {here.Record + "C", here.Item[1:], here.Path, here.Schema},
				"letters between the next": {here.Record, here.Item + "s", here.Path[1:], here.Schema},
				"item and path exchanged":  {here.Record, here.Path, here.Item, here.Schema},
				"schema shifted by a byte": {here.Record, here.Item, here.Path, here.Schema << 8},
			} {
				d.mismatch(what, k, p, sealed)
			}
			for i := range sealed {
				for bit := range 8 {
					b := bytes.Clone(sealed)
					b[i] ^= 1 << bit
					d.mismatch(fmt.Sprintf("bit %d of byte %d", bit, i), k, here, b)
				}
			}
			for n := range sealed {
				d.mismatch(fmt.Sprintf("the first %d bytes", n), k, here, sealed[:n])
			}
			d.mismatch("a byte more", k, here, append(bytes.Clone(sealed), 0))
			d.mismatch("plain text", k, here, []byte("li@example.com, which was never sealed at all"))
			d.mismatch("a longer form of the version", k, here, append([]byte{sealed[0], sealed[1], sealed[2] | 0x80, 0}, sealed[3:]...))
			d.mismatch("the longest form of the version, and no room for a tag", k, here, append([]byte{sealed[0], sealed[1], sealed[2] | 0x80, 0x80, 0x80, 0x80, 0}, sealed[:24]...))
			d.opens("untouched", k, here, sealed, "li@example.com")
		})
	}
}

func TestEqualPlaintextsDiffer(t *testing.T) {
	for name, ks := range boxes(newDesk(t)) {
		d := &desk{TB: t}
		seen := map[string]bool{}
		for range 100 {
			b := d.seal(ks[0], here, "same")
			if seen[string(b)] || seen[string(b[3:15])] {
				t.Fatalf("%s: two seals share bytes", name)
			}
			seen[string(b)], seen[string(b[3:15])] = true, true
		}
	}
}

func TestLengths(t *testing.T) {
	for _, ks := range boxes(newDesk(t)) {
		d := &desk{TB: t}
		for _, n := range []int{0, 1, 15, 16, 17, 200, 1 << 16} {
			plain := string(bytes.Repeat([]byte("x"), n))
			sealed := d.seal(ks[0], here, plain)
			d.opens(fmt.Sprint(n), ks[0], here, sealed, plain)
		}
		if got, err := ks[0].Open(here, d.seal(ks[0], here, "")); err != nil || got == nil {
			t.Errorf("the empty value opens as %v, %v", got, err)
		}
	}
}

// TestBlind: equal within one tenant and field, and nowhere else.
func TestBlind(t *testing.T) {
	d := newDesk(t)
	one, two := d.newTenant(), d.newTenant()
	k := d.tenant(one)
	token := k.Blind("email", "li@example.com")
	if len(token) != 32 || token != k.Blind("email", "li@example.com") || token != d.tenantIn(d.process(), one).Blind("email", "li@example.com") {
		t.Errorf("%q is not one token of 32 hex digits", token)
	}
	for what, other := range map[string]string{
		"another value":  k.Blind("email", "li@example.co"),
		"another field":  k.Blind("phone", "li@example.com"),
		"letters moved":  k.Blind("emaill", "i@example.com"),
		"another tenant": d.tenant(two).Blind("email", "li@example.com"),
		"no value":       k.Blind("email", ""),
	} {
		if other == token || len(other) != 32 {
			t.Errorf("%s has the token %s", what, other)
		}
	}
}

func TestDigests(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	a, ak, it := d.newAccount(ten)
	_, bk, _ := d.newAccount(ten)
	seen := map[string]string{}
	for what, k := range map[string]box{"tenant": d.tenant(ten), "other tenant": d.tenant(d.newTenant()), "account": ak, "other account": bk} {
		sum := string(k.Digest([]byte("state")))
		if len(sum) != 32 || sum != string(k.Digest([]byte("state"))) || sum == string(k.Digest([]byte("State"))) {
			t.Errorf("%s: not a digest", what)
		}
		if seen[sum] != "" {
			t.Errorf("%s and %s share a digest", what, seen[sum])
		}
		seen[sum] = what
	}
	again, err := d.tenant(ten).OpenAccount(a, it)
	if err != nil || !bytes.Equal(again.Digest([]byte("state")), ak.Digest([]byte("state"))) {
		t.Errorf("the account's digest changed with its reopening, %v", err)
	}
}

// TestWrappedKeysStayWhereTheyAre: a wrapped key that is moved to another tenant, account or version, or changed, opens nothing.
func TestWrappedKeysStayWhereTheyAre(t *testing.T) {
	d := newDesk(t)
	one, two := d.newTenant(), d.newTenant()
	a, ak, it := d.newAccount(one)
	b, _, _ := d.newAccount(one)

	if _, err := d.tenant(one).OpenAccount(b, it); !fault.Is(err, "sealed_mismatch") {
		t.Errorf("account key at another account: %v", err)
	}
	if _, err := d.tenant(two).OpenAccount(a, it); !fault.Is(err, "sealed_mismatch") {
		t.Errorf("account key at another tenant: %v", err)
	}
	if _, _, err := d.tenant(one).RewrapAccount(b, it); !fault.Is(err, "sealed_mismatch") {
		t.Errorf("account key rewrapped for another account: %v", err)
	}
	for i := range it.Sealed {
		x := it
		x.Sealed = bytes.Clone(it.Sealed)
		x.Sealed[i] ^= 1
		if _, err := d.tenant(one).OpenAccount(a, x); !fault.Is(err, "sealed_mismatch") {
			t.Errorf("account key with byte %d changed: %v", i, err)
		}
	}
	if _, err := d.tenant(one).OpenAccount(a, table.Item{}); !fault.Is(err, "sealed_mismatch") {
		t.Errorf("account key of nothing: %v", err)
	}
	// A value that the tenant's own key sealed is no account key, though tenant and place agree.
	fake := d.seal(d.tenant(one), crypt.Place{Record: string(a), Item: key.AccountKey(one, a).SK, Path: "account key", Schema: 1}, "\x01"+string(make([]byte, 32)))
	if _, err := d.tenant(one).OpenAccount(a, table.Item{Sealed: fake}); !fault.Is(err, "sealed_mismatch") {
		t.Errorf("account key made by the tenant's own: %v", err)
	}
	opened, err := d.tenant(one).OpenAccount(a, it)
	if err != nil {
		t.Fatal(err)
	}
	d.opens("what the account sealed before", opened, here, d.seal(ak, here, "x"), "x")

	// The tenant's wrapped key, put where another tenant's was.
	stolen := d.get(key.TenantKey(one, 1))
	theirs := d.get(key.TenantKey(two, 1))
	theirs.Sealed = stolen.Sealed
	d.commit(table.Put(theirs, table.Present))
	_, err = d.process().Tenant(ctx, two)
	d.refused("tenant key at another tenant", err, fault.Internal, "key_mismatch")
}

// TestGoldenSizes keeps what a record costs: eight short fields in one sealed group at most 48 bytes above the fields.
func TestGoldenSizes(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	_, ak, it := d.newAccount(ten)
	if len(it.Sealed) > 64 {
		t.Errorf("an account key of %d bytes", len(it.Sealed))
	}
	sum := 0
	for _, m := range record {
		sum += len(m.Value)
	}
	if over := len(d.seal(ak, here, string(crypt.Pack(record)))) - sum; over > 48 {
		t.Errorf("%d bytes above the fields", over)
	}
}

// record is a contact as a noun would pack it: eight fields, 200 bytes.
var record = []crypt.Member{
	{1, []byte("li.xuemei@example.com")},
	{2, []byte("+8613800138000")},
	{3, []byte("310101199104120047")},
	{4, []byte("上海市黄浦区中山东一路 12 号")},
	{5, []byte("200002")},
	{6, []byte("purchasing, prefers to be called in the morning")},
	{7, []byte("VIP since 2019")},
	{8, []byte("wechat:lixuemei-91")},
}

func TestKeysPrintNothing(t *testing.T) {
	d := newDesk(t)
	ten := d.newTenant()
	_, ak, _ := d.newAccount(ten)
	for _, s := range []string{fmt.Sprintf("%+v", d.tenant(ten)), fmt.Sprintf("%#v", ak), fmt.Sprint(ak)} {
		if s != "[redacted]" {
			t.Error("a key prints more than [redacted]")
		}
	}
}
