//go:build peers

package main

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	otp "github.com/pquerna/otp/totp"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/cognito"
	"github.com/steward-crm/steward/shared/identity/identitytest"
	"github.com/steward-crm/steward/shared/peertest"
)

// TestContractOnFront: behind the front the two stand-ins are one Cognito, which passes the contract but for what is named here.
func TestContractOnFront(t *testing.T) {
	o := behind(t)
	identitytest.Run(t, func(*testing.T) identitytest.Subject {
		return identitytest.Subject{Identity: cognito.New(o), Now: time.Now}
	}, peertest.Lacks{
		"the header of a token": "moto adds a typ: nothing here holds it but Cognito's promise",
	})
}

// TestSecondFactorOnFront: a code of the secret in force signs in, once, in a session of its user's, and a temporary password does not go around it.
func TestSecondFactorOnFront(t *testing.T) {
	ctx, p := t.Context(), cognito.New(behind(t))
	ids := id.NewSource(time.Now, rand.Reader)
	const temporary, permanent = "Tmp-7Kq4-vexed-Heron", "Quiet-Otter-63-ladder"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	code := func(secret string, after time.Duration) string {
		c, err := otp.GenerateCode(secret, time.Now().Add(after))
		must(err)
		return c
	}
	enrolled := func() (identity.Name, string) {
		n := identity.NameOf(id.New[id.Tenant](ids), id.New[id.User](ids))
		must(p.CreateUser(ctx, n, "", "", temporary, time.Hour))
		must(p.SetPassword(ctx, n, permanent))
		out, err := p.Authenticate(ctx, n, permanent)
		must(err)
		token := identity.AccessToken(out.Tokens.Access)
		secret, err := p.EnrolTOTP(ctx, n, token)
		must(err)
		must(p.ConfirmTOTP(ctx, n, token, code(secret, 0)))
		_, err = p.EnrolTOTP(ctx, n, token) // another, which waits for its first code
		must(err)
		return n, secret
	}
	ann, secret := enrolled()
	bob, other := enrolled()
	must(p.SetTemporaryPassword(ctx, ann, temporary, time.Hour))
	out, err := p.Authenticate(ctx, ann, temporary)
	must(err)
	out, err = p.AnswerNewPassword(ctx, ann, out.Session, permanent)
	must(err)
	if out.Challenge != identity.TOTP || out.Tokens != nil {
		t.Fatalf("after the new password: %+v", out)
	}
	next := code(secret, 30*time.Second)
	for what, answer := range map[string]func() (identity.Outcome, error){
		"a code of another secret": func() (identity.Outcome, error) {
			return p.AnswerTOTP(ctx, ann, out.Session, code(other, 30*time.Second))
		},
		"a session of another user": func() (identity.Outcome, error) {
			return p.AnswerTOTP(ctx, bob, out.Session, code(other, 30*time.Second))
		},
	} {
		if _, err := answer(); !fault.Is(err, "credentials_invalid") {
			t.Errorf("%s: %v", what, err)
		}
	}
	in, err := p.AnswerTOTP(ctx, ann, out.Session, next)
	must(err)
	if in.Tokens == nil {
		t.Fatalf("a right code gives %+v", in)
	}
	again, err := p.Authenticate(ctx, ann, permanent)
	must(err)
	for what, session := range map[string]string{"the session again": out.Session, "the code again": again.Session} {
		if _, err := p.AnswerTOTP(ctx, ann, session, next); !fault.Is(err, "credentials_invalid") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// behind gives a pool behind a front of the test's own.
func behind(t *testing.T) cognito.Options {
	t.Helper()
	at, there := deploy(t)
	to, err := url.Parse("http://" + at)
	if err != nil {
		t.Fatal(err)
	}
	return cognito.Options{
		Pool: there.pool, ClientID: there.client, Secret: there.secrets[there.clientSecret], Now: time.Now,
		Client: cognitoidentityprovider.New(cognitoidentityprovider.Options{
			Region: region, Credentials: credentials{}, BaseEndpoint: aws.String("http://" + at), RetryMaxAttempts: 1,
		}),
		HTTP: &http.Client{Transport: near{to}},
	}
}

// deploy starts the stand-ins with a front before them, and makes in them what the functions need.
func deploy(t *testing.T) (address string, there *deployment) {
	t.Helper()
	data := t.TempDir()
	by, stop, err := startStandIns(t.Context(), options{peers: peers.Installed(t), data: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if _, err := os.Stat(filepath.Join(data, ".cognito")); !os.IsNotExist(err) {
			t.Errorf("cognito-local's data, with passwords in clear, stays: %v", err)
		}
	})
	twins, err := newTwins(t.Context(), by.cognitoLocal)
	if err != nil {
		t.Fatal(err)
	}
	f := newFront(by.moto, twins, slog.New(slog.DiscardHandler))
	at, stopFront, err := serve(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stopFront)
	if there, err = provision(t.Context(), at, filepath.Join(data, "secret")); err != nil {
		t.Fatal(err)
	}
	f.judge(nil, there)
	return at, there
}

// near asks the front whatever host is meant.
type near struct{ to *url.URL }

func (n near) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = n.to.Scheme, n.to.Host, n.to.Host
	return http.DefaultTransport.RoundTrip(r)
}
