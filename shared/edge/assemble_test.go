package edge_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
)

// TestRoutesThatAreRefused holds that an API with an unfit route is not served at all; above all a route that says nothing of who may call it.
func TestRoutesThatAreRefused(t *testing.T) {
	good := edge.Route{
		Operation: "things.get", Method: http.MethodGet, Path: "/v1/things/{id}", Summary: "x", Access: edge.May(policy.ModOrg, policy.View),
	}
	nothing := func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) { return nil, nil }
	for _, row := range []struct {
		name, want string
		change     func(*edge.Route)
	}{
		{"undeclared access", "declares no Access", func(r *edge.Route) { r.Access = edge.Access{} }},
		{"public without a reason", "does not say why", func(r *edge.Route) { r.Access = edge.Public("") }},
		{"no operation", "resource.verb", func(r *edge.Route) { r.Operation = "" }},
		{"operation without resource", "resource.verb", func(r *edge.Route) { r.Operation = "get" }},
		{"no method", "method", func(r *edge.Route) { r.Method = "" }},
		{"odd method", "method", func(r *edge.Route) { r.Method = "FETCH" }},
		{"no summary", "summary", func(r *edge.Route) { r.Summary = "" }},
		{"path without a slash", "slash", func(r *edge.Route) { r.Path = "v1/things" }},
		{"path that ends in a slash", "segment", func(r *edge.Route) { r.Path = "/v1/things/" }},
		{"dotted path", "segment", func(r *edge.Route) { r.Path = "/v1/../things" }},
		{"parameter named twice", "twice", func(r *edge.Route) { r.Path = "/v1/{id}/things/{id}" }},
		{"half a parameter", "segment", func(r *edge.Route) { r.Path = "/v1/things-{id}" }},
		{"edge's own query parameter", "belongs to edge", func(r *edge.Route) { r.Query = []edge.Param{{Name: "limit"}} }},
		{"list by POST", "GET", func(r *edge.Route) { r.Method, r.List = http.MethodPost, true }},
		{"public list", "sealed", func(r *edge.Route) { r.Access, r.List = edge.Public("x"), true }},
		{"raw with a token", "raw", func(r *edge.Route) { r.Raw = true }},
	} {
		r := good
		row.change(&r)
		if _, err := assemble(t, edge.Handle(r, nothing)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want it to say %q", row.name, err, row.want)
		}
		if _, err := edge.Document(edge.Info{}, []edge.Route{edge.Handle(r, nothing)}); err == nil {
			t.Errorf("%s: the document takes it", row.name)
		}
	}
	if _, err := assemble(t, good); err == nil || !strings.Contains(err.Error(), "no handler") {
		t.Errorf("a route without a handler: %v", err)
	}
	if _, err := assemble(t, edge.Handle(good, nothing), edge.Handle(good, nothing)); err == nil ||
		!strings.Contains(err.Error(), "two routes are called things.get") || !strings.Contains(err.Error(), "share GET /v1/things/{id}") {
		t.Errorf("two routes in one place: %v", err)
	}
	twin := good
	twin.Operation, twin.Path = "things.read", "/v1/things/{name}"
	if _, err := assemble(t, edge.Handle(good, nothing), edge.Handle(twin, nothing)); err == nil || !strings.Contains(err.Error(), "share") {
		t.Errorf("two routes that differ in the parameter's name: %v", err)
	}
	body := good
	if _, err := assemble(t, edge.Handle(body, func(context.Context, *edge.Request[draft]) (*edge.Reply[edge.None], error) { return nil, nil })); err == nil {
		t.Error("a GET with a body is taken")
	}
	if _, err := assemble(t, edge.Handle(good, nothing)); err != nil {
		t.Errorf("a good route: %v", err)
	}
	if _, err := edge.New(edge.Config{}); err == nil {
		t.Error("an edge of nothing is made")
	}
}

func assemble(t *testing.T, routes ...edge.Route) (http.Handler, error) {
	d := edgetest.Deploy(t)
	return edge.New(edge.Config{
		Routes: routes, Table: d.Table, IDs: d.IDs, Now: d.Now, Log: d.Log, Crypt: d.Crypt,
		Authenticator: edge.NewVerifier(d.Identity, d.Now), Subjects: access.New(d.Table, d.Now),
	})
}

