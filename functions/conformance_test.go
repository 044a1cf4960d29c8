package functions_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
)

// TestConformance asks every route of the API everything that a route must refuse, and holds that each refusal has its status and code and
// leaves the store, the outbox and the identities as they were. A new route is asked the same without a word being added here; one whose
// path has an id of a new kind fails until the harness knows how to make one.
func TestConformance(t *testing.T) {
	w := newWorld(t)
	for _, r := range w.routes {
		t.Run(r.Operation, func(t *testing.T) {
			c := &conformance{T: t, world: w, route: r, before: w.state(t)}
			c.methods()
			c.headers()
			c.query()
			c.body()
			c.token()
			c.permission()
			c.ids()
			c.dryRun()
			if c.asked < 6 {
				t.Errorf("asked %d questions only: the harness is broken", c.asked)
			}
		})
	}
	if len(w.routes) < 60 {
		t.Errorf("%d routes only: the index has lost some", len(w.routes))
	}
}

// TestDocumentOfTheWholeAPI holds that the document that is served is valid OpenAPI 3.1 and names every operation, once.
func TestDocumentOfTheWholeAPI(t *testing.T) {
	w := newWorld(t)
	a := w.api.Anonymous().Get("/v1/openapi.json").Want(t, http.StatusOK, "")
	doc, err := openapi3.NewLoader().LoadFromData(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, r := range w.routes {
		item := doc.Paths.Find(r.Path)
		if item == nil || item.GetOperation(r.Method) == nil || item.GetOperation(r.Method).OperationID != r.Operation {
			t.Errorf("the document lacks %s", r.Operation)
			continue
		}
		named++
	}
	all := 0
	for _, item := range doc.Paths.Map() {
		all += len(item.Operations())
	}
	if named != all {
		t.Errorf("%d operations in the document, %d routes", all, named)
	}
}

type conformance struct {
	*testing.T
	*world
	route  edge.Route
	before string
	asked  int
}

// ask sends the route's request with everything right but what the change makes wrong.
func (c *conformance) ask(what string, status int, code string, change func(*request)) *edgetest.Answer {
	c.Helper()
	q := &request{client: c.client(), method: c.route.Method, path: fill(c.T, c.route.Path, c.mine)}
	if c.route.TakesBody() {
		q.body = `{}`
	}
	if c.route.NeedsMatch() {
		q.client = q.client.IfMatch("*")
	}
	change(q)
	a := q.client.Do(q.method, q.path, q.body)
	c.asked++
	if a.Status != status || a.Code() != code {
		c.Errorf("%s: %s %s answered %d %s, want %d %s\n%s", what, q.method, q.path, a.Status, a.Code(), status, code, a.Body)
	}
	if after := c.state(c.T); after != c.before {
		c.Errorf("%s: %s %s answered %d %s and changed the store:\n%s", what, q.method, q.path, a.Status, a.Code(), difference(c.before, after))
		c.before = after
	}
	return a
}

type request struct {
	client       edgetest.Client
	method, path string
	body         any
}

func (c *conformance) public() bool { return c.route.Access.String() == "public" }

func (c *conformance) client() edgetest.Client {
	if c.public() {
		return c.api.Anonymous()
	}
	return c.api.As(c.boss)
}

func (c *conformance) methods() {
	var taken []string
	for _, r := range c.routes {
		if r.Path == c.route.Path {
			taken = append(taken, r.Method)
		}
	}
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "BREW"} {
		if slices.Contains(taken, m) {
			continue
		}
		a := c.ask("wrong method", http.StatusMethodNotAllowed, "method_not_allowed", func(q *request) { q.method, q.body = m, nil })
		if !strings.Contains(a.Header.Get("Allow"), c.route.Method) {
			c.Errorf("Allow is %q", a.Header.Get("Allow"))
		}
	}
	c.ask("trailing slash", http.StatusNotFound, "not_found", func(q *request) { q.path += "/" })
}

