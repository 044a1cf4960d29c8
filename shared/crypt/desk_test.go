package crypt_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/keys"
	keyslocal "github.com/steward-crm/steward/shared/keys/local"
	"github.com/steward-crm/steward/shared/table"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

var ctx = context.Background()

// desk is a deployment of keys and table on a clock that the test turns.
type desk struct {
	testing.TB
	master *counted
	table  *tablelocal.Store
	crypt  *crypt.Crypt
	ids    *id.Source

	*clocktest.Clock
}

// counted is the key service with a count of what is asked of it, and a line that can be cut.
type counted struct {
	*keyslocal.Keys
	made, opened atomic.Int64
	cut          atomic.Bool
	cutAt        int64         // the call of Decrypt, counted from the first, that fails
	slow         chan struct{} // when set, Decrypt waits for it
}

func (k *counted) GenerateDataKey(ctx context.Context, p keys.Purpose, c keys.Context) (plain, wrapped []byte, err error) {
	k.made.Add(1)
	return k.Keys.GenerateDataKey(ctx, p, c)
}

func (k *counted) Decrypt(ctx context.Context, p keys.Purpose, wrapped []byte, c keys.Context) ([]byte, error) {
	n := k.opened.Add(1)
	if k.slow != nil {
		<-k.slow
	}
	if k.cut.Load() || n == k.cutAt {
		return nil, context.DeadlineExceeded // as a client without manners would
	}
	return k.Keys.Decrypt(ctx, p, wrapped, c)
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{TB: t, Clock: clocktest.At(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))}
	master, err := keyslocal.Open(filepath.Join(t.TempDir(), "keys.json"), d.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d.master = &counted{Keys: master}
	d.table = localtest.Open(t, d.Now)
	d.crypt = d.process()
	d.ids = id.NewSource(d.Now, rand.Reader)
	return d
}

// process is another process of the same deployment: caches of its own.
func (d *desk) process() *crypt.Crypt { return crypt.New(d.master, d.table, d.Now, rand.Reader) }

func (d *desk) commit(writes ...table.Write) {
	d.Helper()
	if err := d.table.Commit(ctx, d.ids.ULID(), writes...); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) get(k table.Key) table.Item {
	d.Helper()
	found, err := d.table.Get(ctx, k)
	if err != nil || len(found) != 1 {
		d.Fatalf("%v: %d items, %v", k, len(found), err)
	}
	return found[0]
}

func (d *desk) newTenant() id.Tenant {
	d.Helper()
	t := id.New[id.Tenant](d.ids)
	items, err := d.crypt.NewTenant(ctx, t)
	if err != nil {
		d.Fatal(err)
	}
	var writes []table.Write
	for _, it := range items {
		if it.Space != table.Keys {
			d.Errorf("%v lies outside the keys space", it.Key)
		}
		writes = append(writes, table.Put(it, table.Absent))
	}
	d.commit(writes...)
	return t
}

func (d *desk) tenant(t id.Tenant) *crypt.TenantKey {
	d.Helper()
	return d.tenantIn(d.crypt, t)
}

func (d *desk) tenantIn(c *crypt.Crypt, t id.Tenant) *crypt.TenantKey {
	d.Helper()
	k, err := c.Tenant(ctx, t)
	if err != nil {
		d.Fatal(err)
	}
	return k
}

func (d *desk) newAccount(t id.Tenant) (id.Account, *crypt.AccountKey, table.Item) {
	d.Helper()
	a := id.New[id.Account](d.ids)
	k, it, err := d.tenant(t).NewAccount(a)
	if err != nil {
		d.Fatal(err)
	}
	if it.Space != table.Keys {
		d.Errorf("%v lies outside the keys space", it.Key)
	}
	return a, k, it
}

func (d *desk) refused(what string, err error, kind fault.Kind, code string) {
	d.Helper()
	if f := fault.Of(err); f == nil || f.Kind != kind || f.Code != code {
		d.Errorf("%s: %v, want kind %d %s", what, err, kind, code)
	}
}

// box is either key.
type box interface {
	Seal(p crypt.Place, plain []byte) ([]byte, error)
	Open(p crypt.Place, sealed []byte) ([]byte, error)
	Digest(b []byte) []byte
}

func (d *desk) seal(k box, p crypt.Place, plain string) []byte {
	d.Helper()
	b, err := k.Seal(p, []byte(plain))
	if err != nil {
		d.Fatal(err)
	}
	if len(plain) > 7 && bytes.Contains(b, []byte(plain)) {
		d.Error("sealed in plain")
	}
	return b
}

func (d *desk) opens(what string, k box, p crypt.Place, sealed []byte, want string) {
	d.Helper()
	if got, err := k.Open(p, sealed); err != nil || string(got) != want {
		d.Errorf("%s: %q, %v", what, got, err)
	}
}

func (d *desk) mismatch(what string, k box, p crypt.Place, sealed []byte) {
	d.Helper()
	got, err := k.Open(p, sealed)
	d.refused(what, err, fault.Internal, "sealed_mismatch")
	if got != nil {
		d.Errorf("%s: bytes came out", what)
	}
}

// dump is every byte of the data space and of the named keys, to see that nothing changed.
func (d *desk) dump(ks ...table.Key) string {
	d.Helper()
	var b bytes.Buffer
	for it, err := range d.table.Scan(ctx, 0, 1) {
		if err != nil {
			d.Fatal(err)
		}
		fmt.Fprintf(&b, "%+v\n", it)
	}
	found, err := d.table.Get(ctx, ks...)
	if err != nil {
		d.Fatal(err)
	}
	fmt.Fprintf(&b, "%+v\n", found)
	return b.String()
}

var here = crypt.Place{Record: "acct_01JD3Z4T0X8Y6QH2N5W7R9K1MB", Item: "C#cont_1", Path: "standard", Schema: 3}
