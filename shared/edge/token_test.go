package edge_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
)

// provider signs tokens as the test wishes.
type provider struct {
	key   *rsa.PrivateKey
	other *rsa.PrivateKey // published by nobody
	kid   string
	asked int
	down  bool
}

var providerKeys = sync.OnceValues(func() (*rsa.PrivateKey, *rsa.PrivateKey) {
	a, err1 := rsa.GenerateKey(rand.Reader, 2048)
	b, err2 := rsa.GenerateKey(rand.Reader, 2048)
	if err1 != nil || err2 != nil {
		panic(errors.Join(err1, err2))
	}
	return a, b
})

func newProvider() *provider {
	a, b := providerKeys()
	return &provider{key: a, other: b, kid: "k1"}
}

func (p *provider) Issuer() identity.Issuer {
	return identity.Issuer{URL: "https://id.example/pool", ClientID: "client-1"}
}

func (p *provider) JWKS(context.Context) ([]identity.Key, error) {
	p.asked++
	if p.down {
		return nil, errors.New("no route to host")
	}
	enc := base64.RawURLEncoding.EncodeToString
	return []identity.Key{{
		ID: p.kid, Type: "RSA", Alg: "RS256", Use: "sig", N: enc(p.key.N.Bytes()), E: enc(big.NewInt(int64(p.key.E)).Bytes()),
	}}, nil
}

