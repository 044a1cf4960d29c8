package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/stacks/deployed"
)

// gateway is an HTTP API of API Gateway, as far as Steward has one: routes by method and path, events in payload format 2.0. What no route
// fits is answered as API Gateway does, in its words and not in Steward's: a GET route takes no HEAD, and a method that a path does not
// have is 404, not 405.
type gateway struct {
	routes []deployed.Route
	judges map[string]*authorizer // by the names that routes have for them
	pool   *pool
	number atomic.Int64
}

// newGateway leads to the functions of the pool. The keys that tokens are signed with are at the URL.
func newGateway(d *deployed.Deployment, keys string, p *pool) *gateway {
	g := &gateway{routes: d.Routes, judges: map[string]*authorizer{}, pool: p}
	for name, a := range d.Authorizers {
		g.judges[name] = newAuthorizer(a, keys)
	}
	return g
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	w.Header().Set("Content-Type", "application/json")
	route := g.find(r.Method, path)
	if route == nil {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"message":"Not Found"}`)
		return
	}
	var claims map[string]string
	if route.Authorizer != "" {
		var err error
		if claims, err = g.judges[route.Authorizer].claims(r); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"Unauthorized"}`)
			return
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10<<20))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, `{"message":"Request Entity Too Large"}`)
		return
	}
	event, err := g.event(r, path, query, body, claims)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	b, err := g.pool.invoke(r.Context(), route.Handler, event)
	if err != nil {
		_, _ = fmt.Fprintf(g.pool.logs, "gateway: %v\n", err)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"message":"Internal Server Error"}`)
		return
	}
	var a struct {
		Status  int               `json:"statusCode"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
		Base64  bool              `json:"isBase64Encoded"`
	}
	out := []byte(nil)
	if err = json.Unmarshal(b, &a); err == nil {
		if out = []byte(a.Body); a.Base64 {
			out, err = base64.StdEncoding.DecodeString(a.Body)
		}
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Del("Content-Type")
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(out)
}

// find gives the route that fits, of several the one whose fixed segments come first; nil when none does.
func (g *gateway) find(method, path string) (found *deployed.Route) {
	best := ""
	for i := range g.routes {
		rank, ok := fits(g.routes[i].Path, path)
		if ok && g.routes[i].Method == method && rank >= best {
			best, found = rank, &g.routes[i]
		}
	}
	return found
}

// fits reports whether the path is one of the route's, and how exactly: a letter for each segment, f for one that is fixed.
func fits(route, path string) (rank string, ok bool) {
	want, have := strings.Split(route, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return "", false
	}
	for i := range want {
		switch {
		case want[i] == have[i]:
			rank += "f"
		case strings.HasPrefix(want[i], "{") && have[i] != "":
			rank += "a"
		default:
			return "", false
		}
	}
	return rank, true
}

func (g *gateway) event(r *http.Request, path, query string, body []byte, claims map[string]string) ([]byte, error) {
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return nil, err
	}
	about := map[string]any{
		"requestId": fmt.Sprintf("gateway-%d", g.number.Add(1)), "stage": "$default",
		"http": map[string]string{"method": r.Method, "path": path, "protocol": r.Proto, "sourceIp": source},
	}
	if claims != nil {
		about["authorizer"] = map[string]any{"jwt": map[string]any{"claims": claims, "scopes": nil}}
	}
	e := map[string]any{
		"version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "isBase64Encoded": false, "requestContext": about,
	}
	if c := r.Header["Cookie"]; len(c) > 0 {
		e["cookies"] = c
	}
	if len(body) > 0 {
		if e["body"] = string(body); !utf8.Valid(body) {
			e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
		}
	}
	return json.Marshal(e)
}
