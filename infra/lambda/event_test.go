package lambda_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/edge"
)

// answered is what a Lambda function answers to API Gateway.
type answered struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// seen writes down a request as edge would see it.
func seen(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	_, _ = out.WriteString(r.Method + " " + r.URL.EscapedPath() + "\npath   " + r.URL.Path + "\nquery  " + r.URL.RawQuery + "\nhost   " + r.Host + "\nsource " + r.RemoteAddr + "\n")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		_, _ = out.WriteString("header " + name + ": " + strings.Join(r.Header[name], " AND ") + "\n")
	}
	_, _ = out.WriteString("body   " + string(body) + "\n")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(out.Bytes())
}

// TestEvents holds the translation of API Gateway's events against files: an event NAME.json, what edge gets of it NAME.txt.
func TestEvents(t *testing.T) {
	events, err := filepath.Glob("testdata/*.json")
	if err != nil || len(events) < 3 {
		t.Fatalf("%d events: %v", len(events), err)
	}
	for _, file := range events {
		event, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := lambda.Serve(http.HandlerFunc(seen))(t.Context(), event)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		var a answered
		if err := json.Unmarshal(b, &a); err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(file, ".json") + ".txt"
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if a.Body != string(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", file, a.Body, want)
		}
	}
}

func TestEventsRefused(t *testing.T) {
	for name, event := range map[string]string{
		"no document":         `{`,
		"payload format 1.0":  `{"version":"1.0","path":"/x","httpMethod":"GET"}`,
		"no path":             `{"version":"2.0","requestContext":{"http":{"method":"GET"}}}`,
		"no method":           `{"version":"2.0","rawPath":"/x"}`,
		"a body of no base64": `{"version":"2.0","rawPath":"/x","requestContext":{"http":{"method":"POST"}},"body":"%%","isBase64Encoded":true}`,
		"of a queue":          `{"Records":[{"messageId":"1","body":"x"}]}`,
	} {
		asked := false
		_, err := lambda.Serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))(t.Context(), []byte(event))
		if err == nil || asked {
			t.Errorf("%s: %v, handed on: %t", name, err, asked)
		}
	}
}

