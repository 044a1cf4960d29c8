// Package crypt seals fields and opens them (design §7). The key service wraps a tenant key; the tenant key gives, by HKDF, a wrapping
// key, a blind-index key, a cursor key and a key for the tenant's users; the wrapping key wraps a random key for each account, kept in
// the keys space and nowhere else, so that destroying that one item destroys the account in every copy. Crypt refuses to know what a
// sealed field means.
package crypt

import (
	"context"
	"io"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/table"
)

// Crypt is safe for concurrent use. Its caches are bounded in number and age.
type Crypt struct{}

// New returns a Crypt over the key service and the table.
func New(k keys.Keys, t table.Table, now func() time.Time, random io.Reader) *Crypt {
	panic("unwritten")
}

// NewTenant makes the tenant's first key and returns the items of the keys space to put (all with table.Absent). The key is usable once
// they are committed.
func (c *Crypt) NewTenant(ctx context.Context, t id.Tenant) ([]table.Item, error) { panic("unwritten") }

// Tenant returns the tenant's key, from the cache or the keys space. Faults: Locked key_unavailable when the master key is disabled or
// the tenant has no key; Unavailable keys_unavailable.
func (c *Crypt) Tenant(ctx context.Context, t id.Tenant) (*TenantKey, error) { panic("unwritten") }

// Forget drops the tenant from the caches.
func (c *Crypt) Forget(t id.Tenant) { panic("unwritten") }

// Place is where a sealed value stands. It is bound as additional data and never stored: a value that was moved does not open.
type Place struct {
	Record string // id of the account or user that the value belongs to
	Item   string // sort key of the item
	Path   string // of the field, or of the protection class's group
	Schema uint32 // version of the group's layout
}

// TenantKey seals what belongs to the tenant rather than to one account: its users' addresses, its company, cursors, stored replies.
type TenantKey struct{}

// Seal seals plain at the place; Open opens it, or answers Internal sealed_mismatch.
func (k *TenantKey) Seal(p Place, plain []byte) ([]byte, error)  { panic("unwritten") }
func (k *TenantKey) Open(p Place, sealed []byte) ([]byte, error) { panic("unwritten") }

// Blind returns the blind index of a normalised value: 32 hex digits, equal only within this tenant, field and index version.
func (k *TenantKey) Blind(field, value string) string { panic("unwritten") }

// Digest returns a keyed SHA-256 of b, for audit events of things that have no key of their own.
func (k *TenantKey) Digest(b []byte) []byte { panic("unwritten") }

// NewAccount makes the account's random key and the item that keeps it wrapped (put it with table.Absent in the account's own commit).
func (k *TenantKey) NewAccount(a id.Account) (*AccountKey, table.Item, error) { panic("unwritten") }

// OpenAccount opens the account's key from its item. Read that item (key.AccountKey) in the same Get as the account.
func (k *TenantKey) OpenAccount(a id.Account, it table.Item) (*AccountKey, error) { panic("unwritten") }

// AccountKey seals what belongs to one account.
type AccountKey struct{}

// Seal, Open and Digest are as TenantKey's, under the account's own key.
func (k *AccountKey) Seal(p Place, plain []byte) ([]byte, error)  { panic("unwritten") }
func (k *AccountKey) Open(p Place, sealed []byte) ([]byte, error) { panic("unwritten") }
func (k *AccountKey) Digest(b []byte) []byte                      { panic("unwritten") }

// Member is one field of a packed group: a tag that the noun chose for good, and its value.
type Member struct {
	Tag   uint16
	Value []byte
}

// Pack joins members into the plaintext of one group; Unpack takes it apart, or answers Internal sealed_mismatch.
func Pack(members []Member) []byte      { panic("unwritten") }
func Unpack(b []byte) ([]Member, error) { panic("unwritten") }
