package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// wantTold demands that the error names all of these.
func wantTold(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want it to say %q", what, err, part)
		}
	}
}

// stub answers every request with the same bytes, written after AWS's API reference: nobody here has recorded them from AWS.
type stub struct {
	status int
	code   string
	say    string
	asked  int
}

func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked++
	body := fmt.Sprintf(`{"__type":"com.amazon.coral.service#%s","message":%q}`, s.code, s.say)
	if s.code == "" {
		body = s.say
	}
	return &http.Response{
		StatusCode: s.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func onStub(t *testing.T, s http.RoundTripper) *dynamo.Store {
	return open(t, dynamo.Options{AWS: client("http://peer.test", s), Data: "d", Keys: "k", Now: newClock().Now, Pause: atOnce, Attempts: 3})
}

// TestRefusals says of each refusal what becomes of it: how often it is asked, of which kind the fault is, and what Check says.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		stub
		asks int
		kind fault.Kind
		told string
	}{
		{stub{400, "ProvisionedThroughputExceededException", "too fast", 0}, 3, fault.Unavailable, "cannot be described"},
		{stub{400, "ThrottlingException", "too fast", 0}, 3, fault.Unavailable, "cannot be described"},
		{stub{400, "RequestLimitExceeded", "too fast", 0}, 3, fault.Unavailable, "cannot be described"},
		{stub{400, "TransactionConflictException", "busy", 0}, 3, fault.Unavailable, "cannot be described"},
		{stub{400, "TransactionInProgressException", "busy", 0}, 3, fault.Unavailable, "cannot be described"},
		{stub{500, "InternalServerError", "broken", 0}, 3, fault.Unavailable, "cannot be described"},
		{stub{503, "SomethingNew", "broken", 0}, 3, fault.Unavailable, "cannot be described"},
		{stub{400, "ResourceNotFoundException", "Requested resource not found", 0}, 1, fault.Unavailable, "table d in region eu-central-1: it does not exist"},
		{stub{400, "AccessDeniedException", "User is not authorized", 0}, 1, fault.Unavailable, "access is denied"},
		{stub{400, "ExpiredTokenException", "The security token included in the request is expired", 0}, 1, fault.Unavailable, "the credentials have expired"},
		{stub{400, "UnrecognizedClientException", "The security token included in the request is invalid.", 0}, 1, fault.Unavailable, "the credentials are not valid in this region"},
		{stub{400, "ValidationException", "The table does not have the specified index: g1", 0}, 1, fault.Unavailable, "cannot be described"},
		{stub{400, "ValidationException", "The provided key element does not match the schema", 0}, 1, fault.Unavailable, "cannot be described"},
		{stub{400, "ValidationException", "1 validation error detected", 0}, 1, fault.Internal, "cannot be described"},
		{stub{400, "SerializationException", "broken", 0}, 1, fault.Internal, "cannot be described"},
		{stub{200, "", "<html>nobody speaks JSON here</html>", 0}, 3, fault.Unavailable, "no answer"},
		{stub{502, "", "<html>bad gateway</html>", 0}, 3, fault.Unavailable, ""},
	} {
		k := table.Key{PK: "p", SK: "s"}
		for what, call := range map[string]func(*dynamo.Store) error{
			"get one":  func(s *dynamo.Store) error { _, err := s.Get(t.Context(), k); return err },
			"get many": func(s *dynamo.Store) error { _, err := s.Get(t.Context(), k, table.Key{PK: "p", SK: "t"}); return err },
			"query":    func(s *dynamo.Store) error { _, err := s.Query(t.Context(), table.Query{PK: "p"}); return err },
			"commit":   func(s *dynamo.Store) error { return s.Commit(t.Context(), "t", table.Delete(k, table.Always)) },
			"scan": func(s *dynamo.Store) error {
				for _, err := range s.Scan(t.Context(), 0, 1) {
					return err
				}
				return nil
			},
		} {
			peer := c.stub
			err := call(onStub(t, &peer))
			if !fault.IsKind(err, c.kind) || peer.asked != c.asks {
				t.Errorf("%s, %s %q: asked %d times for %v, want %d times and kind %d", what, c.code, c.say, peer.asked, err, c.asks, c.kind)
			}
			if f := fault.Of(err); f.Kind == fault.Unavailable && (f.Code != "table_unavailable" || f.RetryAfter == 0) {
				t.Errorf("%s, %s: %v after %v", what, c.code, err, f.RetryAfter)
			}
		}
		peer := c.stub
		wantTold(t, c.code, onStub(t, &peer).Check(t.Context()), c.told, "table k")
	}
}

// nobody is a network in which no one answers.
type nobody struct{}

func (nobody) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestNoAnswerIsUnavailable(t *testing.T) {
	s := open(t, dynamo.Options{
		AWS: client("http://peer.test", nobody{}), Data: "d", Keys: "k", Now: newClock().Now, Pause: atOnce, Attempts: 2, Patience: time.Millisecond,
	})
	_, err := s.Get(t.Context(), table.Key{PK: "p", SK: "s"})
	if !fault.Is(err, "table_unavailable") {
		t.Errorf("no answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	patient := open(t, dynamo.Options{AWS: client("http://peer.test", nobody{}), Data: "d", Keys: "k", Now: newClock().Now, Patience: time.Hour})
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := patient.Get(ctx, table.Key{PK: "p", SK: "s"}); !fault.Is(err, "table_unavailable") || !errors.Is(err, context.Canceled) {
		t.Errorf("the context's end: %v", err)
	}
}

func TestOptionsThatAreMissing(t *testing.T) {
	good := dynamo.Options{AWS: client("http://peer.test", nil), Data: "d", Keys: "k", Nowhere: "n", Now: newClock().Now}
	for what, bend := range map[string]func(*dynamo.Options){
		"clock":       func(o *dynamo.Options) { o.Now = nil },
		"data table":  func(o *dynamo.Options) { o.Data = "" },
		"keys table":  func(o *dynamo.Options) { o.Keys = "" },
		"one for two": func(o *dynamo.Options) { o.Keys = "d" },
		"nowhere":     func(o *dynamo.Options) { o.Nowhere = "" },
		"region":      func(o *dynamo.Options) { o.AWS.Region = "" },
	} {
		o := good
		bend(&o)
		if _, err := dynamo.Open(o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
