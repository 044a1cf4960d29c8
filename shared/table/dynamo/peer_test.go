//go:build peers

package dynamo_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
	"github.com/steward-crm/steward/shared/table/dynamo/feed"
	"github.com/steward-crm/steward/shared/table/tabletest"
)

// motoLacks are the parts that moto is wrong about, if only in one of their demands. TestContract has them all on the strict stand-in.
var motoLacks = []string{
	"item/largest",                                                    // refuses exactly 400 KB
	"limits/most writes",                                              // applies a replayed token again, at the part's end
	"commit/check writes nothing",                                     // the same
	"token/replay", "token/other writes", "feed/only commits of data", // the same
	"race/no lost update", "race/one creator", "race/one token", "race/no torn commit", // knows no isolation
}

// steady is a transport to moto, of whose answers one in some thousands breaks off in the body. A read is sent again; a write must not be, for
// moto would do it twice, and what the answer to a write that was done holds is of no account.
type steady struct{}

func (steady) RoundTrip(r *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !slices.Contains([]string{"TransactWriteItems", "DeleteItem", "CreateTable", "UpdateTimeToLive"}, op) {
		return peers.Client().Transport.RoundTrip(r)
	}
	out, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(out.Body)
	_ = out.Body.Close()
	if err != nil && out.StatusCode == http.StatusOK {
		body = []byte("{}")
		out.Header.Del("X-Amz-Crc32")
	}
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return out, nil
}

// openPeer makes the two tables as Define has them and opens them.
func openPeer(t *testing.T, address string, attempts int) tabletest.Store {
	t.Helper()
	o := client(address, steady{})
	c := dynamodb.New(o)
	mark := rand.Text()
	names := [2]string{"data-" + mark, "keys-" + mark}
	stream := ""
	for space, name := range names {
		d := dynamo.Define(table.Space(space), name)
		made, err := c.CreateTable(t.Context(), d.Create)
		if err != nil {
			t.Fatal(err)
		}
		if arn := made.TableDescription.LatestStreamArn; arn != nil {
			stream = *arn
		}
		ttl := types.TimeToLiveSpecification{AttributeName: &d.TTL, Enabled: aws.Bool(true)}
		if _, err := c.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: &name, TimeToLiveSpecification: &ttl}); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dynamo.Options{AWS: o, Data: names[0], Keys: names[1], Now: time.Now, Attempts: attempts, Patience: time.Minute})
	if err := s.Check(t.Context()); err != nil {
		t.Fatalf("tables as Define has them: %v", err)
	}
	return tabletest.Store{Table: s, Now: time.Now, Feed: anew{o, stream}}
}

// anew reads the stream by a Feed of its own each time: an iterator of moto goes on reading the table that a transaction wrote which was taken
// back.
type anew struct {
	o      dynamodb.Options
	stream string
}

func (a anew) open() (*feed.Feed, error) {
	return feed.Follow(feed.Options{
		AWS: dynamodbstreams.Options{
			Region: a.o.Region, BaseEndpoint: a.o.BaseEndpoint, HTTPClient: peers.Streams(), Credentials: a.o.Credentials,
		},
		Stream: a.stream, Now: time.Now, Attempts: 3, Patience: time.Minute,
	})
}

func (a anew) Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error) {
	f, err := a.open()
	if err != nil {
		return nil, after, err
	}
	return f.Changes(ctx, after, limit)
}

func (a anew) Changed() <-chan struct{} {
	f, err := a.open()
	if err != nil {
		return nil
	}
	return f.Changed()
}

// TestContractOnPeers runs the suite on moto, and in full on DynamoDB Local where STEWARD_DYNAMODB_LOCAL gives its address.
func TestContractOnPeers(t *testing.T) {
	t.Run("moto", func(t *testing.T) {
		address := peers.Moto(t)
		tabletest.Run(t, func(t *testing.T) tabletest.Store { return openPeer(t, address, 1) }, motoLacks...)
		t.Logf("left out, %d parts that the strict stand-in has: %q; and what needs a clock to be moved", len(motoLacks), motoLacks)
	})
	if address := os.Getenv("STEWARD_DYNAMODB_LOCAL"); address != "" {
		t.Run("DynamoDB Local", func(t *testing.T) {
			tabletest.Run(t, func(t *testing.T) tabletest.Store { return openPeer(t, address, 0) })
		})
	}
}

// TestCheckOnMoto looks at tables of which something is wrong.
func TestCheckOnMoto(t *testing.T) {
	address := peers.Moto(t)
	c := dynamodb.New(client(address, steady{}))
	for name, bend := range map[string]func(*dynamodb.CreateTableInput){
		"without-index": func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes = in.GlobalSecondaryIndexes[:4]
			in.AttributeDefinitions = in.AttributeDefinitions[:10]
		},
		"whole-index": func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes[2].Projection.ProjectionType = types.ProjectionTypeAll
		},
		"other-index": func(in *dynamodb.CreateTableInput) {
			k := in.GlobalSecondaryIndexes[1].KeySchema
			k[0].AttributeName, k[1].AttributeName = k[1].AttributeName, k[0].AttributeName
		},
		"without-stream": func(in *dynamodb.CreateTableInput) { in.StreamSpecification = nil },
		"new-images": func(in *dynamodb.CreateTableInput) {
			in.StreamSpecification.StreamViewType = types.StreamViewTypeNewImage
		},
	} {
		in := dynamo.Define(table.Data, name).Create
		bend(in)
		if _, err := c.CreateTable(t.Context(), in); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if _, err := c.CreateTable(t.Context(), dynamo.Define(table.Keys, "keys").Create); err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string][]string{
		"nowhere":        {"table nowhere in region eu-central-1: it does not exist"},
		"without-index":  {"index gsi5 is missing", "attribute g5pk", "attribute g5sk"},
		"whole-index":    {"index gsi3 holds more or less than keys"},
		"other-index":    {"index gsi2 has other keys"},
		"without-stream": {"its stream does not hold both images"},
		"new-images":     {"its stream does not hold both images"},
	} {
		s := open(t, dynamo.Options{AWS: client(address, steady{}), Data: data, Keys: "keys", Now: time.Now, Attempts: 1})
		wantTold(t, data, s.Check(t.Context()), want...)
	}
	s := open(t, dynamo.Options{AWS: client(address, steady{}), Data: "missing", Keys: "missing-too", Now: time.Now, Attempts: 1})
	wantTold(t, "two at once", s.Check(t.Context()), "table missing in", "table missing-too in")
}
