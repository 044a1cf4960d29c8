package identitytest

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

const step = 30 * time.Second

func secondFactor(w *world) {
	ctx, p := w.Context(), w.Identity
	n := w.active()
	t := w.token(n)
	judged := w.has("codes of a second factor are judged")
	if judged {
		w.want("confirming what nobody enrolled", p.ConfirmTOTP(ctx, n, t, "123456"), fault.Malformed, "code_invalid")
	}
	secret, err := p.EnrolTOTP(ctx, n, t)
	w.must(err)
	w.signedIn(n, permanent) // a secret that no code confirmed asks nobody
	if w.get(n).TOTPEnrolled {
		w.Error("enrolled without a confirmation")
	}
	w.want("no code", p.ConfirmTOTP(ctx, n, t, "no code"), fault.Malformed, "code_invalid")
	again, err := p.EnrolTOTP(ctx, n, t)
	w.must(err)
	if judged {
		w.want("a wrong confirmation", p.ConfirmTOTP(ctx, n, t, w.wrongCode(secret)), fault.Malformed, "code_invalid")
		if again == secret {
			w.Error("enrolling again gave the same secret")
		}
		w.want("a code of the secret that was replaced", p.ConfirmTOTP(ctx, n, t, w.code(secret, 0)), fault.Malformed, "code_invalid")
	}
	w.must(p.ConfirmTOTP(ctx, n, t, w.code(again, 0)))
	if !w.get(n).TOTPEnrolled {
		w.Error("not enrolled after the confirmation")
	}
	if w.has("a second factor is asked for") {
		s := w.challenged(n, permanent, identity.TOTP)
		w.may("check of the password alone", p.CheckPassword(ctx, n, permanent))
		w.refused("check of a wrong one", p.CheckPassword(ctx, n, other))
		if judged {
			_, err = p.AnswerTOTP(ctx, n, s, w.wrongCode(again))
			w.refused("a wrong code", err)
			_, err = p.AnswerNewPassword(ctx, n, w.challenged(n, permanent, identity.TOTP), other)
			w.refused("a password where a code was asked for", err)
			_, err = p.AnswerTOTP(ctx, n, w.challenged(n, permanent, identity.TOTP), w.code(again, 0))
			w.refused("the code that confirmed", err)
		}
	}

	if w.Advance != nil {
		w.Advance(step)
		codes(w, n, again)
	}

	if w.has("a second factor is taken away") {
		w.must(p.ResetMFA(ctx, n))
		w.may("reset again", p.ResetMFA(ctx, n))
		w.signedIn(n, permanent)
		if w.get(n).TOTPEnrolled {
			w.Error("enrolled after the reset")
		}
	}
	strangers(w)
}

// strangers: nobody enrols or confirms for a user but with a live access token of that user.
func strangers(w *world) {
	ctx, p := w.Context(), w.Identity
	n, stranger := w.active(), w.active()
	tokens := w.signedIn(n, permanent)
	foreign := w.token(stranger)
	deny := func(what string, n identity.Name, t identity.AccessToken) {
		w.Helper()
		_, err := p.EnrolTOTP(ctx, n, t)
		w.refused("enrolling with "+what, err)
		w.refused("confirming with "+what, p.ConfirmTOTP(ctx, n, t, "123456"))
	}
	deny("no token", n, "")
	deny("what is none", n, "x.y.z")
	deny("a refresh token", n, identity.AccessToken(tokens.Refresh))
	deny("the token of another user", n, foreign)
	if w.has("a token that was changed enrols nobody") {
		deny("a token without its signature", n, identity.AccessToken(tokens.Access[:strings.LastIndex(tokens.Access, ".")+1]))
	}
	if w.has("signing out everywhere") {
		w.must(p.SignOutEverywhere(ctx, n))
		deny("the token of an ended sign-in", n, identity.AccessToken(tokens.Access))
	}
	if w.has("a revoked sign-in enrols nobody") {
		again := w.signedIn(n, permanent)
		w.must(p.Revoke(ctx, again.Refresh))
		deny("the token of a revoked sign-in", n, identity.AccessToken(again.Access))
		w.must(p.Delete(ctx, n))
		deny("the token of a revoked sign-in of a deleted user", n, identity.AccessToken(again.Access))
	}
	w.must(p.Delete(ctx, stranger))
	deny("the token of a deleted user", stranger, foreign)
}

