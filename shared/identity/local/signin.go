package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/identity"
)

// session is an open challenge.
type session struct {
	Name    identity.Name      `json:"name"`
	Turn    string             `json:"turn"`
	Kind    identity.Challenge `json:"kind"`
	Expires time.Time          `json:"expires"`
	Tries   int                `json:"tries"`
}

// Authenticate checks the password of an enabled user.
func (p *Provider) Authenticate(ctx context.Context, n identity.Name, password string) (identity.Outcome, error) {
	u, err := p.judge(ctx, n, password)
	if err != nil {
		return identity.Outcome{}, err
	}
	var out identity.Outcome
	err = p.update(ctx, func(tx *bolt.Tx) error {
		now, found, err := p.load(tx, n)
		if err != nil {
			return err
		}
		// The hash was computed outside the transaction: the password that it was computed on must still be the user's. An end of all sign-ins in
		// between is no reason to refuse a right password: this sign-in comes after it.
		if !found || now.Sub != u.Sub || !bytes.Equal(now.Password.Sum, u.Password.Sum) || now.Disabled {
			return refused()
		}
		if now.Temporary {
			out, err = p.challenge(tx, n, now, identity.NewPassword)
			return err
		}
		out, err = p.proceed(tx, n, now)
		return err
	})
	return out, err
}

// CheckPassword reports whether the password is the user's permanent one.
func (p *Provider) CheckPassword(ctx context.Context, n identity.Name, password string) error {
	u, err := p.judge(ctx, n, password)
	if err != nil {
		return err
	}
	if u.Temporary {
		return refused()
	}
	return nil
}

// judge computes one hash in every case, and only then looks at why it might refuse.
func (p *Provider) judge(ctx context.Context, n identity.Name, password string) (user, error) {
	var u user
	err := p.view(ctx, func(tx *bolt.Tx) (err error) {
		u, _, err = p.load(tx, n)
		return err
	})
	if err != nil {
		return user{}, err
	}
	right, err := p.matches(ctx, u.Password, password)
	if err != nil {
		return user{}, err
	}
	if !right || u.Disabled || u.Temporary && !p.now().Before(u.TempEnds) {
		return user{}, refused()
	}
	return u, nil
}

// proceed is the step after the password: a second factor if one is enrolled, else tokens.
func (p *Provider) proceed(tx *bolt.Tx, n identity.Name, u user) (identity.Outcome, error) {
	if u.Secret != "" {
		return p.challenge(tx, n, u, identity.TOTP)
	}
	t, err := p.signIn(tx, n, u)
	return identity.Outcome{Tokens: t}, err
}

func (p *Provider) challenge(tx *bolt.Tx, n identity.Name, u user, c identity.Challenge) (identity.Outcome, error) {
	b, err := p.random(32)
	if err != nil {
		return identity.Outcome{}, err
	}
	s := session{Name: n, Turn: u.Turn, Kind: c, Expires: p.now().Add(SessionLife)}
	k := sha256.Sum256(b)
	if err := p.put(tx, bucketSessions, k[:], s); err != nil {
		return identity.Outcome{}, err
	}
	if err := expire(tx, s.Expires, bucketSessions, k[:]); err != nil {
		return identity.Outcome{}, err
	}
	return identity.Outcome{Challenge: c, Session: base64.RawURLEncoding.EncodeToString(b)}, nil
}

// sessionOf finds a live session of the user and kind.
func (p *Provider) sessionOf(tx *bolt.Tx, n identity.Name, c identity.Challenge, token string) (s session, u user, key []byte, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return s, u, nil, refused()
	}
	k := sha256.Sum256(b)
	found, err := p.get(tx, bucketSessions, k[:], &s)
	if err != nil {
		return s, u, nil, err
	}
	if !found || s.Name != n || s.Kind != c || !p.now().Before(s.Expires) {
		return s, u, nil, refused()
	}
	u, found, err = p.load(tx, n)
	if err != nil {
		return s, u, nil, err
	}
	if !found || u.Disabled || u.Turn != s.Turn {
		return s, u, nil, refused()
	}
	return s, u, k[:], nil
}

// AnswerNewPassword makes the new password the permanent one. A password that is refused leaves the session open.
func (p *Provider) AnswerNewPassword(ctx context.Context, n identity.Name, token, newPassword string) (identity.Outcome, error) {
	err := p.view(ctx, func(tx *bolt.Tx) error {
		_, _, _, err := p.sessionOf(tx, n, identity.NewPassword, token)
		return err
	})
	if err != nil {
		return identity.Outcome{}, err
	}
	if err := acceptable(newPassword); err != nil {
		return identity.Outcome{}, err
	}
	h, err := p.newHash(ctx, newPassword)
	if err != nil {
		return identity.Outcome{}, err
	}
	var out identity.Outcome
	err = p.update(ctx, func(tx *bolt.Tx) error {
		_, u, k, err := p.sessionOf(tx, n, identity.NewPassword, token)
		if err != nil {
			return err
		}
		if err := tx.Bucket(bucketSessions).Delete(k); err != nil {
			return err
		}
		if err := p.renew(tx, n, u, h, 0); err != nil {
			return err
		}
		if u, _, err = p.load(tx, n); err != nil {
			return err
		}
		out, err = p.proceed(tx, n, u)
		return err
	})
	return out, err
}

// AnswerTOTP finishes a TOTP challenge. A wrong code leaves the session open for a few more tries.
func (p *Provider) AnswerTOTP(ctx context.Context, n identity.Name, token, code string) (identity.Outcome, error) {
	var out identity.Outcome
	var verdict error
	err := p.update(ctx, func(tx *bolt.Tx) error {
		out, verdict = identity.Outcome{}, nil
		s, u, k, err := p.sessionOf(tx, n, identity.TOTP, token)
		if err != nil {
			return err
		}
		step, right := p.codeStep(u.Secret, code, u.LastStep)
		if !right {
			verdict = refused() // kept apart: the used try is committed
			if s.Tries++; s.Tries >= codeTries {
				return tx.Bucket(bucketSessions).Delete(k)
			}
			return p.put(tx, bucketSessions, k, s)
		}
		if err := tx.Bucket(bucketSessions).Delete(k); err != nil {
			return err
		}
		u.LastStep = step
		if err := p.save(tx, n, u); err != nil {
			return err
		}
		t, err := p.signIn(tx, n, u)
		out.Tokens = t
		return err
	})
	if err == nil {
		err = verdict
	}
	return out, err
}
