package edge

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/once"
	"github.com/steward-crm/steward/shared/policy"
)

type runner func(ctx context.Context, x *exchange) error

// exchange is one request on its way through the edge. The fields above the line are settled once; those below belong to one run of the
// operation and are made anew when it runs again.
type exchange struct {
	server   *server
	w        http.ResponseWriter
	r        *http.Request
	route    *Route
	shape    *shape
	id       id.Request
	begun    time.Time
	source   netip.Addr
	accept   string // Accept-Language
	path     map[string]string
	query    url.Values
	page     Page
	asked    string // digest of the list that the body asks for; "" for none
	ifMatch  int64
	key      string // Idempotency-Key
	body     []byte
	dry      bool
	preview  bool          // dry, and the answer is what the change would do
	foreseen string        // Preview-Hash
	cut      bool          // the client went away
	request  *once.Request // see once

	locale string
	who    *policy.Subject
	token  identity.AccessToken
	set    *change.Set
	reply  answer
}

// answer is a handler's reply, rendered.
type answer struct {
	status   int
	version  int64
	location string
	typ      string
	header   map[string]string
	body     []byte
	fixed    *Fixed
}

var noneType = reflect.TypeFor[None]()

// Handle binds a handler to its route. In is decoded from the body (None: no body is allowed), Out is rendered as JSON. Out of type None
// answers no body, with status 204 unless the route names another.
//
// The handler must be free of effects other than staging into Request.Change: edge runs it again, with a fresh Request, when a premise
// moved before the commit.
func Handle[In, Out any](r Route, h func(context.Context, *Request[In]) (*Reply[Out], error)) Route {
	r.in, r.out = reflect.TypeFor[In](), reflect.TypeFor[Out]()
	_, r.pages = any(new(In)).(pager)
	if r.Status == 0 {
		r.Status = http.StatusOK
		if r.out == noneType {
			r.Status = http.StatusNoContent
		}
	}
	takesBody := !r.Raw && r.in != noneType
	r.run = func(ctx context.Context, x *exchange) error {
		req := &Request[In]{
			Who: x.who, Token: x.token, Change: x.set, Query: x.query, Page: x.page, IfMatch: x.ifMatch, Locale: x.locale, Source: x.source,
			DryRun: x.dry, path: x.path,
		}
		if x.route.Raw {
			req.Header, req.Body = x.r.Header, x.body
		}
		if takesBody {
			if err := decode(x.body, &req.In, x.shape); err != nil {
				return err
			}
		}
		if p, ok := any(&req.In).(pager); ok {
			if err := x.turn(ctx, p.paging()); err != nil {
				return err
			}
			req.Page = x.page
		}
		rep, err := h(ctx, req)
		if err != nil {
			return err
		}
		if rep == nil {
			rep = new(Reply[Out])
		}
		return render(ctx, x, rep)
	}
	return r
}

// paged is every List: the one body that edge writes into, because it seals the cursor.
type paged interface{ next(cursor string) }

func (l *List[T]) next(cursor string) { l.NextCursor = cursor }

func render[Out any](ctx context.Context, x *exchange, rep *Reply[Out]) error {
	x.reply = answer{status: x.route.Status, version: rep.Version, location: rep.Location, header: rep.Header}
	if rep.Status != 0 {
		x.reply.status = rep.Status
	}
	switch body := any(&rep.Body).(type) {
	case *None:
		return nil
	case *Bytes:
		x.reply.typ, x.reply.body, x.reply.fixed = body.Type, body.Data, body.Fixed
		return nil
	case paged:
		if rep.Next != "" {
			cursor, err := x.sealCursor(ctx, rep.Next)
			if err != nil {
				return err
			}
			body.next(cursor)
		}
	}
	b, err := json.Marshal(&rep.Body, json.Deterministic(true))
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	x.reply.typ, x.reply.body = "application/json", b
	return nil
}

// PathID gives the id in the path. One that is malformed is NotFound not_found, so that a malformed, an unknown and a foreign id look
// the same.
func PathID[K id.Kind, In any](r *Request[In], name string) (K, error) {
	k, err := id.Parse[K](r.path[name])
	if err != nil {
		return k, fault.New(fault.NotFound, "not_found")
	}
	return k, nil
}

// PathText gives a part of the path that is no id: decoded, at most 255 bytes, without slashes and control characters; "" when the route
// has no such part.
func PathText[In any](r *Request[In], name string) string { return r.path[name] }
