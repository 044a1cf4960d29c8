package local

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

// user is the sealed record of a user. Life and Turn are random marks: what was given out under another mark is dead, so ending all
// sign-ins, or all open challenges, is one write however many there are, and a user made anew revives nothing.
type user struct {
	Sub           string    `json:"sub"`
	Email         string    `json:"email"`
	Phone         string    `json:"phone"`
	EmailVerified bool      `json:"emailVerified"`
	PhoneVerified bool      `json:"phoneVerified"`
	Disabled      bool      `json:"disabled"`
	Password      hash      `json:"password"`
	Temporary     bool      `json:"temporary"`
	TempEnds      time.Time `json:"tempEnds"`
	Changed       time.Time `json:"changed"`
	Life          string    `json:"life"` // of refresh tokens
	Turn          string    `json:"turn"` // of challenge sessions
	Secret        string    `json:"secret"`
	Pending       string    `json:"pending"`  // a secret that no code has confirmed
	LastStep      int64     `json:"lastStep"` // of the last code that was accepted: no code of it or before it is again
}

func (p *Provider) load(tx *bolt.Tx, n identity.Name) (user, bool, error) {
	var u user
	found, err := p.get(tx, bucketUsers, []byte(n), &u)
	return u, found, err
}

func (p *Provider) save(tx *bolt.Tx, n identity.Name, u user) error {
	return p.put(tx, bucketUsers, []byte(n), u)
}

func (p *Provider) mark() (string, error) {
	b, err := p.random(16)
	return hex.EncodeToString(b), err
}

// uuid is a random identifier in the form that Cognito's sub, jti and origin_jti have.
func (p *Provider) uuid() (string, error) {
	b, err := p.random(16)
	if err != nil {
		return "", err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// acceptable is the provider's own rule for passwords.
func acceptable(password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return fault.New(fault.Invalid, "password_refused")
	}
	return nil
}

// CreateUser makes an enabled user with a temporary password.
func (p *Provider) CreateUser(ctx context.Context, n identity.Name, email, phone, temporaryPassword string, validFor time.Duration) error {
	if err := acceptable(temporaryPassword); err != nil {
		return err
	}
	h, err := p.newHash(ctx, temporaryPassword)
	if err != nil {
		return err
	}
	return p.update(ctx, func(tx *bolt.Tx) error {
		u, found, err := p.load(tx, n)
		if err != nil {
			return err
		}
		if found && (!u.Temporary || u.Disabled || u.Email != email || u.Phone != phone) {
			return fault.New(fault.Conflict, "user_exists")
		}
		if !found {
			u = user{Email: email, Phone: phone}
			if u.Sub, err = p.uuid(); err != nil {
				return err
			}
			if u.Life, err = p.mark(); err != nil {
				return err
			}
		}
		return p.renew(tx, n, u, h, validFor)
	})
}

// renew stores the user with a new password: a temporary one when it ends.
func (p *Provider) renew(tx *bolt.Tx, n identity.Name, u user, h hash, validFor time.Duration) error {
	turn, err := p.mark()
	if err != nil {
		return err
	}
	u.Password, u.Turn, u.Changed = h, turn, p.now()
	u.Temporary, u.TempEnds = validFor > 0, time.Time{}
	if u.Temporary {
		u.TempEnds = p.now().Add(validFor)
	}
	return p.save(tx, n, u)
}

// GetUser gives what the provider knows of a user.
func (p *Provider) GetUser(ctx context.Context, n identity.Name) (out identity.User, err error) {
	err = p.view(ctx, func(tx *bolt.Tx) error {
		u, found, err := p.load(tx, n)
		if err == nil && !found {
			err = unknownUser()
		}
		out = u.public(n)
		return err
	})
	if err != nil {
		return identity.User{}, err
	}
	return out, nil
}

func (u user) public(n identity.Name) identity.User {
	return identity.User{
		Name: n, Email: u.Email, Phone: u.Phone, EmailVerified: u.EmailVerified, PhoneVerified: u.PhoneVerified,
		Enabled: !u.Disabled, PasswordIsTemp: u.Temporary, TOTPEnrolled: u.Secret != "",
		TempPasswordEnds: u.TempEnds, Changed: u.Changed,
	}
}

// ListUsers yields users in name order, 60 a page; the cursor is the last name of the page before.
func (p *Provider) ListUsers(ctx context.Context, after string) (users []identity.User, next string, err error) {
	const page = 60
	err = p.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketUsers).Cursor()
		k, v := c.Seek([]byte(after))
		if string(k) == after && after != "" {
			k, v = c.Next()
		}
		for ; k != nil; k, v = c.Next() {
			if len(users) == page {
				next = string(users[page-1].Name)
				return nil
			}
			var u user
			if err := p.open(bucketUsers, k, v, &u); err != nil {
				return err
			}
			users = append(users, u.public(identity.Name(k)))
		}
		return nil
	})
	return users, next, err
}

