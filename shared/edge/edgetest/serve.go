// Package edgetest lets a test speak HTTP to routes: the real edge over the laptop's adapters, with one thing replaced. Tokens are
// "test:<tenantId>~<userId>", taken at their word, so that a test acts as whom it likes; the subject behind the token is loaded by the
// real access, with its status, roles and organisation as they are stored at that moment.
//
//	d := edgetest.Deploy(t)
//	boss := d.User(t, d.Tenant(t), policy.Grant{Module: policy.ModRole, Action: policy.Create, Scope: policy.All})
//	api := edgetest.Serve(t, d.Platform, roles.Routes(d.Platform))
//	a := api.As(boss).Post("/v1/roles", map[string]any{"name": "Buyers"})
//	a.Want(t, http.StatusCreated, "")
package edgetest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/platform"
)

// Who is a user of a tenant.
type Who struct {
	Tenant id.Tenant
	User   id.User
}

// Token is the token that the test's authenticator takes for the user.
func (w Who) Token() string { return "test:" + string(identity.NameOf(w.Tenant, w.User)) }

// tokens takes tokens at their word. The sign-in is of the moment, and its session is the user's own "session".
type tokens struct{ now func() time.Time }

func (a tokens) Authenticate(_ context.Context, token string) (identity.Claims, error) {
	name, ok := strings.CutPrefix(token, "test:")
	if _, _, named := identity.Name(name).Split(); !ok || !named {
		return identity.Claims{}, fault.New(fault.Unauthenticated, "token_invalid")
	}
	now := a.now().UTC()
	return identity.Claims{Name: identity.Name(name), Session: "session", AuthTime: now, IssuedAt: now, Expires: now.Add(time.Hour)}, nil
}

// Server is an API under test. Requests are handed to it in the process, without a network.
type Server struct {
	http.Handler
	now func() time.Time
}

// Serve assembles the routes over the platform. Rates are unlimited unless an option says otherwise; options may change anything else of
// the configuration too.
func Serve(t testing.TB, p *platform.Platform, routes []edge.Route, options ...func(*edge.Config)) *Server {
	t.Helper()
	none := edge.Rate{PerSecond: -1}
	c := edge.Config{
		Routes: routes, Table: p.Table, IDs: p.IDs, Now: p.Now, Log: p.Log, Crypt: p.Crypt,
		Authenticator: tokens{p.Now}, Subjects: access.New(p.Table, p.Now), Limits: edge.Limits{Source: none, Tenant: none, Denied: none},
	}
	for _, o := range options {
		o(&c)
	}
	h, err := edge.New(c)
	if err != nil {
		t.Fatalf("edgetest: %v", err)
	}
	return &Server{Handler: judged(h, routes), now: p.Now}
}

// As gives a client of the user.
func (s *Server) As(w Who) Client {
	return Client{server: s}.With("Authorization", "Bearer "+w.Token())
}

// Anonymous gives a client without a token.
func (s *Server) Anonymous() Client { return Client{server: s} }

// Client sends JSON requests with the headers that it was given. It is a value: With gives another one.
type Client struct {
	server  *Server
	header  http.Header
	chunked bool
	from    string
	ctx     context.Context //nolint:containedctx // a client is a value that describes requests
}

// With gives a client that sends the header as well; "" removes it.
func (c Client) With(name, value string) Client {
	h := c.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if value == "" {
		h.Del(name)
	} else {
		h.Set(name, value)
	}
	c.header = h
	return c
}

// WithExactly gives a client that sends the header as well, also when the value is empty.
func (c Client) WithExactly(name, value string) Client {
	c = c.With(name, "x")
	c.header.Set(name, value)
	return c
}

// Without gives a client that does not send a header that requests with a body have by themselves.
func (c Client) Without(name string) Client {
	c = c.With(name, "x")
	c.header[http.CanonicalHeaderKey(name)] = nil
	return c
}

// Twice gives a client that sends a header that it has two times.
func (c Client) Twice(name string) Client {
	c.header = c.header.Clone()
	c.header[http.CanonicalHeaderKey(name)] = append(c.header.Values(name), c.header.Get(name))
	return c
}

// Within gives a client whose requests end with the context.
func (c Client) Within(ctx context.Context) Client {
	c.ctx = ctx
	return c
}

// From gives a client at the address and port.
func (c Client) From(addr string) Client {
	c.from = addr
	return c
}

// Chunked gives a client that does not say beforehand how long a body is.
func (c Client) Chunked() Client {
	c.chunked = true
	return c
}

// IfMatch gives a client that names the version.
func (c Client) IfMatch(etag string) Client { return c.With("If-Match", etag) }

// Once gives a client that sends the Idempotency-Key.
func (c Client) Once(key string) Client { return c.With("Idempotency-Key", key) }

// Get sends GET.
func (c Client) Get(path string) *Answer { return c.Do(http.MethodGet, path, nil) }

// Post sends POST; a nil body sends none.
func (c Client) Post(path string, body any) *Answer { return c.Do(http.MethodPost, path, body) }

// Put sends PUT.
func (c Client) Put(path string, body any) *Answer { return c.Do(http.MethodPut, path, body) }

// Patch sends PATCH.
func (c Client) Patch(path string, body any) *Answer { return c.Do(http.MethodPatch, path, body) }

// Delete sends DELETE.
func (c Client) Delete(path string) *Answer { return c.Do(http.MethodDelete, path, nil) }

// Do sends a request. A body of type string or []byte is sent as it is, anything else as JSON, nil not at all.
func (c Client) Do(method, path string, body any) *Answer {
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	case []byte:
		raw = b
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			panic("edgetest: " + err.Error())
		}
	}
	var rd io.Reader
	if body != nil {
		rd = bytes.NewReader(raw)
	}
	r := httptest.NewRequest(method, path, rd)
	r.RemoteAddr = cmp.Or(c.from, "192.0.2.1:1234")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.header {
		r.Header[k] = v
	}
	if c.ctx != nil {
		r = r.WithContext(c.ctx)
	}
	if c.chunked {
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	}
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, r)
	return &Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Code gives the code of a problem, or "" when the answer is none.
func (a *Answer) Code() string { return a.Problem().Code }

// Problem gives the problem document, or the zero one when the answer is none.
func (a *Answer) Problem() edge.Problem {
	var p edge.Problem
	if a.Header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.Body, &p) != nil {
		return edge.Problem{}
	}
	return p
}

// ETag gives the entity tag, for IfMatch.
func (a *Answer) ETag() string { return a.Header.Get("ETag") }

// Want fails the test unless the answer has the status and the code of a problem ("" for none).
func (a *Answer) Want(t testing.TB, status int, code string) *Answer {
	t.Helper()
	if a.Status != status || a.Code() != code {
		t.Fatalf("answered %d %s, want %d %s\n%s", a.Status, a.Code(), status, code, a.Body)
	}
	return a
}

// Field fails the test unless the problem names the pointer with the code.
func (a *Answer) Field(t testing.TB, pointer, code string) *Answer {
	t.Helper()
	for _, e := range a.Problem().Errors {
		if e.Pointer == pointer && e.Code == code {
			return a
		}
	}
	t.Fatalf("no error %s at %s\n%s", code, pointer, a.Body)
	return a
}

// Read decodes the body.
func (a *Answer) Read(t testing.TB, into any) *Answer {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("%v\n%s", err, a.Body)
	}
	return a
}
