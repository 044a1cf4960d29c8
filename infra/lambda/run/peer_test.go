//go:build peers

package main

import (
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/shared/identity/cognito"
	"github.com/steward-crm/steward/shared/identity/identitytest"
	"github.com/steward-crm/steward/shared/peertest"
)

// TestContractOnFront: behind the front the two stand-ins are one Cognito, which passes the contract but for what is named here.
func TestContractOnFront(t *testing.T) {
	at, there := deploy(t)
	to, err := url.Parse("http://" + at)
	if err != nil {
		t.Fatal(err)
	}
	o := cognito.Options{
		Pool: there.pool, ClientID: there.client, Secret: there.secrets[there.clientSecret], Now: time.Now,
		Client: cognitoidentityprovider.New(cognitoidentityprovider.Options{
			Region: region, Credentials: credentials{}, BaseEndpoint: aws.String("http://" + at), RetryMaxAttempts: 1,
		}),
		HTTP: &http.Client{Transport: near{to}},
	}
	identitytest.Run(t, func(*testing.T) identitytest.Subject {
		return identitytest.Subject{Identity: cognito.New(o), Now: time.Now}
	}, peertest.Lacks{
		"the header of a token": "moto adds a typ: nothing here holds it but Cognito's promise",
	})
}

// deploy starts the stand-ins with a front before them, and makes in them what the functions need.
func deploy(t *testing.T) (address string, there *deployment) {
	t.Helper()
	data := t.TempDir()
	by, stop, err := startStandIns(t.Context(), options{peers: peers.Installed(t), data: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
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
