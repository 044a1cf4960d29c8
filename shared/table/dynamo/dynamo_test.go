package dynamo_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/goleak"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/table/dynamo"
	"github.com/steward-crm/steward/shared/table/tabletest"
)

func newClock() *clocktest.Clock { return clocktest.At(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)) }

// client are the SDK's options for a peer at the address.
func client(address string, over http.RoundTripper) dynamodb.Options {
	return dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: &address, HTTPClient: &http.Client{Transport: over},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}

// atOnce goes on without a wait, unless the context has ended.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func open(t testing.TB, o dynamo.Options) *dynamo.Store {
	t.Helper()
	o.Nowhere = "nowhere"
	s, err := dynamo.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openStrict gives a Store on the strict stand-in, what comes between given by over.
func openStrict(t testing.TB, now func() time.Time, over http.RoundTripper) (*dynamo.Store, *strict) {
	t.Helper()
	peer, address := newStrict(t, now)
	if over == nil {
		over = transport(t)
	}
	return openOn(t, address, now, over), peer
}

func openOn(t testing.TB, address string, now func() time.Time, over http.RoundTripper) *dynamo.Store {
	t.Helper()
	return open(t, dynamo.Options{AWS: client(address, over), Data: "data", Keys: "keys", Now: now, Pause: atOnce, Attempts: 40, Patience: time.Minute})
}

func transport(t testing.TB) *http.Transport {
	x := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(x.CloseIdleConnections)
	return x
}

// TestContract is the whole suite on the strict stand-in: nothing is left out.
func TestContract(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("suite", func(t *testing.T) {
		tabletest.Run(t, func(t *testing.T) tabletest.Store {
			c := newClock()
			s, peer := openStrict(t, c.Now, nil)
			return tabletest.Store{Table: s, Feed: follow(t, &rolling{peer: peer}, c.Now), Now: c.Now, Advance: c.Add}
		})
	})
}
