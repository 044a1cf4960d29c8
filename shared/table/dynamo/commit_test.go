package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
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
	c.Add(time.Minute)
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

// TestEqualsKnowsNameFromValue: the same letters, divided otherwise, are another member.
func TestEqualsKnowsNameFromValue(t *testing.T) {
	s, _ := openStrict(t, newClock().Now, nil)
	if err := s.Commit(t.Context(), "make", table.Put(table.Item{Key: spot, Doc: []byte(`{"ab":"c","":"abc"}`)}, table.Absent)); err != nil {
		t.Fatal(err)
	}
	for token, c := range map[string]table.Cond{"1": table.Equals("a", "bc"), "2": table.Equals("abc", ""), "3": table.Equals("ab", "")} {
		if _, failed := errors.AsType[*table.ConditionFailed](s.Commit(t.Context(), token, table.Check(spot, c))); !failed {
			t.Errorf("%v holds", c)
		}
	}
}

// stray holds the first TransactWriteItems back, as a network may, and hands it on when told to.
type stray struct {
	next http.RoundTripper
	when func(n int) bool // before which transaction the held one is handed on, counted from 1; the first is the held one
	held *http.Request
	body []byte
	seen int
}

func (s *stray) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return s.next.RoundTrip(r)
	}
	if s.seen++; s.seen == 1 {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.held, s.body = r.Clone(context.Background()), body
		return nil, io.ErrUnexpectedEOF
	}
	if s.when(s.seen) {
		s.arrive()
	}
	return s.next.RoundTrip(r)
}

func (s *stray) arrive() {
	s.held.Body = io.NopCloser(bytes.NewReader(s.body))
	if out, err := s.next.RoundTrip(s.held); err == nil {
		_ = out.Body.Close()
	}
}

// TestStrayCopy: a copy of a commit that was given up for lost arrives after another copy was refused. It must not make a lie of the answer.
func TestStrayCopy(t *testing.T) {
	put := table.Put(table.Item{Key: spot, Doc: []byte(`{"a":"mine"}`)}, table.Absent)
	for what, c := range map[string]struct {
		back    int // the copy arrives before transaction 3, which burns the token; 0: after the answer
		applied bool
	}{"after the answer": {0, false}, "between the refusal and the answer": {3, true}} {
		clk := newClock()
		peer, address := newStrict(t, clk.Now)
		other := openOn(t, address, clk.Now, transport(t))
		if err := other.Commit(t.Context(), "theirs", table.Put(table.Item{Key: spot}, table.Absent)); err != nil {
			t.Fatal(err)
		}
		gone := func(token string) {
			if err := other.Commit(t.Context(), token, table.Delete(spot, table.Present)); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		net := &stray{next: transport(t)}
		net.when = func(n int) bool {
			if n != c.back {
				return false
			}
			gone("early")
			return true
		}
		s := openOn(t, address, clk.Now, net)
		err := s.Commit(t.Context(), "mine", put)
		if !c.applied {
			if _, failed := errors.AsType[*table.ConditionFailed](err); !failed {
				t.Errorf("%s: %v", what, err)
			}
			gone("late")
			net.arrive()
		} else if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		items, err := other.Get(t.Context(), spot)
		if err != nil || (len(items) == 1) != c.applied || len(peer.tables["data"]) != len(items) {
			t.Errorf("%s: %v, %v", what, items, err)
		}
		if c.applied {
			continue
		}
		// The token is free, as that of any failed commit, for the same writes and for others, and then guards them.
		last := table.Put(table.Item{Key: spot, Doc: []byte(`{"a":"others"}`)}, table.Absent)
		for range 2 {
			if err := s.Commit(t.Context(), "mine", last); err != nil {
				t.Errorf("other writes under the burnt token: %v", err)
			}
		}
		if err := s.Commit(t.Context(), "mine", put); !fault.Is(err, "token_reused") {
			t.Errorf("the first writes again: %v", err)
		}
	}
}

// TestCommitEndsWithinTheTokensLife: however patient the options, a Commit does not outlive what DynamoDB remembers of it.
func TestCommitEndsWithinTheTokensLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dynamo.Options{
			AWS: client("http://peer.test", nobody{}), Data: "d", Keys: "k", Now: time.Now, Pause: atOnce, Attempts: 1_000_000, Patience: time.Second,
		})
		start := time.Now()
		err := s.Commit(context.Background(), "t", table.Delete(spot, table.Always))
		if took := time.Since(start); !fault.Is(err, "table_unavailable") || took > table.TokenLife/2 {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// TestPlainFailureAsksOnce: without a lost reply, no token is burnt.
func TestPlainFailureAsksOnce(t *testing.T) {
	peer := &stub{status: 400, say: `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"cancelled","CancellationReasons":[{"Code":"ConditionalCheckFailed"}]}`}
	err := onStub(t, peer).Commit(t.Context(), "t", table.Put(table.Item{Key: spot}, table.Present))
	if _, failed := errors.AsType[*table.ConditionFailed](err); !failed || peer.asked != 1 {
		t.Errorf("%v, asked %d times", err, peer.asked)
	}
}