// codes holds each code to one use, whatever session it comes in, and to a step on either side.
func codes(w *world, n identity.Name, secret string) {
	ctx, p := w.Context(), w.Identity
	c := w.code(secret, 0)
	s := w.challenged(n, permanent, identity.TOTP)
	out, err := p.AnswerTOTP(ctx, n, s, c)
	w.must(err)
	if out.Tokens == nil {
		w.Fatal("a right code gives no tokens")
	}
	_, err = p.AnswerTOTP(ctx, n, s, c)
	w.refused("the session again", err)
	_, err = p.AnswerTOTP(ctx, n, w.challenged(n, permanent, identity.TOTP), c)
	w.refused("the code again, in another session", err)

	w.Advance(10 * step)
	_, err = p.AnswerTOTP(ctx, n, w.challenged(n, permanent, identity.TOTP), w.code(secret, -1))
	w.may("the code before", err)
	_, err = p.AnswerTOTP(ctx, n, w.challenged(n, permanent, identity.TOTP), w.code(secret, 1))
	w.may("the code after", err)
	w.Advance(10 * step)
	for _, off := range []int{-3, 3} {
		_, err = p.AnswerTOTP(ctx, n, w.challenged(n, permanent, identity.TOTP), w.code(secret, off))
		w.refused("a code three steps away", err)
	}

	s = w.challenged(n, permanent, identity.TOTP)
	w.Advance(3 * time.Minute)
	_, err = p.AnswerTOTP(ctx, n, s, w.code(secret, 0))
	w.refused("a session after three minutes", err)

	w.must(p.SetTemporaryPassword(ctx, n, temporary, day))
	out, err = p.AnswerNewPassword(ctx, n, w.challenged(n, temporary, identity.NewPassword), permanent)
	w.must(err)
	if out.Challenge != identity.TOTP || out.Tokens != nil {
		w.Error("a new password goes around the second factor")
	}
	_, err = p.AnswerTOTP(ctx, n, out.Session, w.code(secret, 0))
	w.may("the code after the new password", err)
}

// races: many parallel uses of one thing have one success.
func races(w *world) {
	ctx, p := w.Context(), w.Identity
	n := w.invited()
	s := w.challenged(n, temporary, identity.NewPassword)
	w.one("one session, many answers", func(int) error {
		_, err := p.AnswerNewPassword(ctx, n, s, permanent)
		return err
	})
	w.signedIn(n, permanent)
	if w.Advance == nil {
		return
	}
	secret := w.enrolled(n)
	w.Advance(step)
	var open []string
	for range 8 {
		open = append(open, w.challenged(n, permanent, identity.TOTP))
	}
	c := w.code(secret, 0)
	w.one("one code, many sessions", func(i int) error {
		_, err := p.AnswerTOTP(ctx, n, open[i], c)
		return err
	})
	w.Advance(2 * step)
	s, c = w.challenged(n, permanent, identity.TOTP), w.code(secret, 0)
	w.one("one session, one code, many answers", func(int) error {
		_, err := p.AnswerTOTP(ctx, n, s, c)
		return err
	})
}

// one runs f eight times at once: one may succeed, the others are refused.
func (w *world) one(what string, f func(int) error) {
	w.Helper()
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	var passed int
	for _, err := range errs {
		if err == nil {
			passed++
		} else {
			w.refused(what, err)
		}
	}
	if passed != 1 {
		w.Errorf("%s: %d succeeded: %v", what, passed, errors.Join(errs...))
	}
}