// TestAnswers: text goes as it is, all else in base64, and several values of a header are one.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		typ, encoding, body string
		base64              bool
	}{
		"JSON":                    {"application/json", "", `{"a":"ä"}`, false},
		"a problem":               {"application/problem+json", "", `{}`, false},
		"a page":                  {"text/html; charset=utf-8", "", `<p>`, false},
		"a picture in XML":        {"image/svg+xml", "", `<svg/>`, false},
		"a picture":               {"image/png", "", "\x89PNG\r\n", true},
		"a font that looks plain": {"font/woff2", "", "woff", true},
		"text that is compressed": {"text/css", "gzip", "a{}", true},
		"text that is none":       {"text/plain", "", "\xff\xfe", true},
		"nothing":                 {"", "", "", false},
	} {
		h := lambda.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.typ != "" {
				w.Header().Set("Content-Type", c.typ)
			}
			if c.encoding != "" {
				w.Header().Set("Content-Encoding", c.encoding)
			}
			w.Header()["Vary"] = []string{"Accept", "Origin"}
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusTeapot) // the first one counts
			_, _ = io.WriteString(w, c.body)
		}))
		b, err := h(t.Context(), []byte(`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		var a answered
		if err := json.Unmarshal(b, &a, json.RejectUnknownMembers(true)); err != nil {
			t.Fatal(err)
		}
		want := c.body
		if c.base64 {
			want = base64.StdEncoding.EncodeToString([]byte(c.body))
		}
		if a.StatusCode != http.StatusAccepted || a.Body != want || a.IsBase64Encoded != c.base64 || a.Headers["Vary"] != "Accept,Origin" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestFixedAnswers: what stays as it is for ever is escaped, or put in base64, at its first answer only; here it does not keep that promise,
// which shows. Status and headers are those of each answer.
func TestFixedAnswers(t *testing.T) {
	for encoding, want := range map[string]string{"": "first", "gzip": base64.StdEncoding.EncodeToString([]byte("first"))} {
		body, n := []byte("first"), 0
		h := lambda.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n++
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("X-Request-Id", strconv.Itoa(n))
			if encoding != "" {
				w.Header().Set("Content-Encoding", encoding)
			}
			w.WriteHeader(200 + n)
			if _, err := w.(edge.FixedWriter).WriteFixed(body); err != nil {
				t.Error(err)
			}
		}))
		for i := range 3 {
			copy(body, map[bool]string{true: "first", false: "other"}[i == 0])
			a := invoke(t, h, event{method: http.MethodGet, path: "/"})
			if a.StatusCode != 201+i || a.Headers["X-Request-Id"] != strconv.Itoa(i+1) || a.Body != want || a.IsBase64Encoded != (encoding != "") {
				t.Errorf("%q, answer %d: %+v", encoding, i, a)
			}
		}
	}
}

// FuzzEvent: whatever comes as path, query, header and body arrives byte for byte, or is refused; nothing panics.
func FuzzEvent(f *testing.F) {
	f.Add("/v1/accounts/a%2Fb", "x=%41&y=", "X-A", "one,two", []byte("{}"), true)
	f.Add("/a b/%zz", "?&;", "cookie", "a=b", []byte{0xff}, true)
	f.Add("/", "", "", "", []byte(nil), false)
	f.Fuzz(func(t *testing.T, path, query, name, value string, body []byte, encoded bool) {
		text := string(body)
		if encoded {
			text = base64.StdEncoding.EncodeToString(body)
		}
		event, err := json.Marshal(map[string]any{
			"version": "2.0", "rawPath": path, "rawQueryString": query, "headers": map[string]string{name: value}, "body": text, "isBase64Encoded": encoded,
			"requestContext": map[string]any{"requestId": "r", "http": map[string]string{"method": "POST", "sourceIp": "192.0.2.1"}},
		})
		if err != nil || path == "" {
			return // no text that API Gateway would send
		}
		h := lambda.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			if err != nil || !bytes.Equal(got, body) || r.ContentLength != int64(len(body)) {
				t.Errorf("body %q of %q: %v", got, body, err)
			}
			if r.URL.RawQuery != query {
				t.Errorf("query %q of %q", r.URL.RawQuery, query)
			}
			if r.URL.EscapedPath() != path && r.URL.Path != path {
				t.Errorf("path %q, %q of %q", r.URL.EscapedPath(), r.URL.Path, path)
			}
			if _, cookies := r.Header["Cookie"]; cookies || r.RemoteAddr != "192.0.2.1:0" {
				t.Errorf("source %s, cookies %t", r.RemoteAddr, cookies)
			}
		}))
		if _, err := h(t.Context(), event); err != nil {
			t.Fatalf("%s: %v", event, err)
		}
	})
}

// TestSameVerdict: a request that sends a header twice, which API Gateway joins, is judged as it is without a gateway, but that two
// Idempotency-Keys are one.
func TestSameVerdict(t *testing.T) {
	w := newWorld(t)
	token := "Bearer " + w.boss.Token()
	sound := map[string]string{"Authorization": token, "Content-Type": "application/json", "Accept": "application/json"}
	for name, value := range map[string]string{
		"Authorization": token, "Content-Type": "application/json", "Accept": "application/json", "Accept-Language": "zh-CN", "If-Match": `"1"`,
		"X-Forwarded-For": "203.0.113.9", "Content-Encoding": "gzip",
	} {
		direct := httptest.NewRequest(http.MethodPost, "/v1/categories", strings.NewReader(`{}`))
		joined := maps.Clone(sound)
		for n, v := range sound {
			direct.Header.Set(n, v)
		}
		direct.Header[name] = []string{value, value}
		joined[name] = value + "," + value
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, direct)
		a := w.invoke(t, event{method: http.MethodPost, path: "/v1/categories", header: joined, body: `{}`})
		if a.StatusCode != rec.Code || codeOf(t, a.Body) != codeOf(t, rec.Body.String()) {
			t.Errorf("%s twice: %d %s, and through the gateway %d %s", name, rec.Code, rec.Body, a.StatusCode, a.Body)
		}
	}
}
