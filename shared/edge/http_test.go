package edge_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
)

func TestHeadersThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name, header, value string
		status              int
		code                string
	}{
		{"text", "Content-Type", "text/plain", 415, "content_type_unsupported"},
		{"form", "Content-Type", "application/x-www-form-urlencoded", 415, "content_type_unsupported"},
		{"merge patch on POST", "Content-Type", "application/merge-patch+json", 415, "content_type_unsupported"},
		{"another charset", "Content-Type", "application/json; charset=gbk", 415, "content_type_unsupported"},
		{"another parameter", "Content-Type", "application/json; profile=x", 415, "content_type_unsupported"},
		{"no type", "Content-Type", "", 415, "content_type_unsupported"},
		{"gzip", "Content-Encoding", "gzip", 415, "content_encoding_unsupported"},
		{"identity by name", "Content-Encoding", "identity", 415, "content_encoding_unsupported"},
		{"picture wanted", "Accept", "image/png", 406, "not_acceptable"},
		{"JSON not wanted", "Accept", "application/json;q=0, text/html", 406, "not_acceptable"},
		{"key is empty", "Idempotency-Key", "", 400, "invalid_idempotency_key"},
		{"key of 256", "Idempotency-Key", strings.Repeat("k", 256), 400, "invalid_idempotency_key"},
		{"key not ASCII", "Idempotency-Key", "钥匙", 400, "invalid_idempotency_key"},
		{"key with a tab", "Idempotency-Key", "a\tb", 400, "invalid_idempotency_key"},
		{"version without quotes", "If-Match", "3", 400, "invalid_if_match"},
		{"two versions", "If-Match", `"1", "2"`, 400, "invalid_if_match"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			before := edgetest.Dump(t, w.Table)
			c := w.api.As(w.boss)
			doRaw(c, row.header, row.value).Want(t, row.status, row.code)
			if w.ran != 0 || edgetest.Dump(t, w.Table) != before {
				t.Error("the operation ran, or the store changed")
			}
		})
	}
}

// doRaw posts a good body with one header set, present even when it is empty, or for Content-Type left out.
func doRaw(c edgetest.Client, header, value string) *edgetest.Answer {
	if header == "Content-Type" && value == "" {
		return c.Without("Content-Type").Post("/v1/things", `{"name":"a"}`)
	}
	return c.WithExactly(header, value).Post("/v1/things", `{"name":"a"}`)
}

func TestHeadersThatAreTaken(t *testing.T) {
	w := newWorld(t)
	for i, h := range [][2]string{
		{"Content-Type", "application/json; charset=utf-8"},
		{"Content-Type", "Application/JSON;charset=UTF-8"},
		{"Accept", "*/*"},
		{"Accept", "text/html, application/*;q=0.5"},
		{"Accept", "application/json"},
		{"Accept-Language", "xx;q=2"},
		{"Accept-Language", strings.Repeat("zh,", 1000)},
		{"Idempotency-Key", strings.Repeat("k", 255)},
		{"If-Match", "*"},
		{"X-HTTP-Method-Override", "DELETE"},
	} {
		w.api.As(w.boss).With(h[0], h[1]).Post("/v1/things", map[string]any{"name": string(rune('a' + i))}).Want(t, http.StatusCreated, "")
	}
}

func TestBodyOverTheLimit(t *testing.T) {
	w := newWorld(t)
	before := edgetest.Dump(t, w.Table)
	big := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	for name, c := range map[string]edgetest.Client{"announced": w.api.As(w.boss), "in chunks": w.api.As(w.boss).Chunked()} {
		a := c.Post("/v1/things", big).Want(t, http.StatusRequestEntityTooLarge, "body_too_large")
		if !strings.Contains(string(a.Body), "1048576") {
			t.Errorf("%s: the limit is not named: %s", name, a.Body)
		}
	}
	if w.ran != 0 || edgetest.Dump(t, w.Table) != before {
		t.Error("the operation ran, or the store changed")
	}
	fits := `{"name":"` + strings.Repeat("x", 300) + `"}` + strings.Repeat(" ", 1<<20-311)
	w.api.As(w.boss).Post("/v1/things", fits).Want(t, http.StatusCreated, "")
}

