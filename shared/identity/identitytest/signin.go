package identitytest

import (
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

func signIn(w *world) {
	n := w.active()
	t := w.signedIn(n, permanent)
	if t.Access == "" || t.Refresh == "" || t.ExpiresIn <= 0 {
		w.Error("a sign-in gives both tokens and how long the first lives")
	}
	// Passwords are taken byte by byte: nothing is trimmed or normalised (ASVS 6.2.8).
	for _, pw := range []string{" leading space 41-Wren", "trailing space 41-Wren ", "pass\u00e9-41-Wren-nfc", "passe\u0301-41-Wren-nfd", "🦉🦉🦉-41-Wren-otter"} {
		w.must(w.Identity.SetPassword(w.Context(), n, pw))
		w.signedIn(n, pw)
		_, err := w.Identity.Authenticate(w.Context(), n, strings.TrimSpace(pw)+"?")
		w.refused("a password with one more sign", err)
	}
	w.must(w.Identity.SetPassword(w.Context(), n, "pass\u00e9-41-Wren-nfc"))
	_, err := w.Identity.Authenticate(w.Context(), n, "passe\u0301-41-Wren-nfc")
	w.refused("the same letters composed otherwise", err)
}

func refusals(w *world) {
	ctx, p := w.Context(), w.Identity
	n := w.active()
	for _, c := range []struct{ what, password string }{
		{"a wrong password", other},
		{"none", ""},
		{"another case", strings.ToUpper(permanent)},
		{"a longer one", permanent + "x"},
		{"a very long one", strings.Repeat("x", 5000)},
		{"one with a zero byte", permanent + "\x00"},
	} {
		_, err := p.Authenticate(ctx, n, c.password)
		w.refused(c.what, err)
	}
	_, err := p.Authenticate(ctx, w.name(), permanent)
	w.refused("an unknown user", err)
	_, err = p.Authenticate(ctx, "not~a name", permanent)
	w.refused("no name at all", err)

	w.must(p.Disable(ctx, n))
	w.may("disable again", p.Disable(ctx, n))
	_, err = p.Authenticate(ctx, n, permanent)
	w.refused("a disabled user", err)
	w.refused("check of a disabled user's password", p.CheckPassword(ctx, n, permanent))
	w.must(p.Enable(ctx, n))
	w.may("enable again", p.Enable(ctx, n))
	w.signedIn(n, permanent)

	invited := w.invited()
	_, err = p.Authenticate(ctx, invited, other)
	w.refused("a wrong temporary password", err)
	w.must(p.Disable(ctx, invited))
	_, err = p.Authenticate(ctx, invited, temporary)
	w.refused("a disabled invited user", err)

	if w.Advance != nil {
		late := w.invited()
		w.Advance(day)
		_, err = p.Authenticate(ctx, late, temporary)
		w.refused("a temporary password after its time", err)
		w.must(p.SetTemporaryPassword(ctx, late, other, day))
		w.challenged(late, other, identity.NewPassword)
	}
}

func challenges(w *world) {
	ctx, p := w.Context(), w.Identity
	n := w.invited()
	s := w.challenged(n, temporary, identity.NewPassword)
	if !w.get(n).PasswordIsTemp {
		w.Error("being asked is not an answer")
	}
	_, err := p.AnswerNewPassword(ctx, n, "", permanent)
	w.refused("no session", err)
	if w.has("a session is bound to its user and its challenge") {
		stranger := w.invited()
		_, err = p.AnswerNewPassword(ctx, stranger, s, permanent)
		w.refused("the session of another user", err)
		_, err = p.AnswerNewPassword(ctx, n, "AAAA"+s[4:], permanent)
		w.refused("a session that was changed", err)
		_, err = p.AnswerTOTP(ctx, n, s, "123456")
		w.refused("a code where a password was asked for", err)
	}

	s = w.challenged(n, temporary, identity.NewPassword)
	out, err := p.AnswerNewPassword(ctx, n, s, permanent)
	w.must(err)
	if out.Tokens == nil {
		w.Fatal("the answer gives no tokens")
	}
	if w.get(n).PasswordIsTemp {
		w.Error("the password is still a temporary one")
	}
	if w.has("a session is used once") {
		_, err = p.AnswerNewPassword(ctx, n, s, other)
		w.refused("the session again", err)
	}
	_, err = p.Authenticate(ctx, n, temporary)
	w.refused("the temporary password after its use", err)
	w.signedIn(n, permanent)

	w.must(p.SetTemporaryPassword(ctx, n, other, day))
	_, err = p.Authenticate(ctx, n, permanent)
	w.refused("the password that a temporary one replaced", err)
	if w.has("a session of the disabled is refused") {
		s = w.challenged(n, other, identity.NewPassword)
		w.must(p.Disable(ctx, n))
		_, err = p.AnswerNewPassword(ctx, n, s, permanent)
		w.refused("the session of a user who was disabled meanwhile", err)
		w.must(p.Enable(ctx, n))
	}

	if w.Advance != nil {
		s = w.challenged(n, other, identity.NewPassword)
		w.Advance(3 * time.Minute)
		_, err = p.AnswerNewPassword(ctx, n, s, permanent)
		w.refused("a session after three minutes", err)
	}
}

func passwords(w *world) {
	ctx, p := w.Context(), w.Identity
	n := w.active()
	w.may("check of the right password", p.CheckPassword(ctx, n, permanent))
	w.refused("check of a wrong one", p.CheckPassword(ctx, n, other))
	w.refused("check of an unknown user's", p.CheckPassword(ctx, w.name(), permanent))
	w.refused("check of a temporary one", p.CheckPassword(ctx, w.invited(), temporary))

	for _, pw := range []string{"", "short", strings.Repeat("long", 65)} {
		w.want("a password that is refused", p.SetPassword(ctx, n, pw), fault.Invalid, "password_refused")
		w.want("a temporary one", p.SetTemporaryPassword(ctx, n, pw, day), fault.Invalid, "password_refused")
		w.want("a first one", p.CreateUser(ctx, w.name(), mail, mobile, pw, day), fault.Invalid, "password_refused")
	}
	w.signedIn(n, permanent)

	w.must(p.SetPassword(ctx, n, other))
	w.may("setting it again", p.SetPassword(ctx, n, other))
	_, err := p.Authenticate(ctx, n, permanent)
	w.refused("the old password", err)
	w.signedIn(n, other)

	invited := w.invited()
	s := w.challenged(invited, temporary, identity.NewPassword)
	_, err = p.AnswerNewPassword(ctx, invited, s, "short")
	w.want("a refused answer", err, fault.Invalid, "password_refused")
	if !w.get(invited).PasswordIsTemp {
		w.Error("a refused answer changed the password")
	}
}
