package edge

import (
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"time"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/policy"
)

// Access says who may call a route. Its zero value is refused when the API is assembled: every route declares it.
type Access struct {
	kind   accessKind
	module policy.Module
	action policy.Action
	reason string
}

type accessKind uint8

const (
	undeclared accessKind = iota
	accessPublic
	accessSelf
	accessMay
)

// Public is a route without a token; the reason is kept in the document: it authenticates by other means, or needs none.
func Public(reason string) Access { return Access{kind: accessPublic, reason: reason} }

// Self is a route for any active user, about that user's own data.
func Self() Access { return Access{kind: accessSelf} }

// May is a route for users with a role that grants the action of the module in any scope. Which resources it reaches, the noun decides.
func May(m policy.Module, a policy.Action) Access {
	return Access{kind: accessMay, module: m, action: a}
}

// String gives the right in the documents: public, self, or module.action.
func (a Access) String() string {
	switch a.kind {
	case accessPublic:
		return "public"
	case accessSelf:
		return "self"
	case accessMay:
		return string(a.module) + "." + string(a.action)
	}
	return "undeclared"
}

// Route is one operation of the API. Operation names it everywhere: audit action, metric, Lambda handler.
type Route struct {
	Operation string // accounts.create
	Method    string // http.MethodPost
	Path      string // /v1/accounts/{id}
	Summary   string // one English sentence for the document
	Access    Access
	Status    int     // of success; 0 means 200, or 204 when Out is None
	Query     []Param // query parameters besides limit, cursor and validateOnly; any other is refused
	List      bool    // a GET that takes limit and cursor; a POST's body embeds Paging instead
	NoMatch   bool    // a PATCH, PUT or DELETE that needs no If-Match, because it names no version; the summary says why
	Raw       bool    // the body is handed over as bytes, undecoded, with its headers: signed webhooks
	Secret    bool    // the answer holds secrets: it is never stored for replay
	Preview   Preview // takes preview=true, and the header Preview-Hash; nil: neither
	Foretells string  // the operation whose change this route only previews, with the same body and the same parameters in its path
	Produces  string  // media type of an answer that is not JSON, for Out of type Bytes; "" is application/json

	run     runner
	in, out reflect.Type
	pages   bool // its body asks for a part of a list: see Paging
}

// Param is a query parameter.
type Param struct {
	Name        string
	Description string
	Enum        []string // allowed values; nil: any
}

// Request is what a handler gets. Everything in it is checked: the body is decoded strictly, the principal is authenticated, the route's
// permission is held, the page is in range.
type Request[In any] struct {
	Who     *policy.Subject      // nil on Public routes
	Token   identity.AccessToken // that the request came with; "" on Public routes. Only to be handed on to the provider
	Change  *change.Set          // stage the change here; edge commits it once. On Public routes its principal is empty: set Change.Who
	In      In                   // the body; struct{} for none
	Query   url.Values           // declared parameters only
	Page    Page
	IfMatch int64 // version that the client named; 0: none. Compare with Match
	Locale  string
	Source  netip.Addr  // of the client
	Header  http.Header // Raw routes only
	Body    []byte      // Raw routes only
	DryRun  bool        // validateOnly: stage as ever; edge checks, writes nothing, and answers 200 without ETag and Location
	path    map[string]string
}

// Page is the part of a list that is asked for.
type Page struct {
	Limit int    // 1 to 100, default 50
	After string // the position that an earlier Reply.Next named; "" is the start. It was sealed: trust it
	Count bool   // count=true
}

// Reply is what a handler answers.
type Reply[Out any] struct {
	Body     Out
	Version  int64  // after the commit: becomes the ETag; 0 for none
	Location string // path of a created resource
	Status   int    // when it differs from the route's
	Next     string // lists: position of the next page; edge seals it into nextCursor. "" is the end
	Header   map[string]string
}

// List is the body of every list.
type List[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"nextCursor,omitempty"`
	Count      *Count `json:"count,omitempty"`
}

// Count is how many items a list has in all; at least so many when it is not exact.
type Count struct {
	Value int       `json:"value"`
	Exact bool      `json:"exact"`
	AsOf  time.Time `json:"asOf,omitzero"` // of a count that is exact as of then; absent: now
	Why   string    `json:"why,omitzero"`  // of one that is not exact: stopped_at_bound, too_many_grants, counters_behind
}

// None is the body of routes that take or answer none.
type None struct{}

// Bytes is an answer that is not JSON: a page, a picture. Route.Produces says what it is; Type says it more exactly.
type Bytes struct {
	Type  string
	Data  []byte
	Fixed *Fixed // instead of both: what is known beforehand
}
