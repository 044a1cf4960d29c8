// Package edge is where HTTP begins and ends. It matches a request to its route, holds it to the limits, decodes it strictly, finds out who
// asks, lets the operation run, commits its change once and renders the answer or the refusal, in this order:
//
//	route → headers → rate of the source → token → subject → rate of the tenant → permission → query → If-Match →
//	Idempotency-Key → body → operation → commit → effects → answer → one log line
//
// It knows every HTTP word and no business word: what an account is, which role grants what and where data lies are others' to know. The
// vendor's identity provider is behind Authenticator, the rights behind Subjects and package policy.
package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Authenticator verifies a bearer token. Every failure is Unauthenticated token_invalid, except that a provider whose keys cannot be had is
// Unavailable identity_unavailable.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (identity.Claims, error)
}

// Subjects turns a verified token into who asks, with their rights as of now. *access.Access is one.
type Subjects interface {
	Subject(ctx context.Context, c identity.Claims, base principal.Principal) (*policy.Subject, error)
}

// Config is what an edge is made of. Fields without a remark are required; but Authenticator and Subjects may be nil where all routes are
// public, and Table and Crypt where besides they only read.
type Config struct {
	Routes        []Route
	Table         table.Table
	IDs           *id.Source
	Now           func() time.Time
	Log           *slog.Logger
	Crypt         *crypt.Crypt
	Authenticator Authenticator // such as NewVerifier
	Subjects      Subjects
	Limits        Limits // zero fields take the defaults

	// TrustedProxies are the networks whose X-Forwarded-For is believed: the address taken is the last one that none of them holds. Empty:
	// the header is ignored.
	TrustedProxies []netip.Prefix
	// TLS says that clients reach the API by HTTPS only: answers carry Strict-Transport-Security.
	TLS bool
}

// Limits bound what one request, one source and one tenant may ask for.
type Limits struct {
	Body        int64         // bytes of a body; default 1 MB
	Deadline    time.Duration // of a request; default 10 s
	Source      Rate          // requests of one network address (IPv6: one /64); default 50 a second, bursts of 200
	Tenant      Rate          // authenticated requests of one tenant; default 200 a second, bursts of 1,000
	Denied      Rate          // audited denials of one user; default 1 in 10 s, bursts of 20. Denials beyond are answered, and only logged
	Remembered  int           // sources, and tenants, and users whose rate is remembered; default 10,000 each
	CursorLife  time.Duration // how long a cursor is accepted; default 24 h
	MaxAttempts int           // runs of an operation whose premise moves; default 5
}

// Rate is a token bucket. A negative PerSecond is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

func (l *Limits) fill() {
	if l.Body == 0 {
		l.Body = 1 << 20
	}
	if l.Deadline == 0 {
		l.Deadline = 10 * time.Second
	}
	if l.Source == (Rate{}) {
		l.Source = Rate{PerSecond: 50, Burst: 200}
	}
	if l.Tenant == (Rate{}) {
		l.Tenant = Rate{PerSecond: 200, Burst: 1000}
	}
	if l.Denied == (Rate{}) {
		l.Denied = Rate{PerSecond: 0.1, Burst: 20}
	}
	if l.Remembered == 0 {
		l.Remembered = 10_000
	}
	if l.CursorLife == 0 {
		l.CursorLife = 24 * time.Hour
	}
	if l.MaxAttempts == 0 {
		l.MaxAttempts = 5
	}
}

type server struct {
	Config
	routes   router
	sources  *buckets
	tenants  *buckets
	denials  *buckets
	locales  *lru.Cache[asked, string]
	inFlight register
}

// maxLocales is how many Accept-Language headers, of 256 bytes at most, are remembered.
const maxLocales = 1024

// New assembles the API. It fails, with every reason, when a route is not fit to serve: no declared Access, no handler, two of one
// operation or path, a path that cannot be matched.
func New(c Config) (http.Handler, error) {
	c.Limits.fill()
	public := !slices.ContainsFunc(c.Routes, func(r Route) bool { return r.Access.kind != accessPublic })
	still := public && !slices.ContainsFunc(c.Routes, func(r Route) bool { return r.Method != http.MethodGet })
	stores, known := c.Table != nil && c.Crypt != nil, c.Authenticator != nil && c.Subjects != nil
	if c.IDs == nil || c.Now == nil || c.Log == nil || !stores && !still || !known && !public {
		return nil, fmt.Errorf("edge: the configuration lacks a part: table %t, ids %t, now %t, log %t, crypt %t, authenticator %t, subjects %t",
			c.Table != nil, c.IDs != nil, c.Now != nil, c.Log != nil, c.Crypt != nil, c.Authenticator != nil, c.Subjects != nil)
	}
	s := &server{
		Config:  c,
		sources: newBuckets(c.Limits.Source, c.Limits.Remembered),
		tenants: newBuckets(c.Limits.Tenant, c.Limits.Remembered),
		denials: newBuckets(c.Limits.Denied, c.Limits.Remembered),
	}
	var err error
	if s.locales, err = lru.New[asked, string](maxLocales); err != nil {
		return nil, err
	}
	if s.routes, err = newRouter(c.Routes); err != nil {
		return nil, err
	}
	return s, nil
}
