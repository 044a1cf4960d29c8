package edge

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

// The limits of tokens and of the keys that verify them.
const (
	maxToken    = 8 * 1024         // bytes of a token
	leeway      = 10 * time.Second // between the provider's clock and ours
	keysFresh   = time.Hour        // the key set is fetched again after this
	keysAtMost  = 24 * time.Hour   // and without an answer kept this long
	keysBetween = 30 * time.Second // between two fetches for key ids that we do not know
	minModulus  = 2048             // bits
	fetchLimit  = 5 * time.Second  // of one fetch
	maxVerified = 4096             // tokens whose verdict is remembered
)

// errToken is the one answer to every token that does not verify.
func errToken() *fault.Fault { return fault.New(fault.Unauthenticated, "token_invalid") }

// bearer takes the token from the Authorization header.
func bearer(h http.Header) (string, error) {
	v := h["Authorization"]
	if len(v) != 1 || len(v[0]) > maxToken {
		return "", errToken()
	}
	scheme, token, ok := strings.Cut(v[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return "", errToken()
	}
	return token, nil
}

// Signer is the part of the identity port that a verifier needs.
type Signer interface {
	Issuer() identity.Issuer
	JWKS(ctx context.Context) ([]identity.Key, error)
}

// Verifier verifies access tokens against the provider's published keys, which it caches.
type Verifier struct {
	signer   Signer
	now      func() time.Time
	parser   *jwt.Parser
	verified *lru.Cache[[sha256.Size]byte, verdict]

	mu       sync.Mutex
	keys     map[string]*rsa.PublicKey
	fetched  time.Time     // the last answer
	asked    time.Time     // the last question
	failed   error         // of the last question
	fetching chan struct{} // closed when the question that is out is answered; nil: none is
}

// NewVerifier returns the Authenticator for the provider's own tokens: RS256 only, issuer, client and use pinned, expiry demanded.
func NewVerifier(s Signer, now func() time.Time) *Verifier {
	verified, err := lru.New[[sha256.Size]byte, verdict](maxVerified)
	if err != nil {
		panic("edge: " + err.Error()) // only for a size below one
	}
	return &Verifier{signer: s, now: now, verified: verified, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithIssuer(s.Issuer().URL),
		jwt.WithLeeway(leeway),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithTimeFunc(now),
		jwt.WithStrictDecoding(),
	)}
}

type accessClaims struct {
	jwt.RegisteredClaims
	ClientID string           `json:"client_id"`
	Use      string           `json:"token_use"`
	Username string           `json:"username"`
	Origin   string           `json:"origin_jti"`
	AuthTime *jwt.NumericDate `json:"auth_time"`
}

// verdict is a token that verified, with the key set that it did so by. A token's bytes, the keys and the clock decide all that a
// verification decides, so the same bytes need no second one until they expire or the keys are fetched again. What the user may do, and
// whether they may do anything still, is no part of it.
type verdict struct {
	claims identity.Claims
	keys   time.Time
}

// Authenticate verifies the token and gives its claims.
func (v *Verifier) Authenticate(ctx context.Context, token string) (identity.Claims, error) {
	if len(token) > maxToken {
		return identity.Claims{}, errToken()
	}
	sum := sha256.Sum256([]byte(token))
	now, keys := v.now(), v.current()
	if old, ok := v.verified.Get(sum); ok && old.keys.Equal(keys) && now.Sub(keys) < keysFresh && now.Before(old.claims.Expires.Add(leeway)) {
		return old.claims, nil
	}
	c, err := v.verify(ctx, token)
	if err == nil {
		v.verified.Add(sum, verdict{c, keys})
	}
	return c, err
}

// current names the key set: by when it was fetched.
func (v *Verifier) current() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fetched
}

func (v *Verifier) verify(ctx context.Context, token string) (identity.Claims, error) {
	var c accessClaims
	var unavailable error
	_, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		for name := range t.Header { // jku, x5u, jwk, crit, b64 and what else may turn a verifier's head
			if name != "alg" && name != "kid" && name != "typ" {
				return nil, errors.New("header not allowed")
			}
		}
		kid, _ := t.Header["kid"].(string)
		if kid == "" || len(kid) > 128 {
			return nil, errors.New("no key id")
		}
		k, err := v.key(ctx, kid)
		if fault.IsKind(err, fault.Unavailable) {
			unavailable = err
		}
		return k, err
	})
	if unavailable != nil {
		return identity.Claims{}, unavailable
	}
	if err != nil {
		return identity.Claims{}, errToken().Because(err)
	}
	name := identity.Name(c.Username)
	_, _, ok := name.Split()
	if !ok || c.Use != "access" || c.ClientID != v.signer.Issuer().ClientID || c.IssuedAt == nil || c.AuthTime == nil || c.Origin == "" {
		return identity.Claims{}, errToken()
	}
	return identity.Claims{
		Name: name, Session: c.Origin,
		AuthTime: c.AuthTime.UTC(), IssuedAt: c.IssuedAt.UTC(), Expires: c.ExpiresAt.UTC(),
	}, nil
}

// key gives the public key of the id. One that is not known makes the set be fetched again, but not more often than keysBetween, so that
// made-up ids cost the provider nothing. Whose key is known waits for no fetch.
func (v *Verifier) key(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	v.mu.Lock()
	now := v.now()
	k, known := v.keys[kid]
	usable := len(v.keys) > 0 && now.Sub(v.fetched) <= keysAtMost
	if known && usable && (now.Sub(v.fetched) < keysFresh || now.Sub(v.asked) < keysBetween) {
		v.mu.Unlock()
		return k, nil
	}
	if v.fetching == nil && usable && now.Sub(v.asked) < keysBetween {
		v.mu.Unlock()
		return nil, errors.New("unknown key")
	}
	fetching := v.fetching
	if fetching == nil {
		fetching = make(chan struct{})
		v.asked, v.fetching = now, fetching
		go v.fetch(context.WithoutCancel(ctx), now, fetching)
	}
	v.mu.Unlock()
	if known && usable {
		return k, nil
	}
	select {
	case <-fetching:
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	k, known = v.keys[kid]
	switch {
	case len(v.keys) == 0 || v.now().Sub(v.fetched) > keysAtMost:
		return nil, unavailable(v.failed)
	case !known:
		return nil, errors.New("unknown key")
	}
	return k, nil
}

func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "identity_unavailable").Because(cause)
}

// fetch belongs to all who wait for it: the end of the request that began it does not end it.
func (v *Verifier) fetch(ctx context.Context, now time.Time, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	set, err := v.signer.JWKS(ctx)
	keys := make(map[string]*rsa.PublicKey, len(set))
	for _, k := range set {
		if pk, ok := publicKey(k); ok {
			keys[k.ID] = pk
		}
	}
	if err == nil && len(keys) == 0 {
		err = errors.New("edge: the provider publishes no usable key")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failed = err; err == nil {
		v.keys, v.fetched = keys, now
	}
	v.fetching = nil
	close(done)
}

func publicKey(k identity.Key) (*rsa.PublicKey, bool) {
	if k.Type != "RSA" || k.Alg != "RS256" || (k.Use != "" && k.Use != "sig") || k.ID == "" {
		return nil, false
	}
	pk, err := k.RSA()
	return pk, err == nil && pk.N.BitLen() >= minModulus && pk.E >= 3
}
