// Package crypt seals fields and opens them (design §7). The key service wraps a tenant key; the tenant key gives, by HKDF, a wrapping
// key, a blind-index key, a digest key and a key for what belongs to the tenant as a whole; the wrapping key wraps a random key for
// each account, kept in the keys space and nowhere else, so that destroying that one item destroys the account in every copy. Crypt
// refuses to know what a sealed field means.
//
// # What asks the key service
//
// A tenant's key is kept for MaxAge (60 s). Within that age nothing asks the key service; after it the next use of the tenant reads its key
// items again and has the key service open the current one: one call a minute for each tenant in use, also under a herd. So a master
// key that is disabled bites within MaxAge, for reading and for writing (Locked key_unavailable; nothing is ever stored in plain),
// and one that is enabled again works at once, without a restart. A *TenantKey or *AccountKey is for one request or one step of a job:
// ask Tenant again for the next, or the age means nothing.
//
// # What it cannot do
//
// Keys and plaintexts live in memory that the runtime may copy. Crypt overwrites what it can reach of unwrapped keys and promises
// nothing.
package crypt

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/table"
)

// The bounds of the cache of tenant keys.
const (
	MaxTenants = 1000
	MaxAge     = 60 * time.Second
)

// loadTime bounds one load of a tenant's key. The load outlives the request that began it, because others wait for it too.
const loadTime = 10 * time.Second

// Crypt is safe for concurrent use. Its caches are bounded in number and age.
type Crypt struct {
	keys   keys.Keys
	table  table.Table
	now    func() time.Time
	random io.Reader

	loads  singleflight.Group
	mu     sync.Mutex
	cached *simplelru.LRU[id.Tenant, entry]
}

// entry is a cached key and the moment before the key service was last asked about it.
type entry struct {
	key     *TenantKey
	checked time.Time
}

// New returns a Crypt over the key service and the table.
func New(k keys.Keys, t table.Table, now func() time.Time, random io.Reader) *Crypt {
	if random != rand.Reader {
		random = &serial{r: random}
	}
	cached, err := simplelru.NewLRU[id.Tenant, entry](MaxTenants, nil)
	if err != nil {
		panic("crypt: " + err.Error()) // only for a size below one
	}
	return &Crypt{keys: k, table: t, now: now, random: random, cached: cached}
}

// Tenant returns the tenant's key, from the cache or the keys space. Faults: Locked key_unavailable when the master key is disabled or
// the tenant has no key; Unavailable keys_unavailable; Internal key_mismatch when the wrapped key was changed or moved here from another
// tenant; and the table's.
func (c *Crypt) Tenant(ctx context.Context, t id.Tenant) (*TenantKey, error) {
	now := c.now()
	if e, ok := c.peek(t); ok && e.fresh(now) {
		return e.key, nil
	}
	loaded := c.loads.DoChan(string(t), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
		defer cancel()
		return c.load(ctx, t)
	})
	select {
	case r := <-loaded:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*TenantKey), nil
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
}

// Forget drops the tenant from the caches.
func (c *Crypt) Forget(t id.Tenant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cached.Remove(t)
}

func (c *Crypt) peek(t id.Tenant) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cached.Get(t)
}

func (c *Crypt) keep(t id.Tenant, e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cached.Add(t, e)
}

// fresh is false also for a clock that stepped back: better one call too many than a disabled key that lives on.
func (e entry) fresh(now time.Time) bool {
	age := now.Sub(e.checked)
	return age >= 0 && age < MaxAge
}

func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "keys_unavailable").Because(cause)
}

func locked(cause string) error {
	return fault.New(fault.Locked, "key_unavailable").Because(errors.New("crypt: " + cause))
}

// serial makes any reader of randomness safe for concurrent use.
type serial struct {
	mu sync.Mutex
	r  io.Reader
}

func (s *serial) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return io.ReadFull(s.r, b)
}
