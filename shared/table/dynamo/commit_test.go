package dynamo_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// before does something before each request of one operation goes out.
type before struct {
	next   http.RoundTripper
	target string
	do     func()
}

func (b *before) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Amz-Target") == "DynamoDB_20120810."+b.target {
		b.do()
	}
	return b.next.RoundTrip(r)
}

// TestPutAnewUnderARemoval: between the failed condition and the removal of what had expired, another puts the item anew.
func TestPutAnewUnderARemoval(t *testing.T) {
	c := newClock()
	peer, address := newStrict(t, c.Now)
	other := openOn(t, address, c.Now, transport(t))
	if err := other.Commit(t.Context(), "make", table.Put(table.Item{Key: spot, Expires: c.Now().Add(time.Minute)}, table.Absent)); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	removals := 0
	s := openOn(t, address, c.Now, &before{next: transport(t), target: "DeleteItem", do: func() {
		removals++
		if err := other.Commit(t.Context(), "anew", table.Put(table.Item{Key: spot, Doc: []byte(`{"a":"other"}`)}, table.Always)); err != nil {
			t.Error(err)
		}
	}})
	err := s.Commit(t.Context(), "late", table.Put(table.Item{Key: spot}, table.Absent))
	f, ok := errors.AsType[*table.ConditionFailed](err)
	if !ok || f.Failed[0].Item == nil || string(f.Failed[0].Item.Doc) != `{"a":"other"}` || removals != 1 || peer.applied != 2 {
		t.Errorf("%v after %d removals and %d transactions", err, removals, peer.applied)
	}
}

// TestCancelledOddly reads cancellations that no peer here makes.
func TestCancelledOddly(t *testing.T) {
	for what, c := range map[string]struct {
		reasons string
		kind    fault.Kind
		asks    int
	}{
		"no reasons":                 {`[]`, fault.Internal, 1},
		"one reason of two":          {`[{"Code":"ConditionalCheckFailed"}]`, fault.Internal, 1},
		"none that fails":            {`[{"Code":"None"},{"Code":"None"}]`, fault.Internal, 1},
		"against a rule":             {`[{"Code":"None"},{"Code":"ValidationError","Message":"Item size has exceeded"}]`, fault.Internal, 1},
		"not allowed":                {`[{"Code":"None"},{"Code":"AccessDenied"}]`, fault.Unavailable, 1},
		"no capacity":                {`[{"Code":"None"},{"Code":"ProvisionedThroughputExceeded"}]`, fault.Unavailable, 3},
		"throttled":                  {`[{"Code":"ThrottlingError"},{"Code":"None"}]`, fault.Unavailable, 3},
		"a conflict hides a failure": {`[{"Code":"TransactionConflict"},{"Code":"ConditionalCheckFailed"}]`, fault.Unavailable, 3},
	} {
		peer := &stub{status: 400, say: `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"cancelled","CancellationReasons":` + c.reasons + `}`}
		err := onStub(t, peer).Commit(t.Context(), "t", table.Put(table.Item{Key: spot}, table.Always), table.Check(table.Key{PK: "p", SK: "t"}, table.Absent))
		if !fault.IsKind(err, c.kind) || peer.asked != c.asks {
			t.Errorf("%s: %v, asked %d times", what, err, peer.asked)
		}
	}
}

// TestKeysNeverProcessed: whoever is left unprocessed forever gives up.
func TestKeysNeverProcessed(t *testing.T) {
	peer := &stub{status: 200, say: `{"Responses":{},"UnprocessedKeys":{"d":{"Keys":[{"pk":{"S":"p"},"sk":{"S":"s"}},{"pk":{"S":"p"},"sk":{"S":"t"}}]}}}`}
	_, err := onStub(t, peer).Get(t.Context(), spot, table.Key{PK: "p", SK: "t"})
	if !fault.Is(err, "table_unavailable") || peer.asked != 3 {
		t.Errorf("%v, asked %d times", err, peer.asked)
	}
}
