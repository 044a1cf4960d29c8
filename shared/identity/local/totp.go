package local

import (
	"context"
	"encoding/base32"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

const period = 30 // seconds of one code, RFC 6238

// codeStep finds the step that the code belongs to: the present one, the one before or the one after (RFC 6238 §5.2), and later than
// the last one accepted. The library would accept a code twice, so the step is judged here.
func (p *Provider) codeStep(secret, code string, last int64) (int64, bool) {
	if secret == "" {
		return 0, false
	}
	now := p.now().Unix() / period
	for _, step := range []int64{now, now - 1, now + 1} {
		ok, err := hotp.ValidateCustom(code, uint64(step), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok && step > last {
			return step, true
		}
	}
	return 0, false
}

// EnrolTOTP returns a fresh secret, which ConfirmTOTP puts in force. The one in force stays so until then.
func (p *Provider) EnrolTOTP(ctx context.Context, n identity.Name, t identity.AccessToken) (string, error) {
	b, err := p.random(20) // the length that RFC 4226 §4 recommends
	if err != nil {
		return "", unavailable(err)
	}
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
	err = p.own(ctx, n, t, func(u *user) error {
		u.Pending = secret
		return nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// ConfirmTOTP puts the pending secret in force when the code is of it.
func (p *Provider) ConfirmTOTP(ctx context.Context, n identity.Name, t identity.AccessToken, code string) error {
	return p.own(ctx, n, t, func(u *user) error {
		step, right := p.codeStep(u.Pending, code, 0)
		if !right {
			return fault.New(fault.Malformed, "code_invalid")
		}
		u.Secret, u.Pending, u.LastStep = u.Pending, "", step
		return nil
	})
}

// own changes the user whose live access token t is: unexpired, of a sign-in that has not ended.
func (p *Provider) own(ctx context.Context, n identity.Name, t identity.AccessToken, f func(*user) error) error {
	return p.update(ctx, func(tx *bolt.Tx) error {
		session, err := p.verified(tx, t)
		if err != nil {
			return err
		}
		var of family // none: the sign-in was revoked
		if _, err := p.get(tx, bucketFamilies, []byte(session), &of); err != nil {
			return err
		}
		u, found, err := p.load(tx, n)
		if err != nil {
			return err
		}
		if !found || u.Life != of.Life { // a life is one user's, and ends when all of their sign-ins do
			return refused()
		}
		if err := f(&u); err != nil {
			return err
		}
		return p.save(tx, n, u)
	})
}

// ResetMFA takes the second factor away.
func (p *Provider) ResetMFA(ctx context.Context, n identity.Name) error {
	return p.edit(ctx, n, func(_ *bolt.Tx, u *user) error {
		u.Secret, u.Pending = "", ""
		var err error
		u.Turn, err = p.mark()
		return err
	})
}