func TestPathsAndMethods(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	for _, row := range []struct {
		method, path string
		status       int
		code, allow  string
	}{
		{"GET", "/", 404, "not_found", ""},
		{"GET", "/v1", 404, "not_found", ""},
		{"GET", "/v1/things/", 404, "not_found", ""},
		{"GET", "/v1//things", 404, "not_found", ""},
		{"GET", "/v1/./things", 404, "not_found", ""},
		{"GET", "/v1/x/../things", 404, "not_found", ""},
		{"GET", "/v1/%74hings", 404, "not_found", ""},
		{"GET", "/V1/things", 404, "not_found", ""},
		{"GET", "/v1/Things", 404, "not_found", ""},
		{"GET", "/v1/things;a=b", 404, "not_found", ""},
		{"GET", "/v1/things/a/b", 404, "not_found", ""},
		{"GET", "/v1/things/..", 404, "not_found", ""},
		{"GET", "/v1/things/%2e%2e", 404, "not_found", ""},
		{"GET", "/v1/things/..%2f..%2fetc", 404, "not_found", ""},
		{"GET", "/v1/things/a%5cb", 404, "not_found", ""},
		{"GET", "/v1/things/a%00", 404, "not_found", ""},
		{"GET", "/v1/things/%23", 404, "not_found", ""},
		{"GET", "/v1/things/%ff", 404, "not_found", ""},
		{"GET", "/v1/things/%252e", 404, "not_found", ""},
		{"GET", "/v1/things/" + strings.Repeat("a", 300), 404, "not_found", ""},
		{"GET", "/v1/things/" + strings.Repeat("a", 3000), 404, "not_found", ""},
		{"GET", "/v1/things/post_01JD3Z4T0X8Y6QH2N5W7R9K1MB", 404, "not_found", ""},
		{"GET", "/v1/things/post_01jd3z4t0x8y6qh2n5w7r9k1mb", 404, "not_found", ""},
		{"GET", "/v1/things/user_01JD3Z4T0X8Y6QH2N5W7R9K1MB", 404, "not_found", ""},
		{"GET", "/page/%2e%2e", 404, "not_found", ""},
		{"GET", "/page/.", 404, "not_found", ""},
		{"GET", "/page/a%2fb", 404, "not_found", ""},
		{"GET", "/page/a%5Cb", 404, "not_found", ""},
		{"GET", "/page/%23", 404, "not_found", ""},
		{"GET", "/page/%2525", 404, "not_found", ""},
		{"GET", "/page/%0a", 404, "not_found", ""},
		{"GET", "/page/%ff", 404, "not_found", ""},
		{"GET", "/page/" + strings.Repeat("a", 256), 404, "not_found", ""},
		{"PUT", "/v1/things", 405, "method_not_allowed", "GET, HEAD, POST"},
		{"PATCH", "/v1/things", 405, "method_not_allowed", "GET, HEAD, POST"},
		{"OPTIONS", "/v1/things", 405, "method_not_allowed", "GET, HEAD, POST"},
		{"TRACE", "/v1/things", 405, "method_not_allowed", "GET, HEAD, POST"},
		{"BREW", "/v1/things", 405, "method_not_allowed", "GET, HEAD, POST"},
		{"get", "/v1/things", 405, "method_not_allowed", "GET, HEAD, POST"},
		{"POST", "/v1/things/post_01JD3Z4T0X8Y6QH2N5W7R9K1MB", 405, "method_not_allowed", "DELETE, GET, HEAD, PATCH"},
		{"GET", "/v1/things/secret", 405, "method_not_allowed", "POST"},
	} {
		c := boss
		if strings.HasPrefix(row.path, "/page") {
			c = c.With("Accept", "text/html")
		}
		a := c.Do(row.method, row.path, nil)
		if a.Status != row.status || a.Code() != row.code || a.Header.Get("Allow") != row.allow {
			t.Errorf("%s %s: answered %d %s, Allow %q", row.method, row.path, a.Status, a.Code(), a.Header.Get("Allow"))
		}
	}
	a := boss.With("X-HTTP-Method-Override", "POST").Do(http.MethodPut, "/v1/things", nil)
	a.Want(t, http.StatusMethodNotAllowed, "method_not_allowed")
	if len(edgetest.Dump(t, w.Table)) == 0 {
		t.Fatal("the dump is empty: it proves nothing")
	}
}

// TestForeignLooksUnknown holds that a foreign, an unknown and a malformed id get the same bytes, but for the request's own id.
func TestForeignLooksUnknown(t *testing.T) {
	w := newWorld(t)
	stranger := w.User(t, w.Tenant(t), everyThing...)
	made := w.api.As(w.boss).Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	there := made.Header.Get("Location")
	bytesOf := func(path string) string {
		a := w.api.As(stranger).Get(path).Want(t, http.StatusNotFound, "not_found")
		h := a.Header.Clone()
		h.Del("X-Request-Id")
		return strings.ReplaceAll(string(a.Body), string(a.Problem().RequestID), "") + headers(h)
	}
	foreign := bytesOf(there)
	for name, path := range map[string]string{
		"unknown": there[:len(there)-4] + "0000", "malformed": "/v1/things/x", "of another kind": "/v1/things/" + string(w.boss.User),
		"no route": "/v1/nothing", "traversal": "/v1/things/%2e%2e",
	} {
		if got := bytesOf(path); got != foreign {
			t.Errorf("%s: answered\n%s\na foreign id\n%s", name, got, foreign)
		}
	}
	w.api.As(w.boss).Get(there).Want(t, http.StatusOK, "")
}

