package edge_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/once"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

func TestReplay(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss).Once("key-1")
	first := boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	before := edgetest.Dump(t, w.Table)
	again := boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	if string(again.Body) != string(first.Body) || again.ETag() != first.ETag() || again.Header.Get("Location") != first.Header.Get("Location") ||
		again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
		t.Errorf("replayed %s %v, first %s %v", again.Body, again.Header, first.Body, first.Header)
	}
	if first.Header.Get("Idempotency-Replayed") != "" || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the replay is not marked as one")
	}
	if first.Header.Get("X-Request-Id") == again.Header.Get("X-Request-Id") {
		t.Error("two requests have one id")
	}
	boss.Post("/v1/things", `{"name":"torch"}`).Want(t, http.StatusUnprocessableEntity, "idempotency_mismatch")
	boss.Post("/v1/things?validateOnly=true", `{"name":"torch"}`).Want(t, http.StatusOK, "")
	if w.ran != 2 || edgetest.Dump(t, w.Table) != before {
		t.Errorf("%d operations ran, or the store changed", w.ran)
	}

	// The key is the user's and the operation's own.
	colleague := w.User(t, w.boss.Tenant, everyThing...)
	w.api.As(colleague).Once("key-1").Post("/v1/things", `{"name":"torch"}`).Want(t, http.StatusCreated, "")
	stranger := w.User(t, w.Tenant(t), everyThing...)
	w.api.As(stranger).Once("key-1").Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")

	w.Clock.Add(once.Life + time.Second)
	boss.Post("/v1/things", `{"name":"candle"}`).Want(t, http.StatusCreated, "")
}

// TestRefusalsAreNotStored holds that a key whose request was refused can be used for the mended one.
func TestRefusalsAreNotStored(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss).Once("key-1")
	before := edgetest.Dump(t, w.Table)
	boss.Post("/v1/things", `{"name":""}`).Want(t, http.StatusUnprocessableEntity, "required")
	boss.Post("/v1/things", `{"nmae":""}`).Want(t, http.StatusBadRequest, "unknown_field")
	if edgetest.Dump(t, w.Table) != before {
		t.Error("the store changed")
	}
	boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
}

func TestSecretAnswersAreNotStored(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss).Once("key-1")
	before := edgetest.Dump(t, w.Table)
	a, b := boss.Post("/v1/things/secret", nil).Want(t, http.StatusOK, ""), boss.Post("/v1/things/secret", nil).Want(t, http.StatusOK, "")
	if string(a.Body) == string(b.Body) || edgetest.Dump(t, w.Table) != before {
		t.Error("a secret answer was replayed or stored")
	}
}

// TestStoredRepliesAreSealed holds that the personal data of a reply lies sealed.
func TestStoredRepliesAreSealed(t *testing.T) {
	w := newWorld(t)
	w.api.As(w.boss).Once("key-1").Post("/v1/things", `{"name":"canary-0815"}`).Want(t, http.StatusCreated, "")
	stored := 0
	for it, err := range w.Table.Scan(t.Context(), 0, 1) {
		if err != nil {
			t.Fatal(err)
		}
		if it.SK != "IK" {
			continue
		}
		stored++
		if len(it.Sealed) == 0 || bytes.Contains(it.Sealed, []byte("canary")) || bytes.Contains(it.Doc, []byte("canary")) {
			t.Errorf("the stored reply is readable: %s %s", it.Doc, it.Sealed)
		}
	}
	if stored != 1 {
		t.Errorf("%d stored replies, want 1", stored)
	}
}

func TestInFlight(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss).Once("key-1")
	var second *edgetest.Answer
	w.before = func(run int) {
		if run == 1 {
			second = boss.Post("/v1/things", `{"name":"lamp"}`)
		}
	}
	boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	second.Want(t, http.StatusConflict, "idempotency_in_flight")
	if second.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", second.Header.Get("Retry-After"))
	}
	a := boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	if w.ran != 1 || a.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d runs", w.ran)
	}
}

