package identitytest

import (
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/steward-crm/steward/shared/identity"
)

func sessions(w *world) {
	ctx, p := w.Context(), w.Identity
	n := w.active()
	first := w.signedIn(n, permanent)
	second := w.signedIn(n, permanent)
	fresh, err := p.Refresh(ctx, first.Refresh)
	w.must(err)
	a, b, c := w.claims(first.Access), w.claims(fresh.Access), w.claims(second.Access)
	if w.has("refreshing keeps the time of the sign-in") && a["auth_time"] != b["auth_time"] {
		w.Error("refreshing begins another sign-in")
	}
	if w.has("a sign-in has an id") {
		if a["origin_jti"] != b["origin_jti"] {
			w.Error("refreshing begins another sign-in")
		}
		if a["origin_jti"] == c["origin_jti"] {
			w.Error("two sign-ins are one")
		}
	}
	if a["jti"] == b["jti"] {
		w.Error("two access tokens have one id")
	}
	for _, bad := range []string{"", "x", second.Refresh + "x", first.Access, strings.Repeat("A", 43)} {
		if w.has("what is no refresh token is refused") {
			_, err := p.Refresh(ctx, bad)
			w.refused("no refresh token", err)
		}
		if w.has("revocation") {
			w.may("revoking nothing", p.Revoke(ctx, bad))
		}
	}

	if w.has("revocation") {
		w.must(p.Revoke(ctx, fresh.Refresh))
		w.may("revoke again", p.Revoke(ctx, fresh.Refresh))
		_, err = p.Refresh(ctx, fresh.Refresh)
		w.refused("a revoked token", err)
	}
	second, err = p.Refresh(ctx, second.Refresh)
	w.may("the token of another sign-in", err)

	third := w.signedIn(n, permanent)
	if w.has("signing out everywhere") {
		w.must(p.SignOutEverywhere(ctx, n))
		for _, t := range []identity.Tokens{second, third} {
			_, err = p.Refresh(ctx, t.Refresh)
			w.refused("a token after signing out everywhere", err)
		}
	}

	if w.has("the disabled do not refresh") {
		fourth := w.signedIn(n, permanent)
		w.must(p.Disable(ctx, n))
		_, err = p.Refresh(ctx, fourth.Refresh)
		w.refused("a token of a disabled user", err)
		w.must(p.Enable(ctx, n))
	}

	fifth := w.signedIn(n, permanent)
	w.must(p.Delete(ctx, n))
	if w.has("the deleted do not refresh") {
		_, err = p.Refresh(ctx, fifth.Refresh)
		w.refused("a token of a deleted user", err)
	}
}

// tokens demands the claims and header of a Cognito access token, and a signature that the JWKS proves.
func tokens(w *world) {
	n := w.active()
	before := w.Now().Truncate(time.Second)
	t := w.signedIn(n, permanent)
	c := w.claims(t.Access)
	is := w.Identity.Issuer()
	for name, want := range map[string]any{
		"iss": is.URL, "client_id": is.ClientID, "token_use": "access", "username": string(n), "scope": "aws.cognito.signin.user.admin",
	} {
		if c[name] != want {
			w.Errorf("claim %s is %v", name, c[name])
		}
	}
	for _, name := range []string{"sub", "origin_jti", "jti"} {
		if s, _ := c[name].(string); len(s) < 16 {
			w.Errorf("claim %s is %v", name, c[name])
		}
	}
	at := func(name string) time.Time {
		f, ok := c[name].(float64)
		if !ok {
			w.Errorf("claim %s is %v", name, c[name])
		}
		return time.Unix(int64(f), 0)
	}
	if iat := at("iat"); iat.Before(before.Add(-5*time.Second)) || iat.After(w.Now().Add(5*time.Second)) || at("auth_time").After(iat) {
		w.Errorf("iat %v and auth_time %v do not fit the clock", iat, at("auth_time"))
	}
	if got := at("exp").Sub(at("iat")); got != t.ExpiresIn {
		w.Errorf("exp says %v, ExpiresIn %v", got, t.ExpiresIn)
	}
	if _, has := c["aud"]; has {
		w.Error("an access token names its client in client_id, not in aud")
	}
}

// claims verifies the token with the JWKS and gives its claims.
func (w *world) claims(access string) jwt.MapClaims {
	w.Helper()
	keys, err := w.Identity.JWKS(w.Context())
	w.must(err)
	c := jwt.MapClaims{}
	tok, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(w.Now)).ParseWithClaims(access, c, func(t *jwt.Token) (any, error) {
		i := slices.IndexFunc(keys, func(k identity.Key) bool { return k.ID == t.Header["kid"] })
		if i < 0 {
			return nil, jwt.ErrTokenUnverifiable
		}
		k := keys[i]
		if k.Type != "RSA" || k.Alg != "RS256" || k.Use != "sig" {
			w.Errorf("the key is %s %s for %s", k.Type, k.Alg, k.Use)
		}
		pk, err := k.RSA()
		if err != nil || pk.N.BitLen() <= 255*8 {
			w.Errorf("the key's numbers are not base64url, or too short: %v", err)
		}
		return pk, err
	})
	w.must(err)
	if _, typed := tok.Header["typ"]; w.has("the header of a token") && (typed || len(tok.Header) != 2) {
		w.Errorf("the header has %d members", len(tok.Header))
	}
	return c
}