func (c *conformance) headers() {
	if c.route.Produces != "*/*" {
		c.ask("wrong Accept", http.StatusNotAcceptable, "not_acceptable", func(q *request) { q.client = q.client.With("Accept", "image/webp") })
	}
	c.ask("compressed", http.StatusUnsupportedMediaType, "content_encoding_unsupported", func(q *request) {
		q.client = q.client.With("Content-Encoding", "gzip")
	})
	if c.route.TakesBody() {
		c.ask("wrong content type", http.StatusUnsupportedMediaType, "content_type_unsupported", func(q *request) {
			q.client = q.client.With("Content-Type", "text/plain")
		})
	}
	if c.public() {
		return
	}
	if c.route.NeedsMatch() {
		c.ask("no If-Match", http.StatusPreconditionRequired, "if_match_required", func(q *request) { q.client = q.client.With("If-Match", "") })
	}
	if c.route.Method == http.MethodPost {
		c.ask("long key", http.StatusBadRequest, "invalid_idempotency_key", func(q *request) { q.client = q.client.Once(strings.Repeat("k", 256)) })
	}
}

func (c *conformance) query() {
	add := func(query string) func(*request) { return func(q *request) { q.path += "?" + query } }
	c.ask("unknown parameter", http.StatusBadRequest, "unknown_parameter", add("zzUnknown=1"))
	if !c.route.List {
		c.ask("a page of what is no list", http.StatusBadRequest, "unknown_parameter", add("limit=1"))
		return
	}
	for _, size := range []string{"0", "-1", "101", "1000000000", "abc"} {
		c.ask("page of "+size, http.StatusBadRequest, "invalid_page_size", add("limit="+size))
	}
	c.ask("made-up cursor", http.StatusBadRequest, "invalid_cursor", add("cursor=AAAA"))
}

func (c *conformance) body() {
	set := func(body any) func(*request) { return func(q *request) { q.body = body } }
	switch {
	case c.route.Raw: // the signature is judged over the bytes
		return
	case !c.route.TakesBody():
		c.ask("a body where none is taken", http.StatusBadRequest, "body_not_allowed", set(`{}`))
		return
	}
	if c.route.PagesByBody() {
		for _, size := range []string{"0", "-1", "101", "1000000000", `"abc"`, "1.5"} {
			c.ask("page of "+size, http.StatusBadRequest, "invalid_page_size", set(`{"limit":`+size+`}`))
		}
		for _, cursor := range []string{"", "AAAA", strings.Repeat("A", 4000)} {
			c.ask("made-up cursor", http.StatusBadRequest, "invalid_cursor", set(`{"cursor":"`+cursor+`"}`))
		}
	}
	c.ask("no body", http.StatusBadRequest, "body_required", set(``))
	c.ask("null", http.StatusBadRequest, "body_not_object", set(`null`))
	c.ask("array", http.StatusBadRequest, "body_not_object", set(`[]`))
	c.ask("cut short", http.StatusBadRequest, "json_syntax", set(`{"a":`))
	c.ask("twice", http.StatusBadRequest, "json_trailing_data", set(`{} {}`))
	c.ask("duplicate key", http.StatusBadRequest, "json_duplicate_key", set(`{"a":1,"a":2}`))
	c.ask("unknown field", http.StatusBadRequest, "unknown_field", set(`{"zzUnknown":1}`))
	c.ask("isAdmin", http.StatusBadRequest, "field_not_writable", set(`{"isAdmin":true}`))
	c.ask("tenantId", http.StatusBadRequest, "field_not_writable", set(`{"tenantId":"x"}`))
	c.ask("too large", http.StatusRequestEntityTooLarge, "body_too_large", set(strings.Repeat(" ", 1<<20)+`{}`))
}

func (c *conformance) token() {
	if c.public() {
		return
	}
	for name, token := range map[string]string{"no token": "", "made-up token": "Bearer test:x", "password": "Basic eDp5"} {
		c.ask(name, http.StatusUnauthorized, "token_invalid", func(q *request) { q.client = q.client.With("Authorization", token) })
	}
}