// TestTwoProcesses holds that the request that loses the commit to its twin in another process answers the twin's reply.
func TestTwoProcesses(t *testing.T) {
	for _, when := range []string{"before the operation reads", "before it commits"} {
		t.Run(when, func(t *testing.T) {
			w := newWorld(t)
			twin := edgetest.Serve(t, w.Platform, w.routes()).As(w.boss).Once("key-1")
			var won *edgetest.Answer
			race := func() {
				if won == nil {
					won = &edgetest.Answer{}
					won = twin.Post("/v1/things", `{"name":"lamp"}`)
				}
			}
			if when == "before it commits" {
				w.before = func(int) { race() }
			} else {
				w.detour = func(context.Context) error { race(); return nil }
			}
			lost := w.api.As(w.boss).Once("key-1").Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
			won.Want(t, http.StatusCreated, "")
			if string(lost.Body) != string(won.Body) || lost.Header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("the loser answered %s, the winner %s", lost.Body, won.Body)
			}
			if n := strings.Count(edgetest.Dump(t, w.Table), `"action":"things.create"`); n != 1 {
				t.Errorf("%d things made, want 1", n)
			}
		})
	}
}

// TestOneEffect is I18 under a race: n twins over several processes have one effect, and all that answer success answer the same.
func TestOneEffect(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	answers := make([]*edgetest.Answer, 24)
	for p := range 3 {
		c := edgetest.Serve(t, w.Platform, w.routes()).As(w.boss).Once("key-1")
		for i := range 8 {
			wg.Go(func() { answers[p*8+i] = c.Post("/v1/things", `{"name":"lamp"}`) })
		}
	}
	wg.Wait()
	bodies := map[string]bool{}
	for _, a := range answers {
		switch {
		case a.Status == http.StatusCreated:
			bodies[string(a.Body)] = true
		case a.Code() != "idempotency_in_flight":
			t.Errorf("answered %d %s", a.Status, a.Body)
		}
	}
	if len(bodies) != 1 {
		t.Errorf("%d replies for one key", len(bodies))
	}
	if n := strings.Count(edgetest.Dump(t, w.Table), `"action":"things.create"`); n != 1 {
		t.Errorf("%d things made, want 1", n)
	}
}

// TestRunsAgain holds that a premise that moved makes the operation run again, with the subject read anew, five times at most.
func TestRunsAgain(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	made := boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	path, n := made.Header.Get("Location"), 0
	w.ran = 0
	w.between = func() {
		if n++; n <= 2 {
			w.touch(t, w.boss, path)
		}
	}
	boss.IfMatch("*").Patch(path, `{"name":"torch"}`).Want(t, http.StatusOK, "")
	if w.ran != 3 {
		t.Errorf("%d runs, want 3", w.ran)
	}
	w.ran = 0
	w.between = func() { w.touch(t, w.boss, path) }
	a := boss.IfMatch("*").Patch(path, `{"name":"candle"}`).Want(t, http.StatusServiceUnavailable, "busy")
	if w.ran != 5 || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d runs, want 5; Retry-After %q", w.ran, a.Header.Get("Retry-After"))
	}
	w.ran = 0
	w.between = func() { w.touch(t, w.boss, path); w.deactivate(t, w.boss) }
	boss.IfMatch("*").Patch(path, `{"name":"candle"}`).Want(t, http.StatusUnauthorized, "account_inactive")
	if w.ran != 1 {
		t.Errorf("%d runs of someone who was deactivated meanwhile, want 1", w.ran)
	}
}

