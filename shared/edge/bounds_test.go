package edge_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
)

func TestRateOfASource(t *testing.T) {
	w := newWorld(t, func(c *edge.Config) { c.Limits.Source = edge.Rate{PerSecond: 2, Burst: 3} })
	c := w.api.Anonymous()
	for range 3 {
		c.Get("/nothing").Want(t, http.StatusNotFound, "not_found")
	}
	a := c.Get("/nothing").Want(t, http.StatusTooManyRequests, "rate_limited")
	if a.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	c.From("198.51.100.7:1").Get("/nothing").Want(t, http.StatusNotFound, "not_found")
	c.With("X-Forwarded-For", "198.51.100.8").Get("/nothing").Want(t, http.StatusTooManyRequests, "rate_limited")
	w.Clock.Add(time.Second)
	c.Get("/nothing").Want(t, http.StatusNotFound, "not_found")
	c.Get("/nothing").Want(t, http.StatusNotFound, "not_found")
	c.Get("/nothing").Want(t, http.StatusTooManyRequests, "rate_limited")
	for i := range 3 {
		c.From(fmt.Sprintf("[2001:db8::%d]:1", i+1)).Get("/nothing").Want(t, http.StatusNotFound, "not_found")
	}
	c.From("[2001:db8::ffff:1]:1").Get("/nothing").Want(t, http.StatusTooManyRequests, "rate_limited")
	c.From("[2001:db8:0:1::1]:1").Get("/nothing").Want(t, http.StatusNotFound, "not_found")
}

func TestRateOfATenant(t *testing.T) {
	w := newWorld(t, func(c *edge.Config) { c.Limits.Tenant = edge.Rate{PerSecond: 1, Burst: 2} })
	w.api.As(w.boss).Get("/v1/hello").Want(t, http.StatusOK, "")
	w.api.As(w.clerk).Get("/v1/hello").Want(t, http.StatusOK, "")
	before := edgetest.Dump(t, w.Table)
	w.api.As(w.boss).Post("/v1/things", `{"name":"a"}`).Want(t, http.StatusTooManyRequests, "rate_limited")
	if edgetest.Dump(t, w.Table) != before {
		t.Error("the store changed")
	}
	w.api.As(w.User(t, w.Tenant(t))).Get("/v1/hello").Want(t, http.StatusOK, "")
	w.api.Anonymous().Get("/v1/hello").Want(t, http.StatusUnauthorized, "token_invalid")
	w.Clock.Add(time.Second)
	w.api.As(w.boss).Get("/v1/hello").Want(t, http.StatusOK, "")
}

// TestRatesAreBounded holds that the memory of sources is bounded: the one that was heard of longest ago is forgotten.
func TestRatesAreBounded(t *testing.T) {
	w := newWorld(t, func(c *edge.Config) {
		c.Limits.Source, c.Limits.Remembered = edge.Rate{PerSecond: 0.001, Burst: 1}, 2
	})
	c := w.api.Anonymous()
	for _, from := range []string{"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.1:1"} {
		c.From(from).Get("/nothing").Want(t, http.StatusNotFound, "not_found")
	}
	c.From("192.0.2.1:1").Get("/nothing").Want(t, http.StatusTooManyRequests, "rate_limited")
}

