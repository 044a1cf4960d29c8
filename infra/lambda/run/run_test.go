package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/infra/stacks/iam"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/platform"
)

// TestOutbox: every message that Steward words is recognised in every language, with what the outbox shows of it.
func TestOutbox(t *testing.T) {
	for _, c := range []struct {
		channel  notify.Channel
		template string
	}{{notify.Email, "invitation"}, {notify.Email, "reset"}, {notify.Email, "verify"}, {notify.SMS, "verify"}} {
		for _, locale := range []string{"en", "zh-CN", "zh-TW"} {
			m := notify.Message{Channel: c.channel, To: "a@example.com", Template: c.template, Locale: locale, Words: map[string]string{
				"name": "Ann {Lee}", "tenant": "lotus", "temporaryPassword": "Xkd4-mtw7", "code": "123456", "minutes": "30", "days": "7", "hours": "2",
			}}
			subject, body, err := m.Worded()
			if err != nil {
				t.Fatal(err)
			}
			got := read(message{Channel: string(c.channel), To: m.To, Subject: subject, Text: body})
			if got.Template != c.template || got.Locale != locale {
				t.Errorf("%s %s %s is read as %s %s", c.channel, c.template, locale, got.Template, got.Locale)
			}
			if secret := got.TemporaryPassword + got.Code; secret != "Xkd4-mtw7" && secret != "123456" {
				t.Errorf("%s %s: it holds %q", c.template, locale, secret)
			}
		}
	}
}

// TestRoutes: each route of the stacks leads to the function of its operation, a fixed segment before a parameter, and nothing else leads anywhere.
func TestRoutes(t *testing.T) {
	stacks, err := deployed.Read("../../..", (&deployment{queues: map[string]string{jobsQueue: "http://jobs"}}).values())
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(stacks, "", nil)
	handler := func(method, path string) (handler string) {
		if r := g.find(method, path); r != nil {
			handler = r.Handler
		}
		return handler
	}
	for _, r := range functions.All(&platform.Platform{}) {
		if got := handler(r.Method, r.Path); got != r.Operation || stacks.Functions[got].Binary == "" {
			t.Errorf("%s %s leads to %q", r.Method, r.Path, got)
		}
	}
	for path, want := range map[string]string{
		"/v1/roles/templates": "roles.templates", "/v1/roles/role_1": "roles.get", "/v1/roles/": "", "/v1/roles//": "", "/V1/roles": "", "/": "", "/v1/roles/a/b": "",
	} {
		if got := handler("GET", path); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
	if got := handler("HEAD", "/healthz"); got != "" {
		t.Errorf("HEAD leads to %q", got)
	}
}

// TestFront holds what the front makes of a request: whoever is a function may do what its role says, a transaction is done once, and an answer
// that breaks off is made whole.
func TestFront(t *testing.T) {
	var breaks atomic.Int32
	var done atomic.Int32
	moto := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		done.Add(1)
		if breaks.Add(-1) >= 0 {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "{")
			return
		}
		_, _ = io.WriteString(w, `{"a":"b"}`)
	}))
	defer moto.Close()
	f := newFront(moto.URL, nil, slog.New(slog.DiscardHandler))
	f.judge(map[string]deployed.Function{"accounts.get": {Role: []iam.Statement{{
		Effect: "Allow", Actions: []string{"dynamodb:GetItem"}, Resources: []string{place.ARN("dynamodb", "table/t")},
		Conditions: map[string]map[string][]string{"ForAllValues:StringLike": {iam.LeadingKeys: {"a*"}}},
	}}}}, nil)
	ask := func(who, operation, body string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+who+"/20260101/"+region+"/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	const write = `{"ClientRequestToken":"t","TransactItems":[{"Delete":{"TableName":"t","Key":{"pk":{"S":"b"}}}}]}`
	for _, c := range []struct {
		says, who, operation, body string
		breaks                     int32
		status                     int
		answer                     string
		reaches                    int32
	}{
		{"what the role allows", "accounts.get", "GetItem", `{"TableName":"t","Key":{"pk":{"S":"a1"}}}`, 0, 200, `{"a":"b"}`, 1},
		{"another partition", "accounts.get", "GetItem", `{"TableName":"t","Key":{"pk":{"S":"b1"}}}`, 0, 400, "AccessDeniedException", 0},
		{"another table", "accounts.get", "GetItem", `{"TableName":"u","Key":{"pk":{"S":"a1"}}}`, 0, 400, "AccessDeniedException", 0},
		{"another action", "accounts.get", "TransactWriteItems", write, 0, 400, "AccessDeniedException", 0},
		{"a call that nobody knows", "accounts.get", "Scan", `{"TableName":"t"}`, 0, 400, "AccessDeniedException", 0},
		{"who is no function", "test", "GetItem", `{"TableName":"t","Key":{"pk":{"S":"b1"}}}`, 0, 200, `{"a":"b"}`, 1},
		{"an answer that breaks off is asked for again", "test", "GetItem", `{"TableName":"t","Key":{"pk":{"S":"b1"}}}`, 1, 200, `{"a":"b"}`, 2},
		{"but not that of a transaction, which is done", "test", "TransactWriteItems", write, 1, 200, "{}", 1},
		{"nor is it done again", "test", "TransactWriteItems", write, 0, 200, "{}", 0},
		{"nor another under its token", "test", "TransactWriteItems", strings.ReplaceAll(write, `"b"`, `"c"`), 0, 400, "IdempotentParameterMismatchException", 0},
		{"what breaks off for good", "test", "GetItem", `{"TableName":"t","Key":{"pk":{"S":"b1"}}}`, 9, 502, "", 3},
	} {
		breaks.Store(c.breaks)
		done.Store(0)
		status, body := ask(c.who, c.operation, c.body)
		if status != c.status || !strings.Contains(body, c.answer) || done.Load() != c.reaches {
			t.Errorf("%s: %d %s, %d requests reached moto; want %d %s, %d", c.says, status, body, done.Load(), c.status, c.answer, c.reaches)
		}
	}
	if n := len(f.denials()); n != 4 {
		t.Errorf("%d denials are remembered", n)
	}
}

// TestInvoke: functions that no client calls can be run by hand, those of the API cannot, and one that does not answer is told.
func TestInvoke(t *testing.T) {
	p := newPool(t.TempDir(), map[string]deployed.Function{"jobs.due": {Handler: "jobs.due", Binary: "due", Timeout: 1}}, func(*deployed.Function) []string { return nil }, io.Discard)
	defer p.stop()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /_local/invoke/{handler}", invoke(p, []deployed.Source{{Handler: "jobs.due"}}))
	for handler, want := range map[string]int{"accounts.get": http.StatusNotFound, "jobs.due": http.StatusBadGateway} { // there is no such binary
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/_local/invoke/"+handler, nil))
		if w.Code != want {
			t.Errorf("%s: %d %s", handler, w.Code, w.Body)
		}
	}
}