func b64(v any) string {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func (p *provider) sign(k *rsa.PrivateKey, header, claims map[string]any) string {
	head := b64(header) + "." + b64(claims)
	sum := sha256.Sum256([]byte(head))
	sig, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return head + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// sign512 signs soundly by an algorithm that is not the pinned one.
func (p *provider) sign512(header, claims map[string]any) string {
	head := b64(with(header, "alg", "RS512")) + "." + b64(claims)
	sum := sha512.Sum512([]byte(head))
	sig, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA512, sum[:])
	if err != nil {
		panic(err)
	}
	return head + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func (p *provider) claims(w edgetest.Who, now time.Time) map[string]any {
	return map[string]any{
		"iss": p.Issuer().URL, "client_id": p.Issuer().ClientID, "token_use": "access", "username": string(identity.NameOf(w.Tenant, w.User)),
		"sub": "s", "origin_jti": "o1", "jti": "j1", "auth_time": now.Unix(), "iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(),
	}
}

func with(m map[string]any, k string, v any) map[string]any {
	out := map[string]any{}
	for a, b := range m {
		out[a] = b
	}
	if v == nil {
		delete(out, k)
	} else {
		out[k] = v
	}
	return out
}

func TestTokensThatAreRefused(t *testing.T) {
	p := newProvider()
	w := newWorld(t, func(c *edge.Config) { c.Authenticator = edge.NewVerifier(p, c.Now) })
	now := w.Now()
	head := map[string]any{"alg": "RS256", "kid": "k1"}
	good := p.claims(w.boss, now)
	hello := func(authorization string) *edgetest.Answer {
		return w.api.Anonymous().With("Authorization", authorization).Get("/v1/hello")
	}
	hello("Bearer "+p.sign(p.key, head, good)).Want(t, http.StatusOK, "")
	hello("bearer "+p.sign(p.key, with(head, "typ", "JWT"), good)).Want(t, http.StatusOK, "")
	hello("Bearer "+p.sign(p.key, head, with(with(good, "iat", now.Add(5*time.Second).Unix()), "exp", now.Add(-5*time.Second).Unix()))).
		Want(t, http.StatusOK, "") // within the leeway

	token := p.sign(p.key, head, good)
	parts := strings.Split(token, ".")
	pub, err := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	hs := b64(map[string]any{"alg": "HS256", "kid": "k1"}) + "." + b64(good)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub}))
	mac.Write([]byte(hs))

	before := edgetest.Dump(t, w.Table)
	ran := w.ran
	var first string
	for name, authorization := range map[string]string{
		"none":                      "",
		"no scheme":                 token,
		"basic":                     "Basic dXNlcjpwYXNz",
		"two tokens":                "Bearer " + token + " " + token,
		"empty":                     "Bearer ",
		"alg none":                  "Bearer " + b64(map[string]any{"alg": "none", "kid": "k1"}) + "." + b64(good) + ".",
		"alg None":                  "Bearer " + b64(map[string]any{"alg": "None", "kid": "k1"}) + "." + b64(good) + ".",
		"HS256 with the public key": "Bearer " + hs + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"RS512 named":               "Bearer " + p.sign(p.key, with(head, "alg", "RS512"), good),
		"RS512":                     "Bearer " + p.sign512(head, good),
		"another key":               "Bearer " + p.sign(p.other, head, good),
		"another issuer":            "Bearer " + p.sign(p.key, head, with(good, "iss", "https://id.example/pool2")),
		"no issuer":                 "Bearer " + p.sign(p.key, head, with(good, "iss", nil)),
		"another client":            "Bearer " + p.sign(p.key, head, with(good, "client_id", "client-2")),
		"client as audience":        "Bearer " + p.sign(p.key, head, with(with(good, "client_id", nil), "aud", "client-1")),
		"id token":                  "Bearer " + p.sign(p.key, head, with(good, "token_use", "id")),
		"no use":                    "Bearer " + p.sign(p.key, head, with(good, "token_use", nil)),
		"expired":                   "Bearer " + p.sign(p.key, head, with(good, "exp", now.Add(-11*time.Second).Unix())),
		"no expiry":                 "Bearer " + p.sign(p.key, head, with(good, "exp", nil)),
		"not yet":                   "Bearer " + p.sign(p.key, head, with(good, "nbf", now.Add(time.Minute).Unix())),
		"issued in the future":      "Bearer " + p.sign(p.key, head, with(good, "iat", now.Add(time.Minute).Unix())),
		"no time of issue":          "Bearer " + p.sign(p.key, head, with(good, "iat", nil)),
		"no time of sign-in":        "Bearer " + p.sign(p.key, head, with(good, "auth_time", nil)),
		"no session":                "Bearer " + p.sign(p.key, head, with(good, "origin_jti", nil)),
		"no name":                   "Bearer " + p.sign(p.key, head, with(good, "username", nil)),
		"name without tenant":       "Bearer " + p.sign(p.key, head, with(good, "username", string(w.boss.User))),
		"unknown key id":            "Bearer " + p.sign(p.key, with(head, "kid", "k2"), good),
		"key id as a path":          "Bearer " + p.sign(p.key, with(head, "kid", "../../etc/passwd"), good),
		"no key id":                 "Bearer " + p.sign(p.key, with(head, "kid", nil), good),
		"key id a number":           "Bearer " + p.sign(p.key, with(head, "kid", 1), good),
		"jku":                       "Bearer " + p.sign(p.key, with(head, "jku", "https://evil.example/jwks"), good),
		"x5u":                       "Bearer " + p.sign(p.key, with(head, "x5u", "https://evil.example/cert"), good),
		"jwk":                       "Bearer " + p.sign(p.key, with(head, "jwk", map[string]any{"kty": "RSA"}), good),
		"crit":                      "Bearer " + p.sign(p.key, with(head, "crit", []string{"exp"}), good),
		"b64":                       "Bearer " + p.sign(p.key, with(head, "b64", false), good),
		"truncated":                 "Bearer " + token[:len(token)-10],
		"signature left out":        "Bearer " + parts[0] + "." + parts[1] + ".",
		"two parts":                 "Bearer " + parts[0] + "." + parts[1],
		"extra dot":                 "Bearer " + token + ".",
		"four parts":                "Bearer " + token + ".x",
		"padded":                    "Bearer " + token + "==",
		"last bits changed":         "Bearer " + lastBits(token),
		"claims changed":            "Bearer " + parts[0] + "." + b64(with(good, "username", "x")) + "." + parts[2],
		"9 KB":                      "Bearer " + p.sign(p.key, head, with(good, "pad", strings.Repeat("x", 9*1024))),
		"test token":                "Bearer " + w.boss.Token(),
	} {
		c := w.api.Anonymous()
		if authorization != "" {
			c = c.With("Authorization", authorization)
		}
		a := c.Get("/v1/hello")
		if a.Status != http.StatusUnauthorized || a.Code() != "token_invalid" || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: answered %d %s", name, a.Status, a.Code())
			continue
		}
		body := strings.ReplaceAll(string(a.Body), string(a.Problem().RequestID), "")
		if first == "" {
			first = body
		}
		if body != first {
			t.Errorf("%s: answered other bytes: %s", name, body)
		}
	}
	if w.ran != ran || edgetest.Dump(t, w.Table) != before {
		t.Error("an operation ran, or the store changed")
	}
}

// lastBits changes the bits of the last character that base64 does not need: a second spelling of the same token.
func lastBits(token string) string {
	const abc = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(abc, token[len(token)-1])
	return token[:len(token)-1] + string(abc[i^1])
}

func TestTwoAuthorizationHeaders(t *testing.T) {
	w := newWorld(t)
	c := w.api.As(w.boss).Twice("Authorization")
	c.Get("/v1/hello").Want(t, http.StatusUnauthorized, "token_invalid")
}

func TestKeysAreFetchedSeldom(t *testing.T) {
	providerKeys()
	synctest.Test(t, keysAreFetchedSeldom)
}

