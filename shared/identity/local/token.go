package local

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

// signingKey is the RSA key of the tokens. It is made at the first need of it, not in Open: making it takes some tenths of a second,
// which the start of a fresh deployment should not wait for.
type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// scope is the one that Cognito gives to tokens of its own sign-in API.
const scope = "aws.cognito.signin.user.admin"

// claims are those of a Cognito access token, by name and type.
type claims struct {
	Sub        string        `json:"sub"`
	Issuer     string        `json:"iss"`
	ClientID   string        `json:"client_id"`
	OriginJTI  string        `json:"origin_jti"`
	TokenUse   string        `json:"token_use"`
	Scope      string        `json:"scope"`
	AuthTime   int64         `json:"auth_time"`
	Expires    int64         `json:"exp"`
	IssuedAt   int64         `json:"iat"`
	JTI        string        `json:"jti"`
	Username   identity.Name `json:"username"`
	jwt.Claims `json:"-"`
}

func (p *Provider) accessToken(tx *bolt.Tx, session string, f family, u user) (string, error) {
	k, err := p.signing(tx)
	if err != nil {
		return "", err
	}
	jti, err := p.uuid()
	if err != nil {
		return "", err
	}
	now := p.now()
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims{
		Sub: u.Sub, Issuer: p.o.Issuer, ClientID: p.o.ClientID, OriginJTI: session, TokenUse: "access", Scope: scope,
		AuthTime: f.AuthTime, IssuedAt: now.Unix(), Expires: now.Add(p.o.AccessLife).Unix(), JTI: jti, Username: f.Name,
	})
	t.Header = map[string]any{"alg": "RS256", "kid": k.id} // as Cognito's: no typ
	return t.SignedString(k.private)
}

// verified gives the sign-in of an access token that this provider signed and that has not expired.
func (p *Provider) verified(tx *bolt.Tx, t identity.AccessToken) (session string, err error) {
	k, err := p.signing(tx)
	if err != nil {
		return "", err
	}
	var c struct {
		jwt.RegisteredClaims
		OriginJTI string `json:"origin_jti"`
	}
	_, err = jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(p.now)).
		ParseWithClaims(string(t), &c, func(*jwt.Token) (any, error) { return &k.private.PublicKey, nil })
	if err != nil {
		return "", refused()
	}
	return c.OriginJTI, nil
}

// JWKS gives the public half of the signing key.
func (p *Provider) JWKS(ctx context.Context) ([]identity.Key, error) {
	p.signer.Lock()
	k := p.key
	p.signer.Unlock()
	if k == nil {
		err := p.update(ctx, func(tx *bolt.Tx) (err error) {
			k, err = p.signing(tx)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	e := big.NewInt(int64(k.private.E)).Bytes()
	return []identity.Key{{
		ID: k.id, Type: "RSA", Alg: "RS256", Use: "sig",
		N: base64.RawURLEncoding.EncodeToString(k.private.N.Bytes()), E: base64.RawURLEncoding.EncodeToString(e),
	}}, nil
}

// signing gives the key, from memory, from the file or made now.
func (p *Provider) signing(tx *bolt.Tx) (*signingKey, error) {
	p.signer.Lock()
	defer p.signer.Unlock()
	if p.key != nil {
		return p.key, nil
	}
	name := []byte("signing key")
	var der []byte
	found, err := p.get(tx, bucketMeta, name, &der)
	if err != nil {
		return nil, err
	}
	if found {
		k, err := x509.ParsePKCS1PrivateKey(der)
		if err != nil {
			return nil, err
		}
		p.key = named(k)
		return p.key, nil
	}
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	if err := p.put(tx, bucketMeta, name, x509.MarshalPKCS1PrivateKey(k)); err != nil {
		return nil, err
	}
	made := named(k)
	tx.OnCommit(func() { p.signer.Lock(); p.key = made; p.signer.Unlock() })
	return made, nil
}

// named gives the key an id that is a digest of its public half.
func named(k *rsa.PrivateKey) *signingKey {
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&k.PublicKey))
	return &signingKey{id: base64.RawURLEncoding.EncodeToString(sum[:]), private: k}
}

func isRefused(err error) bool { return fault.Is(err, "credentials_invalid") }