// edit changes a user that exists.
func (p *Provider) edit(ctx context.Context, n identity.Name, f func(*bolt.Tx, *user) error) error {
	return p.update(ctx, func(tx *bolt.Tx) error {
		u, found, err := p.load(tx, n)
		if err != nil {
			return err
		}
		if !found {
			return unknownUser()
		}
		if err := f(tx, &u); err != nil {
			return err
		}
		u.Changed = p.now()
		return p.save(tx, n, u)
	})
}

// SetAttributes replaces e-mail and phone. A changed one becomes unverified unless verified names it.
func (p *Provider) SetAttributes(ctx context.Context, n identity.Name, email, phone string, verified ...identity.Attribute) error {
	return p.edit(ctx, n, func(_ *bolt.Tx, u *user) error {
		u.EmailVerified = u.EmailVerified && u.Email == email || slices.Contains(verified, identity.Email)
		u.PhoneVerified = u.PhoneVerified && u.Phone == phone || slices.Contains(verified, identity.Phone)
		u.Email, u.Phone = email, phone
		return nil
	})
}

// end gives the user new marks: every refresh token and challenge that was given out is dead.
func (p *Provider) end(u *user) (err error) {
	if u.Life, err = p.mark(); err != nil {
		return err
	}
	u.Turn, err = p.mark()
	return err
}

// Disable refuses sign-in, refresh and all codes. What was open stays dead after Enable.
func (p *Provider) Disable(ctx context.Context, n identity.Name) error {
	return p.edit(ctx, n, func(_ *bolt.Tx, u *user) error {
		u.Disabled = true
		return p.end(u)
	})
}

// Enable lets a disabled user sign in again.
func (p *Provider) Enable(ctx context.Context, n identity.Name) error {
	return p.edit(ctx, n, func(_ *bolt.Tx, u *user) error {
		u.Disabled = false
		return nil
	})
}

// SignOutEverywhere ends all refresh tokens and open challenges.
func (p *Provider) SignOutEverywhere(ctx context.Context, n identity.Name) error {
	return p.edit(ctx, n, func(_ *bolt.Tx, u *user) error { return p.end(u) })
}

// Delete removes the user. Deleting none answers nil.
func (p *Provider) Delete(ctx context.Context, n identity.Name) error {
	return p.update(ctx, func(tx *bolt.Tx) error { return tx.Bucket(bucketUsers).Delete([]byte(n)) })
}

// SetPassword sets a permanent password without the old one.
func (p *Provider) SetPassword(ctx context.Context, n identity.Name, password string) error {
	return p.setPassword(ctx, n, password, 0)
}

// SetTemporaryPassword puts the user back to the state after CreateUser.
func (p *Provider) SetTemporaryPassword(ctx context.Context, n identity.Name, password string, validFor time.Duration) error {
	return p.setPassword(ctx, n, password, max(validFor, 1))
}

func (p *Provider) setPassword(ctx context.Context, n identity.Name, password string, validFor time.Duration) error {
	if err := acceptable(password); err != nil {
		return err
	}
	h, err := p.newHash(ctx, password)
	if err != nil {
		return err
	}
	return p.update(ctx, func(tx *bolt.Tx) error {
		u, found, err := p.load(tx, n)
		if err != nil {
			return err
		}
		if !found {
			return unknownUser()
		}
		return p.renew(tx, n, u, h, validFor)
	})
}
