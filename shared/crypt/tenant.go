package crypt

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/table"
)

// head is the doc of a tenant's key.TenantKeyHead: which versions of its key there are. It holds no secret.
type head struct {
	Versions []headVersion `json:"versions"` // ascending
	Index    uint64        `json:"index"`    // the version that blind indexes and digests are made with
}

type headVersion struct {
	N    uint64    `json:"n"`
	From time.Time `json:"from"` // when sealing with it begins; every process has loaded it by then
}

// current is the newest version that is in force, or the oldest while none is (a clock that runs behind).
func (h head) current(now time.Time) uint64 {
	n := h.Versions[0].N
	for _, v := range h.Versions {
		if !v.From.After(now) {
			n = v.N
		}
	}
	return n
}

// TenantKey seals what belongs to the tenant rather than to one account: its users' addresses, its company, cursors, stored replies.
// Safe for concurrent use, for the length of one request.
type TenantKey struct {
	tenant   id.Tenant
	versions []*version // ascending
	current  *version   // seals
	index    *version   // makes blind indexes and digests
}

// version is one version of a tenant's key, and what was derived from it.
type version struct {
	n            uint64
	own          sealer // for values of the tenant
	wrap         sealer // for account keys
	blind, audit macs
}

// String and GoString keep secrets out of anything that prints a key by mistake.
func (k *TenantKey) String() string   { return "[redacted]" }
func (k *TenantKey) GoString() string { return "[redacted]" }

// NewTenant makes the tenant's first key and returns the items of the keys space to put (all with table.Absent). The key is usable once
// they are committed.
func (c *Crypt) NewTenant(ctx context.Context, t id.Tenant) ([]table.Item, error) {
	it, err := c.newVersion(ctx, t, 1)
	if err != nil {
		return nil, err
	}
	h, err := headItem(t, head{Versions: []headVersion{{N: 1, From: c.now().UTC()}}, Index: 1})
	if err != nil {
		return nil, err
	}
	return []table.Item{h, it}, nil
}

// RotateTenant makes the next version of the tenant's key and returns the writes that bring it in. All processes open values under it
// at once or within MaxAge, and seal under it from 2×MaxAge on, so that no process meets a value whose key it has not loaded. Old versions
// go on opening what they sealed. Blind indexes and digests stay as they are. Faults are Tenant's.
func (c *Crypt) RotateTenant(ctx context.Context, t id.Tenant) ([]table.Write, error) {
	found, err := c.table.Get(ctx, key.TenantKeyHead(t))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, locked("the tenant has no key")
	}
	h, err := readHead(found[0])
	if err != nil {
		return nil, err
	}
	n := h.Versions[len(h.Versions)-1].N + 1
	it, err := c.newVersion(ctx, t, n)
	if err != nil {
		return nil, err
	}
	h.Versions = append(h.Versions, headVersion{N: n, From: c.now().UTC().Add(2 * MaxAge)})
	next, err := headItem(t, h)
	if err != nil {
		return nil, err
	}
	return []table.Write{table.Put(next, table.VersionIs(found[0].Version)), table.Put(it, table.Absent)}, nil
}

func (c *Crypt) newVersion(ctx context.Context, t id.Tenant, n uint64) (table.Item, error) {
	plain, wrapped, err := c.keys.GenerateDataKey(ctx, keys.Data, BoundTo(t, n))
	if err != nil {
		return table.Item{}, asFault(err)
	}
	clear(plain)
	return table.Item{Key: key.TenantKey(t, int(n)), Sealed: wrapped}, nil
}

// firstVersions is how many versions a load asks for before it knows how many there are: one round trip for nearly every tenant.
const firstVersions = 4

// load reads the tenant's key items and has the key service open the current version, and any that is not at hand from before.
func (c *Crypt) load(ctx context.Context, t id.Tenant) (*TenantKey, error) {
	now := c.now()
	before, ok := c.peek(t)
	if ok && before.fresh(now) {
		return before.key, nil // another load ended between this one's look at the cache and its start
	}
	k, err := c.read(ctx, t, now, before.key)
	if err != nil {
		if !fault.IsKind(err, fault.Unavailable) {
			c.Forget(t)
		}
		return nil, err
	}
	c.keep(t, entry{key: k, checked: now})
	return k, nil
}

func (c *Crypt) read(ctx context.Context, t id.Tenant, now time.Time, before *TenantKey) (*TenantKey, error) {
	ask := []table.Key{key.TenantKeyHead(t)}
	for n := range firstVersions {
		ask = append(ask, key.TenantKey(t, n+1))
	}
	found, err := c.table.Get(ctx, ask...)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].Key != ask[0] {
		return nil, locked("the tenant has no key")
	}
	h, err := readHead(found[0])
	if err != nil {
		return nil, err
	}
	var rest []table.Key
	for _, v := range h.Versions {
		if v.N > firstVersions {
			rest = append(rest, key.TenantKey(t, int(v.N)))
		}
	}
	for part := range slices.Chunk(rest, table.MaxGet) {
		more, err := c.table.Get(ctx, part...)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	wrapped := map[table.Key][]byte{}
	for _, it := range found {
		wrapped[it.Key] = it.Sealed
	}

	k := &TenantKey{tenant: t}
	current := h.current(now)
	for _, hv := range h.Versions {
		w, ok := wrapped[key.TenantKey(t, int(hv.N))]
		v := before.version(hv.N)
		if !ok {
			v = nil // destroyed: gone from memory too
		} else if v == nil || hv.N == current {
			v, err = c.unwrap(ctx, t, hv.N, w)
			// A damaged old version takes its own values with it, not the tenant.
			if err != nil && (hv.N == current || !fault.Is(err, "key_mismatch")) {
				return nil, err
			}
		}
		if v == nil {
			continue
		}
		k.versions = append(k.versions, v)
		if hv.N == current {
			k.current = v
		}
		if hv.N == h.Index {
			k.index = v
		}
	}
	if k.current == nil || k.index == nil {
		return nil, locked("a version of the tenant's key is gone")
	}
	return k, nil
}