func TestSourceBehindProxies(t *testing.T) {
	for _, row := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:1", "203.0.113.9", "192.0.2.1"},
		{"10.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"10.0.0.1:1", "203.0.113.9, nonsense", "10.0.0.1"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"[::ffff:192.0.2.1]:1", "", "192.0.2.1"},
	} {
		w := newWorld(t, func(c *edge.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
		c := w.api.As(w.boss).From(row.peer)
		if row.forwarded != "" {
			c = c.With("X-Forwarded-For", row.forwarded)
		}
		c.Post("/v1/things", `{"name":"a"}`).Want(t, http.StatusCreated, "")
		if !strings.Contains(edgetest.Dump(t, w.Table), `"source":"`+row.want+`"`) {
			t.Errorf("%s forwarding %q: the audit does not name %s", row.peer, row.forwarded, row.want)
		}
	}
}

// TestDenialsOfNote holds which denials are recorded, and that a record is all that a denial leaves.
func TestDenialsOfNote(t *testing.T) {
	w := newWorld(t)
	clerk := w.api.As(w.clerk)
	made := w.api.As(w.boss).Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	path := made.Header.Get("Location")
	before := edgetest.Dump(t, w.Table)
	denied := func() int {
		if edgetest.Dump(t, w.Table, edgetest.DeniedEvent) != before {
			t.Error("the store changed besides the record")
		}
		return strings.Count(edgetest.Dump(t, w.Table), `"outcome":"denied"`)
	}
	clerk.Get("/v1/things").Want(t, http.StatusForbidden, "permission_denied")
	clerk.Post("/v1/things?validateOnly=true", `{"name":"a"}`).Want(t, http.StatusForbidden, "permission_denied")
	w.api.Anonymous().Post("/v1/things", `{"name":"a"}`).Want(t, http.StatusUnauthorized, "token_invalid")
	if n := denied(); n != 0 {
		t.Errorf("%d records of denials that are not of note", n)
	}
	a := clerk.Patch(path, `{"name":"a"}`).Want(t, http.StatusForbidden, "permission_denied")
	if n := denied(); n != 1 {
		t.Fatalf("%d records, want 1", n)
	}
	for _, want := range []string{
		`"actor":"` + string(w.clerk.User) + `"`, `"action":"things.update"`, `"target":"` + path[len("/v1/things/"):] + `"`,
		`"code":"permission_denied"`, `"requestId":"` + string(a.Problem().RequestID) + `"`,
	} {
		if !strings.Contains(edgetest.Dump(t, w.Table), want) {
			t.Errorf("the record lacks %s", want)
		}
	}
	w.api.As(w.boss).IfMatch("*").Delete(path).Want(t, http.StatusForbidden, "permission_denied") // by the operation itself
	if n := denied(); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
	clerk.Patch("/v1/things/canary", `{}`).Want(t, http.StatusForbidden, "permission_denied")
	if strings.Contains(edgetest.Dump(t, w.Table), "canary") {
		t.Error("the record holds what the client wrote")
	}
}

func TestReadingWatchedModulesIsOfNote(t *testing.T) {
	d := edgetest.Deploy(t)
	api := edgetest.Serve(t, d.Platform, []edge.Route{edge.Handle(edge.Route{
		Operation: "audit.list", Method: http.MethodGet, Path: "/v1/audit", Access: edge.May(policy.ModAudit, policy.View), Summary: "x",
	}, func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) { return nil, nil })})
	api.As(d.User(t, d.Tenant(t))).Get("/v1/audit").Want(t, http.StatusForbidden, "permission_denied")
	if n := strings.Count(edgetest.Dump(t, d.Table), `"outcome":"denied"`); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func TestDenialsCannotFloodTheAudit(t *testing.T) {
	w := newWorld(t, func(c *edge.Config) { c.Limits.Denied = edge.Rate{PerSecond: 0.1, Burst: 3} })
	for range 50 {
		w.api.As(w.clerk).Post("/v1/things", `{"name":"a"}`).Want(t, http.StatusForbidden, "permission_denied")
	}
	if n := strings.Count(edgetest.Dump(t, w.Table), `"outcome":"denied"`); n != 3 {
		t.Errorf("%d records, want 3", n)
	}
}

func TestPanics(t *testing.T) {
	w := newWorld(t)
	before := edgetest.Dump(t, w.Table)
	w.before = func(int) { panic("canary-0815") }
	a := w.api.As(w.boss).Once("key-1").Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusInternalServerError, "internal")
	if bytes.Contains(a.Body, []byte("canary")) || bytes.Contains(a.Body, []byte("goroutine")) {
		t.Errorf("the answer tells of the inside: %s", a.Body)
	}
	if !strings.Contains(w.Logged.String(), "canary-0815") || !strings.Contains(w.Logged.String(), "bounds_test.go") {
		t.Error("the log lacks the panic or its stack")
	}
	if edgetest.Dump(t, w.Table) != before {
		t.Error("the store changed")
	}
	w.before = nil
	w.api.As(w.boss).Once("key-1").Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
}

func TestForeignErrorsAreNotShown(t *testing.T) {
	w := newWorld(t)
	w.detour = func(context.Context) error { return fmt.Errorf("dial tcp 10.1.2.3: canary-0815") }
	a := w.api.As(w.boss).Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusInternalServerError, "internal")
	if bytes.Contains(a.Body, []byte("canary")) || !strings.Contains(w.Logged.String(), "canary-0815") {
		t.Errorf("the cause belongs into the log alone: %s", a.Body)
	}
	inside := "sealed_mismatch"
	w.detour = func(context.Context) error { return fault.New(fault.Internal, inside) }
	a = w.api.As(w.boss).Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusInternalServerError, "internal")
	if bytes.Contains(a.Body, []byte(inside)) || !strings.Contains(w.Logged.String(), inside) {
		t.Errorf("what failed inside belongs into the log alone: %s", a.Body)
	}
}

