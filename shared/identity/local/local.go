// Package local is the identity provider of a laptop: one bbolt file that keeps users, argon2id password hashes, second factors,
// challenge sessions and refresh tokens, and an RSA key that signs access tokens shaped like Cognito's. It passes identitytest, as the
// adapter for Cognito must.
//
// Everything personal or secret in the file is sealed with AES-256-GCM under Options.Key and bound to its place; user names (ids),
// hashes of random tokens and times are plain. The package knows nothing of tenants' or users' rows in the table, nor of mails.
package local

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

// Options of a provider. The zero value of each member takes the default named.
type Options struct {
	Now         func() time.Time // required
	Random      io.Reader        // crypto/rand.Reader
	Key         [32]byte         // seals the file; required
	Issuer      string           // http://127.0.0.1/identity
	ClientID    string           // steward
	AccessLife  time.Duration    // 15 minutes
	RefreshLife time.Duration    // 30 days
	Cost        Cost             // Sane

	// SigningKey signs the tokens instead of a key of the file's own. Making a key takes long; tests that open many providers share one.
	SigningKey *rsa.PrivateKey

	// NoSync leaves the file to the system to write: a crash of the machine loses what was acknowledged. For tests.
	NoSync bool
}

// SessionLife is how long a challenge may be answered, as in Cognito.
const SessionLife = 3 * time.Minute

// codeTries is how many wrong codes one challenge session bears. With three codes in force at a time, five guesses hit with a chance of
// 15 in a million; the next five cost the password again, which the caller's backoff meets.
const codeTries = 5

// The provider's own rule for passwords in code points, Cognito's outer limits. Steward's policy is stricter and stands in package password.
const (
	minPassword = 8
	maxPassword = 256
)

var (
	bucketMeta     = []byte("meta")
	bucketUsers    = []byte("users")
	bucketSessions = []byte("sessions") // SHA-256 of the session → challenge
	bucketFamilies = []byte("families") // id of a sign-in → family
	bucketRefresh  = []byte("refresh")  // SHA-256 of a refresh token → token
	bucketExpiry   = []byte("expiry")   // second, bucket, key: what may be forgotten when
)

// Provider is the embedded identity provider.
type Provider struct {
	o    Options
	db   *bolt.DB
	aead cipher.AEAD
	busy chan struct{} // bounds how many hashes are computed at once, so that memory stays bounded

	signer sync.Mutex
	key    *signingKey
}

var _ identity.Identity = (*Provider)(nil)

// Open opens the file, or makes it with mode 0600. It refuses a file that others may read, one that another process holds, and one that
// was sealed under another key.
func Open(path string, o Options) (*Provider, error) {
	if o.Now == nil {
		return nil, errors.New("identity: Options.Now is missing")
	}
	if o.Key == ([32]byte{}) {
		return nil, errors.New("identity: Options.Key is missing")
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Issuer == "" {
		o.Issuer = "http://127.0.0.1/identity"
	}
	if o.ClientID == "" {
		o.ClientID = "steward"
	}
	if o.AccessLife <= 0 {
		o.AccessLife = 15 * time.Minute
	}
	if o.RefreshLife <= 0 {
		o.RefreshLife = 30 * 24 * time.Hour
	}
	if o.Cost == (Cost{}) {
		o.Cost = Sane
	}
	if st, err := os.Stat(path); err == nil && st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("identity: %s may be read by others (mode %04o); run chmod 600 on it", path, st.Mode().Perm())
	}
	aead, err := newAEAD(o.Key)
	if err != nil {
		return nil, err
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, FreelistType: bolt.FreelistMapType, NoFreelistSync: true, NoSync: o.NoSync})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("identity: %s is held by another process", path)
	}
	if err != nil {
		return nil, fmt.Errorf("identity: %s: %w", path, err)
	}
	p := &Provider{o: o, db: db, aead: aead, busy: make(chan struct{}, 2)}
	if o.SigningKey != nil {
		p.key = named(o.SigningKey)
	}
	if err := p.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("identity: %s: %w", path, err), db.Close())
	}
	return p, nil
}

// prepare makes the buckets and proves that the key is the one the file was sealed under.
func (p *Provider) prepare() error {
	probe := []byte("probe")
	return p.db.Update(func(tx *bolt.Tx) error {
		for _, b := range [][]byte{bucketMeta, bucketUsers, bucketSessions, bucketFamilies, bucketRefresh, bucketExpiry} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return err
			}
		}
		var v string
		found, err := p.get(tx, bucketMeta, probe, &v)
		if err != nil {
			return errors.New("the key does not open this file")
		}
		if found {
			return nil
		}
		return p.put(tx, bucketMeta, probe, "steward")
	})
}

// Close releases the file.
func (p *Provider) Close() error { return p.db.Close() }

// Issuer says what verifiers pin.
func (p *Provider) Issuer() identity.Issuer {
	return identity.Issuer{URL: p.o.Issuer, ClientID: p.o.ClientID}
}

func (p *Provider) now() time.Time { return p.o.Now().UTC() }

// view and update run a transaction unless the context has ended, and keep faults apart from failures of the store.
func (p *Provider) view(ctx context.Context, f func(*bolt.Tx) error) error {
	if ctx.Err() != nil {
		return unavailable(ctx.Err())
	}
	return plainly(p.db.View(f))
}

func (p *Provider) update(ctx context.Context, f func(*bolt.Tx) error) error {
	if ctx.Err() != nil {
		return unavailable(ctx.Err())
	}
	return plainly(p.db.Update(func(tx *bolt.Tx) error {
		if err := p.forget(tx); err != nil {
			return err
		}
		return f(tx)
	}))
}

func plainly(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return f
	}
	return unavailable(err)
}

func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "identity_unavailable").Because(cause)
}

// refused is the one answer to every failure to authenticate.
func refused() error { return fault.New(fault.Unauthenticated, "credentials_invalid") }

func unknownUser() error { return fault.New(fault.NotFound, "user_unknown") }
