package local

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/identity"
)

// family is one sign-in: all refresh tokens that came out of it, one after another.
type family struct {
	Name     identity.Name `json:"name"`
	Life     string        `json:"life"`
	AuthTime int64         `json:"authTime"`
	Expires  time.Time     `json:"expires"`
}

// token is one refresh token. A spent one is kept until the family's end, because its second use means that somebody copied it.
type token struct {
	Family string `json:"family"` // origin_jti
	Spent  bool   `json:"spent"`
}

// signIn begins a family and gives its first tokens.
func (p *Provider) signIn(tx *bolt.Tx, n identity.Name, u user) (*identity.Tokens, error) {
	id, err := p.uuid()
	if err != nil {
		return nil, err
	}
	f := family{Name: n, Life: u.Life, AuthTime: p.now().Unix(), Expires: p.now().Add(p.o.RefreshLife)}
	if err := p.put(tx, bucketFamilies, []byte(id), f); err != nil {
		return nil, err
	}
	if err := expire(tx, f.Expires, bucketFamilies, []byte(id)); err != nil {
		return nil, err
	}
	return p.issue(tx, id, f, u)
}

// issue gives an access token and the family's next refresh token.
func (p *Provider) issue(tx *bolt.Tx, id string, f family, u user) (*identity.Tokens, error) {
	access, err := p.accessToken(tx, id, f, u)
	if err != nil {
		return nil, err
	}
	b, err := p.random(32)
	if err != nil {
		return nil, err
	}
	k := sha256.Sum256(b)
	if err := p.put(tx, bucketRefresh, k[:], token{Family: id}); err != nil {
		return nil, err
	}
	if err := expire(tx, f.Expires, bucketRefresh, k[:]); err != nil {
		return nil, err
	}
	return &identity.Tokens{Access: access, Refresh: base64.RawURLEncoding.EncodeToString(b), ExpiresIn: p.o.AccessLife}, nil
}

// Refresh spends the token and gives new ones. A token that was spent before ends the whole sign-in: of the two who used it one is a
// thief, and nobody can tell which (RFC 9700 §4.14.2).
func (p *Provider) Refresh(ctx context.Context, refreshToken string) (identity.Tokens, error) {
	var out identity.Tokens
	var verdict error
	err := p.update(ctx, func(tx *bolt.Tx) error {
		out, verdict = identity.Tokens{}, nil
		k, t, err := p.token(tx, refreshToken)
		if err != nil {
			return err
		}
		if t.Spent {
			verdict = refused() // kept apart: the death of the family is committed
			return tx.Bucket(bucketFamilies).Delete([]byte(t.Family))
		}
		var f family
		found, err := p.get(tx, bucketFamilies, []byte(t.Family), &f)
		if err != nil {
			return err
		}
		if !found || !p.now().Before(f.Expires) {
			return refused()
		}
		u, found, err := p.load(tx, f.Name)
		if err != nil {
			return err
		}
		if !found || u.Disabled || u.Life != f.Life {
			return refused()
		}
		t.Spent = true
		if err := p.put(tx, bucketRefresh, k, t); err != nil {
			return err
		}
		fresh, err := p.issue(tx, t.Family, f, u)
		if err != nil {
			return err
		}
		out = *fresh
		return nil
	})
	if err == nil {
		err = verdict
	}
	if err != nil {
		return identity.Tokens{}, err
	}
	return out, nil
}

// Revoke ends the sign-in of the token, be it spent or not. A token that is nothing answers nil.
func (p *Provider) Revoke(ctx context.Context, refreshToken string) error {
	return p.update(ctx, func(tx *bolt.Tx) error {
		_, t, err := p.token(tx, refreshToken)
		if err != nil {
			if isRefused(err) {
				return nil
			}
			return err
		}
		return tx.Bucket(bucketFamilies).Delete([]byte(t.Family))
	})
}

func (p *Provider) token(tx *bolt.Tx, refreshToken string) ([]byte, token, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(refreshToken)
	if err != nil || len(b) != 32 {
		return nil, token{}, refused()
	}
	k := sha256.Sum256(b)
	var t token
	found, err := p.get(tx, bucketRefresh, k[:], &t)
	if err == nil && !found {
		err = refused()
	}
	return k[:], t, err
}
