package crypt

import (
	"crypto/hmac"
	"crypto/sha256"
	"io"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// AccountKey seals what belongs to one account. Safe for concurrent use, for the length of one request.
type AccountKey struct {
	account id.Account
	secret  [accountSecret]byte // for the derived keys that few requests need
	seals   sealer
}

// An account's key is wrapped as one byte, its version, and 32 random ones. There is one version so far: an account that needs a new
// key gets a new account key item and all its values sealed again.
const (
	accountVersion = 1
	accountSecret  = 32
)

// NewAccount makes the account's random key and the item that keeps it wrapped (put it with table.Absent in the account's own commit).
func (k *TenantKey) NewAccount(a id.Account) (*AccountKey, table.Item, error) {
	w := k.current.wrap
	plain := make([]byte, 1+accountSecret)
	defer clear(plain)
	plain[0] = accountVersion
	if _, err := io.ReadFull(w.random, plain[1:]); err != nil {
		return nil, table.Item{}, fault.New(fault.Internal, "internal").Because(err)
	}
	it, err := k.wrapAccount(a, plain)
	if err != nil {
		return nil, table.Item{}, err
	}
	ak, err := k.account(a, plain)
	return ak, it, err
}

// OpenAccount opens the account's key from its item. Read that item (key.AccountKey) in the same Get as the account. A key that was
// changed, or moved here from another tenant or account, is Internal sealed_mismatch.
func (k *TenantKey) OpenAccount(a id.Account, it table.Item) (*AccountKey, error) {
	plain, err := k.unwrapAccount(a, it)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return k.account(a, plain)
}

// RewrapAccount gives the item of the same account key wrapped under the current version of the tenant's key: what a rotation does to
// each account. It answers false when the item already is. Put it with table.VersionIs of the item read.
func (k *TenantKey) RewrapAccount(a id.Account, it table.Item) (table.Item, bool, error) {
	plain, err := k.unwrapAccount(a, it)
	if err != nil {
		return table.Item{}, false, err
	}
	defer clear(plain)
	if k.Current(it.Sealed) {
		return it, false, nil
	}
	next, err := k.wrapAccount(a, plain)
	return next, err == nil, err
}

func (k *TenantKey) wrapAccount(a id.Account, plain []byte) (table.Item, error) {
	at := key.AccountKey(k.tenant, a)
	p := accountPlace(a, at)
	b, err := k.current.wrap.seal(&p, plain)
	return table.Item{Key: at, Sealed: b}, err
}

func (k *TenantKey) unwrapAccount(a id.Account, it table.Item) ([]byte, error) {
	v := k.maker(it.Sealed)
	if v == nil {
		return nil, foreign(it.Sealed)
	}
	p := accountPlace(a, key.AccountKey(k.tenant, a))
	plain, err := v.wrap.open(&p, it.Sealed)
	if err != nil {
		return nil, err
	}
	if len(plain) != 1+accountSecret || plain[0] != accountVersion {
		return nil, mismatch("not an account's key")
	}
	return plain, nil
}

func accountPlace(a id.Account, at table.Key) Place {
	return Place{Record: string(a), Item: at.SK, Path: "account key", Schema: 1}
}

func (k *TenantKey) account(a id.Account, plain []byte) (*AccountKey, error) {
	ak := &AccountKey{account: a, secret: [accountSecret]byte(plain[1:])}
	var err error
	ak.seals, err = newSealer(derive(plain[1:], "account field", string(a)), uint64(plain[0]), string(k.tenant), k.current.own.random)
	return ak, err
}

// Seal seals plain at the place; Open opens it, or answers Internal sealed_mismatch.
func (k *AccountKey) Seal(p Place, plain []byte) ([]byte, error) { return k.seals.seal(&p, plain) }

// Open opens what Seal sealed at the very place, or answers Internal sealed_mismatch.
func (k *AccountKey) Open(p Place, sealed []byte) ([]byte, error) { return k.seals.open(&p, sealed) }

// Digest returns a keyed SHA-256 of b: it tells whether two states of the account are equal to who has the key, and nothing after the
// key is destroyed.
func (k *AccountKey) Digest(b []byte) []byte {
	m := hmac.New(sha256.New, derive(k.secret[:], "account audit", string(k.account)))
	m.Write(b)
	return m.Sum(nil)
}

// String and GoString keep secrets out of anything that prints a key by mistake.
func (k *AccountKey) String() string   { return "[redacted]" }
func (k *AccountKey) GoString() string { return "[redacted]" }
