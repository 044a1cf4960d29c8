package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"github.com/steward-crm/steward/infra/stacks/deployed"
)

// TestAuthorizer: what the gateway lets pass to a function whose route asks for a token.
func TestAuthorizer(t *testing.T) {
	mine, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b := base64.RawURLEncoding
		_ = json.MarshalWrite(w, map[string]any{"keys": []map[string]string{{
			"kid": "k", "kty": "RSA", "alg": "RS256", "use": "sig", "n": b.EncodeToString(mine.N.Bytes()), "e": b.EncodeToString(big.NewInt(int64(mine.E)).Bytes()),
		}}})
	}))
	defer published.Close()
	a := newAuthorizer(deployed.Authorizer{Issuer: "https://pool.example/p", Audience: []string{"desk"}}, published.URL)
	now := time.Now()
	signed := func(method jwt.SigningMethod, key any, kid string, edit func(jwt.MapClaims)) string {
		c := jwt.MapClaims{"iss": "https://pool.example/p", "client_id": "desk", "sub": "s", "exp": now.Add(time.Hour).Unix(), "iat": now.Add(-time.Minute).Unix()}
		edit(c)
		x := jwt.NewWithClaims(method, c)
		x.Header["kid"] = kid
		out, err := x.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	with := func(edit func(jwt.MapClaims)) string { return signed(jwt.SigningMethodRS256, mine, "k", edit) }
	same := func(jwt.MapClaims) {}
	for _, row := range []struct {
		name, token string
		passes      bool
	}{
		{"an access token", with(same), true},
		{"an id token, for the client by aud", with(func(c jwt.MapClaims) { delete(c, "client_id"); c["aud"] = "desk" }), true},
		{"none", "", false},
		{"no token at all", "Bearer", false},
		{"signed by another key", signed(jwt.SigningMethodRS256, other, "k", same), false},
		{"of a key that was not published", signed(jwt.SigningMethodRS256, mine, "l", same), false},
		{"another method", signed(jwt.SigningMethodPS256, mine, "k", same), false},
		{"a shared secret", signed(jwt.SigningMethodHS256, []byte("secret"), "k", same), false},
		{"not signed", signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k", same), false},
		{"another issuer", with(func(c jwt.MapClaims) { c["iss"] = "https://pool.example/q" }), false},
		{"another client", with(func(c jwt.MapClaims) { c["client_id"] = "shop" }), false},
		{"an aud wins over client_id", with(func(c jwt.MapClaims) { c["aud"] = "shop" }), false},
		{"for nobody", with(func(c jwt.MapClaims) { delete(c, "client_id") }), false},
		{"expired", with(func(c jwt.MapClaims) { c["exp"] = now.Add(-time.Second).Unix() }), false},
		{"without an end", with(func(c jwt.MapClaims) { delete(c, "exp") }), false},
		{"not yet", with(func(c jwt.MapClaims) { c["nbf"] = now.Add(time.Minute).Unix() }), false},
		{"issued later", with(func(c jwt.MapClaims) { c["iat"] = now.Add(time.Minute).Unix() }), false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/v1/me", nil)
		if row.token != "" {
			r.Header.Set("Authorization", "Bearer "+row.token)
		}
		claims, err := a.claims(r)
		if (err == nil) != row.passes {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil && (claims["sub"] != "s" || strings.ContainsAny(claims["exp"], ".e")) {
			t.Errorf("%s: claims %v", row.name, claims)
		}
	}
}

// TestGatewayRefuses: without a token no function is asked, but where the route is public.
func TestGatewayRefuses(t *testing.T) {
	stacks, err := deployed.Read("../../..", (&deployment{queues: map[string]string{jobsQueue: "http://jobs"}}).values())
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(stacks, "http://127.0.0.1:1", newPool(t.TempDir(), nil, nil, io.Discard))
	for _, r := range stacks.Routes {
		w := httptest.NewRecorder()
		path := strings.NewReplacer("{", "", "}", "").Replace(r.Path)
		g.ServeHTTP(w, httptest.NewRequest(r.Method, path, nil))
		if asked := w.Code != http.StatusUnauthorized; asked != (r.Authorizer == "") {
			t.Errorf("%s %s without a token: %d %s", r.Method, r.Path, w.Code, w.Body)
		}
	}
}