func headers(h http.Header) string {
	var lines []string
	for k, v := range h {
		lines = append(lines, k+": "+strings.Join(v, ", "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	secure := edgetest.Serve(t, w.Platform, w.routes(), func(c *edge.Config) { c.TLS = true })
	for name, a := range map[string]*edgetest.Answer{
		"success": w.api.As(w.boss).Get("/v1/hello"),
		"refusal": w.api.Anonymous().Get("/v1/hello"),
		"nothing": w.api.Anonymous().Get("/nothing"),
	} {
		for k, v := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security": "", "Access-Control-Allow-Origin": "", "Server": "", "X-Powered-By": "",
		} {
			if got := a.Header.Get(k); got != v {
				t.Errorf("%s: %s is %q, want %q", name, k, got, v)
			}
		}
		if !strings.HasPrefix(a.Header.Get("X-Request-Id"), "req_") {
			t.Errorf("%s: no request id", name)
		}
	}
	if h := secure.Anonymous().Get("/nothing").Header.Get("Strict-Transport-Security"); !strings.HasPrefix(h, "max-age=63072000") {
		t.Errorf("over TLS: Strict-Transport-Security is %q", h)
	}
	page := w.api.Anonymous().With("Accept", "text/html").Get("/page/a%20b")
	if string(page.Body) != "<p>a b" || page.Header.Get("Content-Security-Policy") != "default-src 'self'" {
		t.Errorf("a page: %s %v", page.Body, page.Header)
	}
}

// TestClaimsInHeadersHaveNoEffect is entry 26: whoever says to be another in a header is not.
func TestClaimsInHeadersHaveNoEffect(t *testing.T) {
	w := newWorld(t)
	other := w.User(t, w.Tenant(t))
	c := w.api.As(w.clerk)
	for _, h := range []string{"X-Tenant-Id", "X-User-Id", "X-Forwarded-User", "X-Amzn-Oidc-Identity", "X-Forwarded-For"} {
		c = c.With(h, string(other.User))
	}
	var who struct {
		User string `json:"user"`
	}
	c.Get("/v1/hello").Want(t, http.StatusOK, "").Read(t, &who)
	if who.User != string(w.clerk.User) {
		t.Errorf("asked as %s, answered as %s", w.clerk.User, who.User)
	}
}

func TestMethodsWithoutABodyRefuseOne(t *testing.T) {
	w := newWorld(t)
	w.api.As(w.boss).Do(http.MethodGet, "/v1/hello", `{}`).Want(t, http.StatusBadRequest, "body_not_allowed")
	w.api.As(w.boss).Do(http.MethodGet, "/v1/hello", ``).Want(t, http.StatusOK, "")
	w.api.As(w.boss).Post("/v1/things/secret", `{}`).Want(t, http.StatusBadRequest, "body_not_allowed")
}

func TestHead(t *testing.T) {
	w := newWorld(t)
	a := w.api.As(w.boss).Do(http.MethodHead, "/v1/hello", nil)
	if a.Status != http.StatusOK || len(a.Body) != 0 || a.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD: %d, %d bytes, %v", a.Status, len(a.Body), a.Header)
	}
	a = w.api.Anonymous().Do(http.MethodHead, "/v1/hello", nil)
	if a.Status != http.StatusUnauthorized || len(a.Body) != 0 {
		t.Errorf("HEAD without a token: %d, %d bytes", a.Status, len(a.Body))
	}
}

func TestRawRoutesGetTheBytes(t *testing.T) {
	w := newWorld(t)
	var got struct {
		User string `json:"user"`
	}
	w.api.Anonymous().With("X-Signature", "+s").Post("/hook", " {\"a\":1, \"a\":2} ").Want(t, http.StatusOK, "").Read(t, &got)
	if got.User != " {\"a\":1, \"a\":2} +s" {
		t.Errorf("the handler got %q", got.User)
	}
	w.api.Anonymous().With("Content-Type", "text/plain").Post("/hook", "x").Want(t, http.StatusUnsupportedMediaType, "content_type_unsupported")
	w.api.Anonymous().Do(http.MethodGet, "/hook", nil).Want(t, http.StatusMethodNotAllowed, "method_not_allowed")
}

func TestIfMatch(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	made := boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	path := made.Header.Get("Location")
	boss.Patch(path, `{"name":"x"}`).Want(t, http.StatusPreconditionRequired, "if_match_required")
	boss.Delete(path).Want(t, http.StatusPreconditionRequired, "if_match_required")
	for _, tag := range []string{`W/"1"`, `"2"`, `"01"`, `"-1"`, `"abc"`, `""`, `"9223372036854775808"`} {
		a := boss.IfMatch(tag).Patch(path, `{"name":"x"}`).Want(t, http.StatusPreconditionFailed, "version_conflict")
		if a.Problem().Version != 1 {
			t.Errorf("If-Match %s: the current version is told as %d", tag, a.Problem().Version)
		}
	}
	for _, tag := range []string{`1`, `"1`, `1"`, `"1","2"`, strings.Repeat(`x`, 200)} {
		boss.IfMatch(tag).Patch(path, `{"name":"x"}`).Want(t, http.StatusBadRequest, "invalid_if_match")
	}
	boss.IfMatch(`"1"`).Patch(path, `{"name":"x"}`).Want(t, http.StatusOK, "")
	boss.IfMatch(`*`).Patch(path, `{"name":"y"}`).Want(t, http.StatusOK, "")
}