// TestOneLineARequest holds what is logged: one JSON document a request, with ids, codes and numbers, and nothing that the client sent.
func TestOneLineARequest(t *testing.T) {
	w := newWorld(t)
	a := w.api.As(w.boss).With("User-Agent", "canary-a").Post("/v1/things?q=canary-b", `{"name":"canary-c"}`)
	a.Want(t, http.StatusBadRequest, "unknown_parameter")
	w.api.As(w.boss).Post("/v1/things", `{"name":"canary-c"}`).Want(t, http.StatusCreated, "")
	w.api.Anonymous().With("Authorization", "Bearer canary-d").Get("/v1/hello")
	w.api.Anonymous().Get("/canary-e")
	lines := strings.Split(strings.TrimSpace(w.Logged.String()), "\n")
	if len(lines) != 4 || strings.Contains(w.Logged.String(), "canary") {
		t.Fatalf("%d lines, want 4 without a canary:\n%s", len(lines), w.Logged.String())
	}
	var line struct {
		Level     string `json:"level"`
		RequestID string `json:"requestId"`
		Operation string `json:"operation"`
		Status    int    `json:"status"`
		Code      string `json:"code"`
		Bytes     int    `json:"bytes"`
		Duration  int64  `json:"duration"`
		Tenant    string `json:"tenant"`
		User      string `json:"user"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
		t.Fatal(err)
	}
	if line.Level != "INFO" || line.RequestID != string(a.Problem().RequestID) || line.Operation != "things.create" || line.Status != 400 ||
		line.Code != "unknown_parameter" || line.Bytes != len(a.Body) || line.Tenant != string(w.boss.Tenant) || line.User != string(w.boss.User) {
		t.Errorf("%+v", line)
	}
}

// TestLanguages holds whose language an answer is in: the request's, else the user's, else the tenant's, else English.
func TestLanguages(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct{ accept, user, tenant, want, title string }{
		{"zh-TW", "zh-CN", "en", "zh-TW", "不存在，或您無權檢視。"},
		{"", "zh-CN", "zh-TW", "zh-CN", "不存在，或您无权查看。"},
		{"fr", "", "zh-TW", "zh-TW", "不存在，或您無權檢視。"},
		{"", "", "", "en", "There is nothing here, or it is not visible to you."},
		{"xx;q=2", "", "zh-CN", "zh-CN", "不存在，或您无权查看。"},
	} {
		w.locales(t, w.boss, row.user, row.tenant)
		c := w.api.As(w.boss)
		if row.accept != "" {
			c = c.With("Accept-Language", row.accept)
		}
		a := c.Get("/v1/things/x").Want(t, http.StatusNotFound, "not_found")
		if a.Header.Get("Content-Language") != row.want || a.Problem().Title != row.title {
			t.Errorf("Accept-Language %q, user %q, tenant %q: %s %s", row.accept, row.user, row.tenant, a.Header.Get("Content-Language"), a.Problem().Title)
		}
	}
	a := w.api.Anonymous().With("Accept-Language", "zh-Hant").Get("/v1/hello")
	if a.Header.Get("Content-Language") != "zh-TW" || a.Problem().Title != "存取權杖遺失或無效。請登入或更新權杖。" {
		t.Errorf("without a token: %s", a.Body)
	}
}

// TestProblemDocument is the golden form of a refusal.
func TestProblemDocument(t *testing.T) {
	w := newWorld(t)
	a := w.api.As(w.boss).Post("/v1/things", `{"name":1,"nmae":2}`)
	want := `{"type":"https://github.com/steward-crm/steward/blob/main/infra/docs/errors.md#validation_failed",` +
		`"title":"Some fields are not valid; each is listed with its reason.","status":400,"code":"validation_failed","errors":[` +
		`{"pointer":"/name","code":"wrong_type","message":"This value has the wrong type. Expected: string."},` +
		`{"pointer":"/nmae","code":"unknown_field","message":"There is no such field here. Did you mean name? Names are case-sensitive."}],` +
		`"requestId":"` + string(a.Problem().RequestID) + `"}`
	if string(a.Body) != want {
		t.Errorf("answered\n%s\nwant\n%s", a.Body, want)
	}
	if a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("X-Request-Id") != string(a.Problem().RequestID) {
		t.Errorf("headers %v", a.Header)
	}
}

func TestEveryKindHasAStatus(t *testing.T) {
	seen := map[int]bool{}
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		s := edge.Status(k)
		if s < 400 || s > 599 || seen[s] {
			t.Errorf("kind %d has status %d", k, s)
		}
		seen[s] = true
	}
}
