// Package local is the key service of a laptop: a file of master keys that only its owner may read. It wraps data keys with
// AES-256-GCM, binds the encryption context as additional data, and enforces the states that KMS has. Each call reads the file again,
// so a key that is disabled there bites in a running process, and comes back without a restart.
//
// The file:
//
//	{"format":1,"created":"…","keys":{"data":{"state":"enabled","secret":"<base64, 32 bytes>"},"audit":{…}},"local":"<base64>"}
//
// Who loses it loses every sealed value. It protects against a copied data folder, not against someone who can read the file.
package local

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/keys"
)

// DataKey is the length of a data key in bytes, MaxMessage of a message that Mac takes.
const (
	DataKey    = 32
	MaxMessage = 4096
)

const (
	wrapFormat = 1
	nonceSize  = 12
)

// Keys is the key service over one file. Safe for concurrent use.
type Keys struct {
	path   string
	random io.Reader
	local  []byte     // as it was when the file was opened
	mu     sync.Mutex // of the file, and of random
}

var _ keys.Keys = (*Keys)(nil)

// String and GoString keep secrets out of anything that prints the service by mistake.
func (k *Keys) String() string   { return "[redacted]" }
func (k *Keys) GoString() string { return "[redacted]" }

// Open reads the key file, or makes one with fresh keys (mode 0600, complete or not at all) when there is none. It refuses a file
// that others than its owner may read or write, and one that is damaged. The error is one line: what, where, how to mend it.
func Open(path string, now func() time.Time, random io.Reader) (*Keys, error) {
	f, err := read(path)
	if missing(err) {
		if f, err = fresh(now(), random); err != nil {
			return nil, err
		}
		if err = create(path, f); err != nil {
			return nil, err
		}
		f, err = read(path) // another process may have been first: its file counts
	}
	if err != nil {
		return nil, err
	}
	return &Keys{path: path, random: random, local: f.Local}, nil
}

// SetState changes the state of a master key for every process that uses the file. An unknown key is Locked key_unavailable.
func (k *Keys) SetState(p keys.Purpose, s keys.State) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, err := read(k.path)
	if err != nil {
		return unavailable(err)
	}
	m, ok := f.Keys[p]
	if !ok {
		return locked("there is no such key")
	}
	m.State = s
	f.Keys[p] = m
	if err := f.valid(); err != nil {
		return unavailable(err)
	}
	if err := replace(k.path, f); err != nil {
		return unavailable(err)
	}
	return nil
}

// GenerateDataKey answers as the port says. Only the key "data" wraps.
func (k *Keys) GenerateDataKey(ctx context.Context, p keys.Purpose, c keys.Context) (plain, wrapped []byte, err error) {
	aead, err := k.wrapper(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	plain = make([]byte, DataKey)
	wrapped = make([]byte, 1+nonceSize, 1+nonceSize+DataKey+aead.Overhead())
	wrapped[0] = wrapFormat
	k.mu.Lock()
	_, err = io.ReadFull(k.random, plain)
	if err == nil {
		_, err = io.ReadFull(k.random, wrapped[1:])
	}
	k.mu.Unlock()
	if err != nil {
		return nil, nil, unavailable(err)
	}
	return plain, aead.Seal(wrapped, wrapped[1:], plain, bound(p, c)), nil
}

// Decrypt answers as the port says.
func (k *Keys) Decrypt(ctx context.Context, p keys.Purpose, wrapped []byte, c keys.Context) ([]byte, error) {
	aead, err := k.wrapper(ctx, p)
	if err != nil {
		return nil, err
	}
	mismatch := fault.New(fault.Internal, "key_mismatch")
	if len(wrapped) != 1+nonceSize+DataKey+aead.Overhead() || wrapped[0] != wrapFormat {
		return nil, mismatch
	}
	plain, err := aead.Open(nil, wrapped[1:1+nonceSize], wrapped[1+nonceSize:], bound(p, c))
	if err != nil {
		return nil, mismatch.Because(err)
	}
	return plain, nil
}

// Mac answers as the port says. Only the key "audit" makes MACs.
func (k *Keys) Mac(ctx context.Context, p keys.Purpose, message []byte) ([]byte, error) {
	secret, err := k.secret(ctx, p, keys.Audit)
	if err != nil {
		return nil, err
	}
	if len(message) == 0 || len(message) > MaxMessage { // KMS takes no empty message either
		return nil, fault.New(fault.Internal, "internal").Because(reason("a message of 1 to 4,096 bytes is wanted"))
	}
	m := hmac.New(sha256.New, derive(secret, "mac "+string(p)))
	m.Write(message)
	return m.Sum(nil), nil
}

// Local gives a secret of this installation for another part that keeps a file of its own, such as the local identity provider. The
// same name gives the same secret for as long as the key file lives.
func (k *Keys) Local(name string) [32]byte { return [32]byte(derive(k.local, "local "+name)) }

func (k *Keys) wrapper(ctx context.Context, p keys.Purpose) (cipher.AEAD, error) {
	secret, err := k.secret(ctx, p, keys.Data)
	if err != nil {
		return nil, err
	}
	b, err := aes.NewCipher(derive(secret, "wrap "+string(p)))
	if err != nil {
		return nil, unavailable(err)
	}
	return cipher.NewGCM(b)
}

// secret gives the master key p if it is enabled and made for what the call does. KMS has keys for one use only; so have we.
func (k *Keys) secret(ctx context.Context, p, use keys.Purpose) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	f, err := read(k.path)
	if err != nil {
		return nil, unavailable(err)
	}
	m, ok := f.Keys[p]
	switch {
	case !ok:
		return nil, locked("there is no such key")
	case p != use:
		return nil, locked("the key is for another use")
	case m.State != keys.Enabled:
		return nil, locked("the key is " + string(m.State))
	}
	return m.Secret, nil
}

// bound is the additional data: purpose, then the context's pairs by name, each part with its length before it, so that no two
// contexts give the same bytes.
func bound(p keys.Purpose, c keys.Context) []byte {
	b := part(nil, "steward/keys/local")
	b = part(b, string(p))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		b = part(part(b, name), c[name])
	}
	return b
}

func part(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func derive(secret []byte, label string) []byte {
	b, err := hkdf.Key(sha256.New, secret, nil, "steward/keys/local/1 "+label, 32)
	if err != nil {
		panic("local: " + err.Error()) // only lengths beyond HKDF's limit or a FIPS refusal; both are mistakes of ours
	}
	return b
}

func locked(why string) error {
	return fault.New(fault.Locked, "key_unavailable").Because(reason(why))
}

func unavailable(err error) error {
	return fault.New(fault.Unavailable, "keys_unavailable").Because(err)
}

type reason string

func (r reason) Error() string { return "keys: " + string(r) }
