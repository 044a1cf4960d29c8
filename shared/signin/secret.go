package signin

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/keys"
)

// secrets are the deployment's own for sign-in, asked of the key service once a process. They are not a tenant's, because attempts at
// tenants that do not exist need them too.
type secrets struct {
	mu   sync.Mutex
	have *secretKeys
}

type secretKeys struct {
	names []byte      // of the counters of attempts: who tries is not to be read off the table
	seals cipher.AEAD // challenges, and addresses on their way to a job
}

func (d *Desk) keys(ctx context.Context) (*secretKeys, error) {
	d.secrets.mu.Lock()
	defer d.secrets.mu.Unlock()
	if d.secrets.have != nil {
		return d.secrets.have, nil
	}
	seed, err := d.Keys.Mac(ctx, keys.Audit, []byte("steward sign-in secrets v1"))
	if err != nil {
		return nil, err
	}
	names, err := hkdf.Key(sha256.New, seed, nil, "names", 32)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, seed, nil, "seals", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	// Random nonces under one key are sound for 2³² seals (NIST SP 800-38D §8.3): a hundred sign-ins a second for a year.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	d.secrets.have = &secretKeys{names: names, seals: aead}
	return d.secrets.have, nil
}

// digest names something by parts that must not be read off it.
func (k *secretKeys) digest(parts ...string) string {
	h := hmac.New(sha256.New, k.names)
	for _, s := range parts {
		h.Write([]byte{byte(len(s) >> 8), byte(len(s))})
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (k *secretKeys) seal(purpose string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return k.seals.Seal(nil, nil, b, []byte(purpose)), nil
}

func (k *secretKeys) open(purpose string, sealed []byte, v any) bool {
	b, err := k.seals.Open(nil, nil, sealed, []byte(purpose))
	return err == nil && json.Unmarshal(b, v) == nil
}

// challenge is what a client holds between two steps of a sign-in: which user it is about and the provider's own session. It is sealed,
// so a client can neither read nor change it, and no row is kept for people who never answer.
type challenge struct {
	Tenant  id.Tenant          `json:"t"`
	User    id.User            `json:"u"`
	Kind    identity.Challenge `json:"k"`
	Session string             `json:"s"`
	Account string             `json:"a"` // name of the account in the counters of attempts
	Ends    int64              `json:"e"` // second after which it is dead
}

const purposeChallenge = "challenge"

func (k *secretKeys) sealChallenge(c challenge) (string, error) {
	b, err := k.seal(purposeChallenge, c)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func (k *secretKeys) openChallenge(s string, now int64) (challenge, error) {
	var c challenge
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || !k.open(purposeChallenge, b, &c) || now >= c.Ends {
		return challenge{}, refused()
	}
	return c, nil
}