func keysAreFetchedSeldom(t *testing.T) {
	p := newProvider()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	v := edge.NewVerifier(p, func() time.Time { return at })
	who := edgetest.Who{Tenant: "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB", User: "user_01JD3Z4T0X8Y6QH2N5W7R9K1MB"}
	try := func(kid string) error {
		_, err := v.Authenticate(t.Context(), p.sign(p.key, map[string]any{"alg": "RS256", "kid": kid}, p.claims(who, at)))
		synctest.Wait()
		return err
	}
	want := func(what string, err error, code string, asked int) {
		t.Helper()
		if (err == nil) != (code == "") || (err != nil && !fault.Is(err, code)) || p.asked != asked {
			t.Errorf("%s: %v after %d fetches, want %q after %d", what, err, p.asked, code, asked)
		}
	}
	p.down = true
	want("the provider is down", try("k1"), "identity_unavailable", 1)
	p.down = false
	want("it is back", try("k1"), "", 2)
	for range 100 {
		want("a made-up key", try("k-made-up"), "token_invalid", 2)
	}
	at = at.Add(31 * time.Second)
	want("a made-up key later", try("k-made-up"), "token_invalid", 3)
	want("again", try("k-made-up"), "token_invalid", 3)
	old := p.sign(p.key, map[string]any{"alg": "RS256", "kid": "k1"}, p.claims(who, at))
	for range 2 {
		if _, err := v.Authenticate(t.Context(), old); err != nil {
			t.Error(err)
		}
	}
	at, p.kid = at.Add(31*time.Second), "k2"
	want("a new key", try("k2"), "", 4)
	want("the old key has gone", try("k1"), "token_invalid", 4)
	_, err := v.Authenticate(t.Context(), old)
	want("a token of the old key that verified before", err, "token_invalid", 4)
	at, p.down = at.Add(2*time.Hour), true
	want("the provider is down, the keys are known", try("k2"), "", 5)
	at = at.Add(25 * time.Hour)
	want("the keys are a day old", try("k2"), "identity_unavailable", 6)
}

func TestTokensOfTheLocalProvider(t *testing.T) {
	d := edgetest.Deploy(t)
	w := &world{things: &things{Deployment: d}}
	tenant := d.Tenant(t)
	w.boss = d.User(t, tenant)
	w.api = edgetest.Serve(t, d.Platform, w.routes(), func(c *edge.Config) { c.Authenticator = edge.NewVerifier(d.Identity, d.Now) })
	name := identity.NameOf(tenant, w.boss.User)
	if err := d.Identity.CreateUser(t.Context(), name, "a@example.com", "", "Temporary-Passw0rd", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := d.Identity.SetPassword(t.Context(), name, "correct horse battery staple"); err != nil {
		t.Fatal(err)
	}
	out, err := d.Identity.Authenticate(t.Context(), name, "correct horse battery staple")
	if err != nil || out.Tokens == nil {
		t.Fatalf("%v %v", out, err)
	}
	c := w.api.Anonymous().With("Authorization", "Bearer "+out.Tokens.Access)
	for range 3 { // the later ones are remembered
		c.Get("/v1/hello").Want(t, http.StatusOK, "")
	}
	d.Clock.Add(out.Tokens.ExpiresIn + time.Minute)
	c.Get("/v1/hello").Want(t, http.StatusUnauthorized, "token_invalid")
}

// TestStandingBitesAtTheNextRequest is entry 54: the token stays good, what stands behind it does not.
func TestStandingBitesAtTheNextRequest(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	boss.Get("/v1/hello").Want(t, http.StatusOK, "")
	user := key.User(w.boss.Tenant, w.boss.User)
	w.Edit(t, user, func(doc map[string]any) { doc["status"] = string(principal.UserInactive) })
	boss.Get("/v1/hello").Want(t, http.StatusUnauthorized, "account_inactive")
	w.Edit(t, user, func(doc map[string]any) { doc["status"] = string(principal.UserActive) })
	boss.Get("/v1/hello").Want(t, http.StatusOK, "")
	tenant := key.Tenant(w.boss.Tenant)
	w.Edit(t, tenant, func(doc map[string]any) { doc["status"] = string(principal.TenantSuspended) })
	boss.Get("/v1/hello").Want(t, http.StatusForbidden, "tenant_suspended")
	w.Edit(t, tenant, func(doc map[string]any) { doc["status"] = string(principal.TenantActive) })
	boss.Get("/v1/hello").Want(t, http.StatusOK, "")
	nobody := edgetest.Who{Tenant: w.boss.Tenant, User: id.New[id.User](w.IDs)}
	w.api.As(nobody).Get("/v1/hello").Want(t, http.StatusUnauthorized, "token_invalid")
}

func TestPermission(t *testing.T) {
	w := newWorld(t)
	clerk := w.api.As(w.clerk)
	clerk.Get("/v1/hello").Want(t, http.StatusOK, "")
	clerk.Get("/v1/things").Want(t, http.StatusForbidden, "permission_denied")
	clerk.Post("/v1/things", `{"name":"a"}`).Want(t, http.StatusForbidden, "permission_denied")
	clerk.Post("/v1/things", `not even JSON`).Want(t, http.StatusForbidden, "permission_denied")
	w.Edit(t, key.Tenant(w.boss.Tenant), func(doc map[string]any) {
		doc["settings"].(map[string]any)["modulesOff"] = []string{string(modThing)}
	})
	w.api.As(w.boss).Get("/v1/things").Want(t, http.StatusNotFound, "not_found")
	if w.ran != 1 {
		t.Errorf("%d operations ran, want 1", w.ran)
	}
}