func (c *Crypt) unwrap(ctx context.Context, t id.Tenant, n uint64, wrapped []byte) (*version, error) {
	secret, err := c.keys.Decrypt(ctx, keys.Data, wrapped, BoundTo(t, n))
	if err != nil {
		return nil, asFault(err)
	}
	defer clear(secret)
	v := &version{n: n}
	if v.own, err = newSealer(derive(secret, "tenant own", string(t)), n, string(t), c.random); err != nil {
		return nil, err
	}
	if v.wrap, err = newSealer(derive(secret, "tenant wrap", string(t)), n, string(t), c.random); err != nil {
		return nil, err
	}
	v.blind = newMACs(derive(secret, "tenant blind", string(t)))
	v.audit = newMACs(derive(secret, "tenant audit", string(t)))
	return v, nil
}

// BoundTo is the encryption context of a version of a tenant's key: what a policy about the key service may ask for.
func BoundTo(t id.Tenant, n uint64) keys.Context {
	return keys.Context{"tenant": string(t), "version": strconv.FormatUint(n, 10), "purpose": "tenant-key"}
}

func headItem(t id.Tenant, h head) (table.Item, error) {
	doc, err := json.Marshal(h)
	return table.Item{Key: key.TenantKeyHead(t), Doc: doc}, err
}

func readHead(it table.Item) (head, error) {
	var h head
	if err := json.Unmarshal(it.Doc, &h); err != nil || len(h.Versions) == 0 {
		return head{}, fault.New(fault.Internal, "key_mismatch").Because(err)
	}
	return h, nil
}

// asFault takes what a key service answers; what is no fault (a deadline, say) passes.
func asFault(err error) error {
	if f := fault.Of(err); f.Code != "internal" {
		return f
	}
	return unavailable(err)
}

func (k *TenantKey) version(n uint64) *version {
	if k == nil {
		return nil
	}
	for _, v := range k.versions {
		if v.n == n {
			return v
		}
	}
	return nil
}

// Seal seals plain at the place; Open opens it, or answers Internal sealed_mismatch.
func (k *TenantKey) Seal(p Place, plain []byte) ([]byte, error) { return k.current.own.seal(&p, plain) }

// Open opens what Seal sealed at the very place, under any version of the key, or answers Internal sealed_mismatch.
func (k *TenantKey) Open(p Place, sealed []byte) ([]byte, error) {
	v := k.current
	if !v.own.made(sealed) {
		if v = k.maker(sealed); v == nil {
			return nil, foreign(sealed)
		}
	}
	return v.own.open(&p, sealed)
}

// maker gives the version that a value or a wrapped account key is under, or nil. All sealers of a version share its header.
func (k *TenantKey) maker(sealed []byte) *version {
	for _, v := range k.versions {
		if v.own.made(sealed) {
			return v
		}
	}
	return nil
}

// Current reports whether a value of the tenant, or the item of an account's key, is under the version that seals now. What is not waits
// for a rotation to reach it.
func (k *TenantKey) Current(sealed []byte) bool { return k.current.own.made(sealed) }

// Blind returns the blind index of a normalised value: 32 hex digits, equal only within this tenant, field and index version.
func (k *TenantKey) Blind(field, value string) string {
	m := k.index.blind.get()
	m.buf = binary.AppendUvarint(m.buf[:0], k.index.n)
	m.buf = appendPart(appendPart(m.buf, field), value)
	m.hash.Write(m.buf)
	m.buf = m.hash.Sum(m.buf[:0])
	m.buf = hex.AppendEncode(m.buf, m.buf[:16])
	token := string(m.buf[sha256.Size:])
	k.index.blind.put(m)
	return token
}

// Digest returns a keyed SHA-256 of b, for audit events of things that have no key of their own.
func (k *TenantKey) Digest(b []byte) []byte { return k.index.audit.sum(b) }

// macs are HMAC states under one key, ready for use: making one costs more than using it.
type macs struct{ pool *sync.Pool }

type mac struct {
	hash hash.Hash
	buf  []byte
}

func newMACs(secret []byte) macs {
	return macs{&sync.Pool{New: func() any {
		return &mac{hash: hmac.New(sha256.New, secret), buf: make([]byte, 0, 128)}
	}}}
}

func (s macs) get() *mac { return s.pool.Get().(*mac) }

func (s macs) put(m *mac) {
	clear(m.buf[:cap(m.buf)]) // it held a value in plain
	m.hash.Reset()
	s.pool.Put(m)
}

func (s macs) sum(b []byte) []byte {
	m := s.get()
	m.hash.Write(b)
	out := m.hash.Sum(nil)
	s.put(m)
	return out
}