func (c *conformance) permission() {
	if access := c.route.Access.String(); access == "public" || access == "self" {
		return
	}
	as := func(q *request) {
		q.client = c.api.As(c.clerk)
		if c.route.NeedsMatch() {
			q.client = q.client.IfMatch("*")
		}
	}
	c.ask("no permission", http.StatusForbidden, "permission_denied", as)
	c.ask("no permission, bad body", http.StatusForbidden, "permission_denied", func(q *request) {
		as(q)
		if c.route.TakesBody() {
			q.body = `{"zzUnknown":`
		}
	})
}

// ids puts an unknown, a foreign and a malformed id into each place of the path in turn, and holds that the answers do not differ.
func (c *conformance) ids() {
	for i, word := range words(c.route.Path) {
		into := func(v string) func(*request) {
			return func(q *request) {
				place := -1
				q.path = fill(c.T, c.route.Path, func(w string) (string, bool) {
					if place++; place == i {
						return v, true
					}
					return c.mine(w)
				})
				if body, ok := bodies[c.route.Operation]; ok {
					q.body = body
				}
			}
		}
		unknown, ok := c.unknown(word)
		if !ok {
			c.Fatalf("the harness knows no id after %q: teach unknown", word)
		}
		first := bare(c.ask("unknown id", http.StatusNotFound, "not_found", into(unknown)))
		others := map[string]string{"malformed id": "x", "id of another kind": string(c.boss.Tenant), "traversal": "%2e%2e", "long id": strings.Repeat("a", 300)}
		if !notTenants[word] {
			if others["foreign id"], ok = c.foreign[word]; !ok {
				c.Fatalf("the harness has no foreign id for %q: teach seed", word)
			}
		}
		for name, v := range others {
			if got := bare(c.ask(name, http.StatusNotFound, "not_found", into(v))); got != first {
				c.Errorf("%s: answered\n%s\nan unknown id\n%s", name, got, first)
			}
		}
	}
}

// bodies are sound ones, for the routes that judge their body before they look for the resource.
var bodies = map[string]string{
	"departments.move": `{"parentId":null}`,
}

// dryRun tries out what the route does with something sound, as far as the harness knows it, and holds that nothing changes.
func (c *conformance) dryRun() {
	if c.public() || c.route.Method == http.MethodGet {
		return
	}
	q := &request{client: c.client().Once("dry"), path: fill(c.T, c.route.Path, c.mine) + "?validateOnly=true"}
	if c.route.NeedsMatch() {
		q.client = q.client.IfMatch("*")
	}
	if c.route.TakesBody() {
		if q.body = `{}`; c.drafts()[c.route.Operation] != nil {
			q.body = c.drafts()[c.route.Operation]
		}
	}
	a := q.client.Do(c.route.Method, q.path, q.body)
	if a.Status >= http.StatusInternalServerError {
		c.Errorf("a dry run answered %d\n%s\n%s", a.Status, a.Body, c.Logged.String())
	}
	if after := c.state(c.T); after != c.before {
		c.Errorf("a dry run answered %d %s and changed the store:\n%s", a.Status, a.Code(), difference(c.before, after))
		c.before = after
	}
	if _, known := c.drafts()[c.route.Operation]; known && a.Status != http.StatusOK {
		c.Errorf("a sound dry run answered %d\n%s", a.Status, a.Body)
	}
}

// bare is an answer without what differs between any two requests.
func bare(a *edgetest.Answer) string {
	return strings.ReplaceAll(string(a.Body), string(a.Problem().RequestID), "")
}

// difference gives the lines that only one of the states has.
func difference(before, after string) string {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out []string
	for _, l := range was {
		if !slices.Contains(is, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range is {
		if !slices.Contains(was, l) {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out, "\n")
}
