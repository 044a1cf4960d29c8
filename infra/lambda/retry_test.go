package lambda_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/lambda"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// TestTimedOutAfterCommit: Lambda ends a function after its commit and before its answer. The client asks again under the same key, another
// process gets the request, and the answer is the stored one; there is one role.
func TestTimedOutAfterCommit(t *testing.T) {
	w := newWorld(t)
	e := event{
		method: http.MethodPost, path: "/v1/roles", body: `{"name":"Buyers","level":"standard","grants":[]}`,
		header: map[string]string{"authorization": "Bearer " + w.boss.Token(), "content-type": "application/json", "idempotency-key": "once"},
	}
	committed, ended := make(chan struct{}), make(chan struct{})
	w.Faults.After = func(c tablelocal.Call) error {
		w.Faults.After = nil
		close(committed)
		<-ended // the process is frozen here, and never goes on
		return tablelocal.Lost()
	}
	first := make(chan struct{})
	go func() {
		defer close(first)
		_, _ = lambda.Serve(w.api)(context.Background(), e.bytes(t))
	}()
	<-committed
	twin := lambda.Serve(serve(t, w.Deployment))
	again := invoke(t, twin, e)
	if again.StatusCode != http.StatusCreated || again.Headers["Idempotency-Replayed"] != "true" || !strings.Contains(again.Body, `"Buyers"`) {
		t.Errorf("again: %+v", again)
	}
	close(ended)
	<-first
	list := invoke(t, twin, event{method: http.MethodGet, path: "/v1/roles", header: e.header})
	if n := strings.Count(list.Body, `"Buyers"`); n != 1 {
		t.Errorf("%d roles: %s", n, list.Body)
	}
}

// TestNoTimeLeft: an invocation whose time is all but over is answered, not cut off: 503 with when to come again, and nothing is written.
func TestNoTimeLeft(t *testing.T) {
	w := newWorld(t)
	wrote := false
	w.Faults.Before = func(c tablelocal.Call) error {
		wrote = wrote || c.Op == "commit"
		return nil
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(100*time.Millisecond))
	defer cancel()
	b, err := lambda.Serve(w.api)(ctx, event{
		method: http.MethodPost, path: "/v1/roles", body: `{"name":"Buyers","level":"standard","grants":[]}`,
		header: map[string]string{"authorization": "Bearer " + w.boss.Token(), "content-type": "application/json"},
	}.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	var a answered
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != http.StatusServiceUnavailable || codeOf(t, a.Body) != "timed_out" || a.Headers["Retry-After"] == "" || wrote {
		t.Errorf("%+v, written: %t", a, wrote)
	}
	if strings.Contains(w.Logged.String(), `"cut":true`) {
		t.Errorf("logged as a client that left: %s", w.Logged)
	}
}
