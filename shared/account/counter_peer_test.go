//go:build peers

package account_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
	"github.com/steward-crm/steward/shared/table/dynamo/feed"
)

// onMoto puts the deployment's table and feed on moto, at the time of the wall clock, which is that of moto's stream.
func onMoto(t *testing.T, d *edgetest.Deployment) {
	address := peers.Moto(t)
	d.Clock.Add(time.Since(d.Now()))
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})
	o := dynamodb.Options{Region: "eu-central-1", BaseEndpoint: &address, HTTPClient: peers.Client(), Credentials: credentials}
	c := dynamodb.New(o)
	made, err := c.CreateTable(t.Context(), dynamo.Define(table.Data, "data").Create)
	must(t, err)
	_, err = c.CreateTable(t.Context(), dynamo.Define(table.Keys, "keys").Create)
	must(t, err)
	s, err := dynamo.Open(dynamo.Options{
		AWS: o, Data: "data", Keys: "keys", Nowhere: key.Nowhere("").PK, Now: d.Now, Attempts: 1, Patience: time.Minute,
	})
	must(t, err)
	f, err := feed.Follow(feed.Options{
		AWS:    dynamodbstreams.Options{Region: o.Region, BaseEndpoint: &address, HTTPClient: peers.Streams(), Credentials: credentials},
		Stream: *made.TableDescription.LatestStreamArn, Now: d.Now, Attempts: 1, Patience: time.Minute,
	})
	must(t, err)
	d.Table, d.Feed = s, f
	d.Crypt = crypt.New(d.Keys, d.Table, d.Now, d.Random)
}

// TestCountersOnMoto: accounts are made, edited, handed over and removed on DynamoDB, and counted from its stream, as Lambda does it: before the
// first turn counts go by the index; after it they are what reading every account says, as of a time; and once more after a process died.
func TestCountersOnMoto(t *testing.T) {
	d := edgetest.Deploy(t)
	onMoto(t, d)
	w := countingOn(t, worldOn(t, d, func(r *principal.Tenant) { r.Shards = 2 }))
	w.lagging(d.Feed, lag)
	pick := picker(rand.New(rand.NewPCG(31, 31)))
	reader := w.again().TrustCounters() // as the function of accounts reads: without a feed
	check := func(when string, byCounters bool) {
		t.Helper()
		want, err := account.Brute(t.Context(), w.Table, w.row.ID)
		must(t, err)
		n := w.counted(t, reader, w.boss, account.Query{})
		if n.Value != len(w.all) || !n.Exact || n.AsOf.IsZero() == byCounters || n.AsOf.After(w.Now().Add(-lag)) {
			t.Errorf("%s: %+v of %d accounts at %v", when, n, len(w.all), w.Now())
		}
		got, complete, err := w.Stored(t.Context(), w.row.ID)
		must(t, err)
		if byCounters && (!complete || len(got) != len(want)) {
			t.Errorf("%s: complete %v: %v, want %v", when, complete, got, want)
		}
	}
	for range 12 {
		w.act(t, pick)
	}
	check("before the first turn", false)
	must(t, w.Work(t.Context(), w.Now))
	w.equalRecount(t, true)
	check("after it", true)
	for range 8 {
		w.act(t, pick)
	}
	gone := w.all[0]
	items, err := w.Table.Get(t.Context(), key.Account(w.row.ID, gone))
	must(t, err)
	w.Commit(t, table.Delete(items[0].Key, table.Always))
	w.all = w.all[1:]
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, w.Work(dead, w.Now)) // an invocation without any time left does nothing, and is no error
	w.Clock.Add(lag)
	w.turns(t)
	w.equalRecount(t, true)
	w.Clock.Add(2 * time.Minute)
	must(t, w.Work(t.Context(), w.Now))
	check("after more", true)
	w.forget(t)
	w.Clock.Add(time.Hour)
	must(t, w.Work(t.Context(), w.Now))
	w.equalRecount(t, true)
	check("after an hour and a loss", true)
}