func TestDryRun(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	before := edgetest.Dump(t, w.Table)
	a := boss.Post("/v1/things?validateOnly=true", `{"name":"torch"}`).Want(t, http.StatusOK, "")
	if a.ETag() != "" || a.Header.Get("Location") != "" {
		t.Errorf("a dry run names what it did not make: %v", a.Header)
	}
	boss.Post("/v1/things?validateOnly=true", `{"name":"lamp"}`).Want(t, http.StatusConflict, "role_name_taken")
	boss.Post("/v1/things?validateOnly=true", `{"name":""}`).Want(t, http.StatusUnprocessableEntity, "required")
	boss.Post("/v1/things?validateOnly=yes", `{"name":"x"}`).Want(t, http.StatusBadRequest, "invalid_parameter")
	boss.Get("/v1/things?validateOnly=true").Want(t, http.StatusBadRequest, "unknown_parameter")
	w.api.Anonymous().Post("/hook?validateOnly=true", `x`).Want(t, http.StatusBadRequest, "unknown_parameter")
	w.api.As(w.clerk).Post("/v1/things?validateOnly=true", `{"name":"torch"}`).Want(t, http.StatusForbidden, "permission_denied")
	if edgetest.Dump(t, w.Table) != before {
		t.Error("the store changed")
	}
	boss.Post("/v1/things?validateOnly=false", `{"name":"torch"}`).Want(t, http.StatusCreated, "")
}

// TestCutAtTheDeadline is I40: a request that is cut is committed or not, and a retry with its key tells which.
func TestCutAtTheDeadline(t *testing.T) {
	t.Run("before the commit", func(t *testing.T) {
		w := newWorld(t)
		boss := w.api.As(w.boss).Once("key-1")
		hurried := edgetest.Serve(t, w.Platform, w.routes(), quick).As(w.boss).Once("key-1")
		before := edgetest.Dump(t, w.Table)
		w.detour = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		a := hurried.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusServiceUnavailable, "timed_out")
		if a.Header.Get("Retry-After") == "" || edgetest.Dump(t, w.Table) != before {
			t.Error("no Retry-After, or the store changed")
		}
		w.detour = nil
		a = boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
		if a.Header.Get("Idempotency-Replayed") != "" {
			t.Error("the retry says that it was done before")
		}
	})
	t.Run("by the client", func(t *testing.T) {
		w := newWorld(t)
		before := edgetest.Dump(t, w.Table)
		ctx, leave := context.WithCancel(t.Context())
		w.detour = func(ctx context.Context) error { leave(); <-ctx.Done(); return ctx.Err() }
		w.api.As(w.boss).Within(ctx).Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusServiceUnavailable, "timed_out")
		if edgetest.Dump(t, w.Table) != before || !strings.Contains(w.Logged.String(), `"level":"INFO"`) || !strings.Contains(w.Logged.String(), `"cut":true`) {
			t.Errorf("the store changed, or the log does not say that the client left: %s", w.Logged.String())
		}
	})
	t.Run("after the commit", func(t *testing.T) {
		w := newWorld(t)
		boss := w.api.As(w.boss).Once("key-1")
		w.loseReplies(true)
		boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusServiceUnavailable, "table_unavailable")
		w.loseReplies(false)
		a := boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
		if a.Header.Get("Idempotency-Replayed") != "true" || w.ran != 1 {
			t.Errorf("the retry ran the operation again: %v, %d runs", a.Header, w.ran)
		}
	})
	t.Run("after the commit, and the store answers again at once", func(t *testing.T) {
		w := newWorld(t)
		w.Faults.After = func(tablelocal.Call) error { return tablelocal.Lost() }
		w.api.As(w.boss).Once("key-1").Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	})
}

// loseReplies makes commits lose their replies, and the store go silent after that.
func (w *world) loseReplies(yes bool) {
	silent := false
	w.Faults.Before, w.Faults.After = nil, nil
	if yes {
		w.Faults.Before = func(tablelocal.Call) error {
			if silent {
				return tablelocal.Throttled()
			}
			return nil
		}
		w.Faults.After = func(tablelocal.Call) error {
			silent = true
			return tablelocal.Lost()
		}
	}
}

// quick makes requests end at once when they wait.
func quick(c *edge.Config) { c.Limits.Deadline = 20 * time.Millisecond }