// TestFixedSegmentsComeFirst holds the order of matching, and that it goes back when a fixed segment leads nowhere.
func TestFixedSegmentsComeFirst(t *testing.T) {
	d := edgetest.Deploy(t)
	var routes []edge.Route
	for i, path := range []string{"/v1/roles/templates", "/v1/roles/{id}", "/v1/roles/{id}/members", "/v1/roles/templates/{name}/x", "/v1/{a}/{b}/{c}"} {
		routes = append(routes, edge.Handle(edge.Route{
			Operation: fmt.Sprintf("r.o%d", i), Method: http.MethodGet, Path: path, Access: edge.Public("test"), Summary: "x", Produces: "text/plain",
		}, func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
			said := path + " " + edge.PathText(r, "id") + edge.PathText(r, "name") + edge.PathText(r, "a") + edge.PathText(r, "b") + edge.PathText(r, "c")
			return &edge.Reply[edge.Bytes]{Body: edge.Bytes{Type: "text/plain", Data: []byte(said)}}, nil
		}))
	}
	c := edgetest.Serve(t, d.Platform, routes).Anonymous()
	for path, want := range map[string]string{
		"/v1/roles/templates":         "/v1/roles/templates ",
		"/v1/roles/r1":                "/v1/roles/{id} r1",
		"/v1/roles/r1/members":        "/v1/roles/{id}/members r1",
		"/v1/roles/templates/members": "/v1/roles/{id}/members templates",
		"/v1/roles/templates/t/x":     "/v1/roles/templates/{name}/x t",
		"/v1/roles/r1/other":          "/v1/{a}/{b}/{c} rolesr1other",
	} {
		if a := c.Get(path); string(a.Body) != want {
			t.Errorf("%s went to %q, want %q", path, a.Body, want)
		}
	}
}

// TestOverTheWire holds what net/http and edge make together of requests that no client library sends.
func TestOverTheWire(t *testing.T) {
	w := newWorld(t)
	s := httptest.NewServer(w.api)
	defer s.Close()
	auth := "Authorization: Bearer " + w.boss.Token() + "\r\nHost: x\r\nContent-Type: application/json\r\n"
	before := edgetest.Dump(t, w.Table)
	for _, row := range []struct{ name, request, status string }{
		{"length and chunks", "POST /v1/things HTTP/1.1\r\n" + auth + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"two lengths", "POST /v1/things HTTP/1.1\r\n" + auth + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}", "400"},
		{"negative length", "POST /v1/things HTTP/1.1\r\n" + auth + "Content-Length: -1\r\n\r\n", "400"},
		{"unknown coding", "POST /v1/things HTTP/1.1\r\n" + auth + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
		{"space in a header's name", "GET /v1/hello HTTP/1.1\r\nX y: z\r\n" + auth + "\r\n", "400"},
		{"no host", "GET /v1/hello HTTP/1.1\r\n\r\n", "400"},
		{"empty key", "POST /v1/things HTTP/1.1\r\n" + auth + "Idempotency-Key:\r\nContent-Length: 2\r\n\r\n{}", "400"},
		{"dots", "GET /v1/x/../hello HTTP/1.1\r\n" + auth + "\r\n", "404"},
		{"two slashes", "GET //v1/hello HTTP/1.1\r\n" + auth + "\r\n", "404"},
		{"whole address", "GET http://x/v1/hello HTTP/1.1\r\n" + auth + "\r\n", "200"},
		{"star", "OPTIONS * HTTP/1.1\r\n" + auth + "\r\n", "200"}, // net/http answers for the server as a whole
	} {
		if got := speak(t, s.Listener.Addr().String(), row.request); !strings.HasPrefix(got, "HTTP/1.1 "+row.status) {
			t.Errorf("%s: answered %.40q, want %s", row.name, got, row.status)
		}
	}
	// A body shorter than was announced.
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/things HTTP/1.1\r\n%sContent-Length: 50\r\n\r\n{\"name\":", auth)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(conn); !strings.Contains(string(b), "body_cut_short") {
		t.Errorf("a body that is cut short: answered %q", b)
	}
	if edgetest.Dump(t, w.Table) != before {
		t.Error("the store changed")
	}
}

func speak(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// TestPartsThatAreNeeded holds that an API without a store serves public routes that only read, one without an authenticator public routes,
// and neither anything else.
func TestPartsThatAreNeeded(t *testing.T) {
	d := edgetest.Deploy(t)
	nothing := func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
		return &edge.Reply[edge.None]{}, nil
	}
	route := func(method string, a edge.Access) edge.Route {
		return edge.Handle(edge.Route{Operation: "things.do", Method: method, Path: "/things", Summary: "x", NoMatch: true, Access: a}, nothing)
	}
	for _, row := range []struct {
		name             string
		route            edge.Route
		bare, storesOnly bool // is it served without any part, with a store but nobody who knows tokens
	}{
		{"a public read", route(http.MethodGet, edge.Public("x")), true, true},
		{"a public change", route(http.MethodPost, edge.Public("x")), false, true},
		{"a user's own read", route(http.MethodGet, edge.Self()), false, false},
		{"a read by right", route(http.MethodGet, edge.May(policy.ModOrg, policy.View)), false, false},
	} {
		c := edge.Config{Routes: []edge.Route{row.route}, IDs: d.IDs, Now: d.Now, Log: d.Log}
		h, err := edge.New(c)
		if (err == nil) != row.bare {
			t.Errorf("%s, without a part: %v", row.name, err)
		}
		c.Table, c.Crypt = d.Table, d.Crypt
		if _, err := edge.New(c); (err == nil) != row.storesOnly {
			t.Errorf("%s, with a store: %v", row.name, err)
		}
		if h == nil {
			continue
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/things", nil))
		if rec.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", row.name, rec.Code, rec.Body)
		}
	}
}
