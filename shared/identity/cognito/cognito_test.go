package cognito_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/cognito"
)

// TestPasswordsThatAreRefused: Cognito sees digests, so length is judged here, in code points, before anything is asked.
func TestPasswordsThatAreRefused(t *testing.T) {
	for _, pw := range []string{"", "seven 7", strings.Repeat("界", 257)} {
		s := newStub(t)
		p := cognito.New(options(s.url))
		_, err := p.AnswerNewPassword(t.Context(), ann, session, pw)
		for what, err := range map[string]error{
			"CreateUser": p.CreateUser(t.Context(), ann, "", "", pw, time.Hour), "SetPassword": p.SetPassword(t.Context(), ann, pw),
			"SetTemporaryPassword": p.SetTemporaryPassword(t.Context(), ann, pw, time.Hour), "AnswerNewPassword": err,
		} {
			if !fault.Is(err, "password_refused") || s.calls() != "" {
				t.Errorf("%s of %d bytes: %v, asked %q", what, len(pw), err, s.calls())
			}
		}
	}
	for _, pw := range []string{"eight 88", strings.Repeat("界", 256)} {
		if err := cognito.New(options(newStub(t, done).url)).SetPassword(t.Context(), ann, pw); err != nil {
			t.Errorf("%d bytes: %v", len(pw), err)
		}
	}
}

// TestPasswordsAreBytes: what looks the same is not the same, and what Cognito would not take as it is, it is never shown.
func TestPasswordsAreBytes(t *testing.T) {
	seen := map[string]string{}
	for _, pw := range []string{"leading space", " leading space", "leading space ", "pass\u00e9-41-Wren", "passe\u0301-41-Wren", "zero\x00 and more", "zero", "line\nfeed-41"} {
		s := newStub(t, signed)
		if _, err := cognito.New(options(s.url)).Authenticate(t.Context(), ann, pw); err != nil {
			t.Fatal(err)
		}
		if old, twice := seen[s.calls()]; twice {
			t.Errorf("%q is taken for %q", pw, old)
		}
		seen[s.calls()] = pw
	}
}

// TestTheSecretOfTheClient: where the pool's client has a secret, every call that signs in proves it. The hash was made with another program.
func TestTheSecretOfTheClient(t *testing.T) {
	const hash = `"SECRET_HASH":"dUBwxymnR33+B+7hHbD/wYVlRMw4nap2jMZafJ7JjmM="`
	s := newStub(t, signed, signed, signed, signed, done)
	o := options(s.url)
	o.Secret = "client secret"
	p := cognito.New(o)
	_, err1 := p.Authenticate(t.Context(), ann, password)
	_, err2 := p.AnswerNewPassword(t.Context(), ann, session, password)
	_, err3 := p.AnswerTOTP(t.Context(), ann, session, "123456")
	_, err4 := p.Refresh(t.Context(), "old")
	for _, err := range []error{err1, err2, err3, err4, p.Revoke(t.Context(), "old")} {
		must(t, err)
	}
	for i, call := range strings.Split(s.calls(), "\n") {
		want := hash
		if i >= 3 {
			want = `"ClientSecret":"client secret"`
		}
		if !strings.Contains(call, want) {
			t.Errorf("%s lacks %s", call, want)
		}
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if said := fmt.Sprintf(form, p); said != "[redacted]" {
			t.Errorf("%s prints %s", form, said)
		}
		if said := fmt.Sprintf(form, tokenOf(ann)); said != "[redacted]" {
			t.Errorf("%s prints a token as %s", form, said)
		}
	}
}

func TestIssuer(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1":  "https://cognito-idp.us-east-1.amazonaws.com/pool",
		"cn-north-1": "https://cognito-idp.cn-north-1.amazonaws.com.cn/pool",
	} {
		p := cognito.New(cognito.Options{Client: cognitoidentityprovider.New(cognitoidentityprovider.Options{Region: region}), Pool: "pool", ClientID: "client"})
		if got := p.Issuer(); got != (identity.Issuer{URL: want, ClientID: "client"}) {
			t.Errorf("%s: %+v", region, got)
		}
	}
}

// TestJWKS: the keys are asked for each time, and what is no key set is an outage.
func TestJWKS(t *testing.T) {
	const set = `{"keys":[{"alg":"RS256","e":"AQAB","kid":"1","kty":"RSA","n":"AQAB","use":"sig"},{"alg":"RS256","e":"AQAB","kid":"2","kty":"RSA","n":"AQAB","use":"sig","x5t":"more"}]}`
	answer, status, asked := set, 200, 0
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path != "/pool/.well-known/jwks.json" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer far.Close()
	o := options(far.URL)
	o.Issuer = far.URL + "/pool"
	p := cognito.New(o)
	for range 2 {
		keys, err := p.JWKS(t.Context())
		if err != nil || len(keys) != 2 || keys[1] != (identity.Key{ID: "2", Type: "RSA", Alg: "RS256", Use: "sig", N: "AQAB", E: "AQAB"}) {
			t.Errorf("%+v, %v", keys, err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	for _, c := range []struct {
		status int
		answer string
	}{{503, set}, {404, `{"message":"User pool does not exist."}`}, {200, `<html>`}, {200, `{"keys":[` + strings.Repeat(" ", 64<<10) + `]}`}, {302, set}} {
		status, answer = c.status, c.answer
		if keys, err := p.JWKS(t.Context()); !fault.Is(err, "identity_unavailable") || keys != nil {
			t.Errorf("%d %.20s: %v", c.status, c.answer, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.JWKS(gone); !fault.Is(err, "identity_unavailable") {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCheck(t *testing.T) {
	says(t, "nobody there", cognito.New(options("http://127.0.0.1:1")).Check(t.Context()), "pool us-east-1_AAAAAAAAA in us-east-1", "connection refused")
	s := newStub(t, failed("ResourceNotFoundException", "User pool us-east-1_AAAAAAAAA does not exist."))
	says(t, "another region", cognito.New(options(s.url)).Check(t.Context()), "in us-east-1", "does not exist")
	s = newStub(t, `{"UserPool":{"SchemaAttributes":[{"Name":"email","Mutable":true}]}}`)
	o := options(s.url)
	o.Issuer = s.url
	says(t, "a pool without the attribute", cognito.New(o).Check(t.Context()), "custom:tempEnds, mutable, is missing", "client 1234567890client", "keys of")
	s = newStub(t, failed("ExpiredTokenException", "The security token included in the request is expired"))
	says(t, "expired credentials", cognito.New(options(s.url)).Check(t.Context()), "ExpiredTokenException")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func says(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: accepted", what)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %q does not say %q", what, err, p)
		}
	}
}
