package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/once"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/text"
)

// ServeHTTP serves one request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{server: s, w: w, r: r, begun: s.Now().UTC(), id: id.New[id.Request](s.IDs), source: s.sourceOf(r)}
	x.accept = acceptLanguage(r.Header)
	x.locale = s.negotiate(x.accept, text.English)
	x.headers()
	ctx, cancel := context.WithTimeout(r.Context(), s.Limits.Deadline)
	defer cancel()
	err := x.serve(ctx)
	if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || fault.IsKind(err, fault.Unavailable)) {
		x.cut = errors.Is(r.Context().Err(), context.Canceled) // the client left; a server whose own time ends answers
		err = fault.New(fault.Unavailable, "timed_out").After(time.Second).Because(err)
	}
	x.denied(ctx, err)
	x.log(ctx, x.write(err), err)
}

// serve answers into x.reply, or with an error. A panic is an error like any other: its stack is for the log only.
func (x *exchange) serve(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "internal").Because(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if err := x.server.sources.take(x.sourceKey(), x.begun); err != nil {
		return err
	}
	e, params, allow := x.server.routes.find(x.r.Method, x.r.URL.EscapedPath())
	if e == nil {
		if allow != "" {
			x.w.Header().Set("Allow", allow)
			return fault.New(fault.MethodNotAllowed, "method_not_allowed", "allow", allow)
		}
		return fault.New(fault.NotFound, "not_found")
	}
	x.route, x.shape, x.path = &e.route, e.shape, params
	if err := x.checkHeaders(); err != nil {
		return err
	}
	var claims identity.Claims
	if x.route.Access.kind != accessPublic {
		token, err := bearer(x.r.Header)
		if err != nil {
			return err
		}
		if claims, err = x.server.Authenticator.Authenticate(ctx, token); err != nil {
			return err
		}
		x.token = identity.AccessToken(token)
	}
	entered := ""
	defer func() { x.server.inFlight.leave(entered) }()
	for n := range x.server.Limits.MaxAttempts {
		err := x.authorize(ctx, claims, n == 0)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := x.read(ctx); err != nil {
				return err
			}
			if x.remembers() {
				if !x.server.inFlight.enter(x.once().ID()) {
					return fault.New(fault.Conflict, "idempotency_in_flight").After(time.Second)
				}
				entered = x.once().ID()
			}
		}
		if err = x.attempt(ctx); !errors.Is(err, change.ErrMoved) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "busy").After(time.Second)
}

// authorize settles who asks and whether they may at all, as of now.
func (x *exchange) authorize(ctx context.Context, claims identity.Claims, first bool) error {
	base := principal.Principal{
		Locale: x.locale, RequestID: x.id, Operation: x.route.Operation, At: x.begun,
	}
	if x.source.IsValid() {
		base.Source = x.source.String()
	}
	access := x.route.Access
	if access.kind == accessPublic {
		x.set = change.New(base, x.server.IDs, x.server.Now())
		return nil
	}
	who, err := x.server.Subjects.Subject(ctx, claims, base)
	if err != nil {
		return err
	}
	x.locale = x.server.negotiate(x.accept, firstLocale(who.Self.Locale, who.Org.Settings.Locale))
	if who.Locale != x.locale {
		s := *who
		s.Locale = x.locale
		who = &s
	}
	x.who = who
	if first {
		if err := x.server.tenants.take(string(who.Tenant), x.begun); err != nil {
			return err
		}
	}
	if access.kind == accessMay {
		if err := policy.RequireAny(who, access.module, access.action); err != nil {
			return err
		}
	}
	x.set = change.New(who.Principal, x.server.IDs, x.server.Now())
	return nil
}

// attempt runs the operation once and commits what it staged. ErrMoved asks for another attempt.
func (x *exchange) attempt(ctx context.Context) error {
	if x.remembers() {
		if done, err := x.replay(ctx); done || err != nil {
			return err
		}
	}
	err := x.route.run(ctx, x)
	if err == nil {
		err = x.commit(ctx)
	}
	if err == nil || errors.Is(err, change.ErrMoved) || !x.remembers() {
		return err
	}
	// Another process may have committed this very request since we looked; then its reply is the answer, not the conflict with it.
	if done, found := x.replay(ctx); done && found == nil {
		return nil
	}
	return err
}

func (x *exchange) commit(ctx context.Context) error {
	if x.preview {
		return x.foretell(ctx)
	}
	if err := x.foresee(); err != nil {
		return err
	}
	if x.dry {
		x.reply.status, x.reply.version, x.reply.location = http.StatusOK, 0, ""
		return x.set.Verify(ctx, x.server.Table)
	}
	if x.remembers() {
		if err := x.remember(ctx); err != nil {
			return err
		}
	}
	if err := x.set.Commit(ctx, x.server.Table); err != nil {
		return err
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.server.Limits.Deadline)
	defer cancel()
	if err := x.set.Effects(after); err != nil {
		x.server.Log.WarnContext(ctx, "effect", "requestId", x.id, "operation", x.route.Operation, "error", err.Error())
	}
	return nil
}

// remembers reports whether the reply is stored under the client's Idempotency-Key.
func (x *exchange) remembers() bool {
	return x.key != "" && x.who != nil && !x.dry && x.route.replays()
}

// once names the request for its Idempotency-Key. Tenant, user and operation stay what they are however often it runs.
func (x *exchange) once() once.Request {
	if x.request == nil {
		r := x.identify()
		x.request = &r
	}
	return *x.request
}

func (x *exchange) identify() once.Request {
	return once.Of(x.who.Principal, x.key, []byte(x.r.Method), []byte(x.r.URL.EscapedPath()), []byte(x.r.URL.RawQuery), x.body)
}

// asked is an Accept-Language header and what to answer in without it.
type asked struct{ accept, fallback string }

// negotiate is text.Negotiate, remembered for the headers that were seen last: clients send few different ones.
func (s *server) negotiate(accept, fallback string) string {
	if accept == "" {
		return fallback
	}
	if l, ok := s.locales.Get(asked{accept, fallback}); ok {
		return l
	}
	l := text.Negotiate(accept, fallback)
	s.locales.Add(asked{strings.Clone(accept), fallback}, l)
	return l
}

func firstLocale(of ...string) string {
	for _, l := range of {
		if text.IsLocale(l) {
			return l
		}
	}
	return text.English
}

func acceptLanguage(h http.Header) string {
	v := h["Accept-Language"]
	switch {
	case len(v) == 0:
		return ""
	case len(v) == 1 && len(v[0]) <= 256:
		return v[0]
	}
	s := strings.Join(v, ",")
	if len(s) > 256 {
		return ""
	}
	return s
}

// write sends the reply, or the problem. It gives the status and the bytes of the body.
func (x *exchange) write(err error) written {
	h := x.w.Header()
	if err != nil {
		return x.writeProblem(fault.Of(err))
	}
	a := &x.reply
	for k, v := range a.header {
		h.Set(k, v)
	}
	if a.version != 0 {
		h["Etag"] = []string{etag(a.version)}
	}
	if a.location != "" {
		h["Location"] = []string{a.location}
	}
	if a.fixed != nil {
		return x.writeFixed(a.fixed, a.status)
	}
	if len(a.body) == 0 {
		x.w.WriteHeader(a.status)
		return written{status: a.status}
	}
	h["Content-Type"] = []string{a.typ}
	h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	x.w.WriteHeader(a.status)
	if x.r.Method == http.MethodHead {
		return written{status: a.status}
	}
	n, werr := x.w.Write(a.body)
	return written{status: a.status, bytes: n, err: werr}
}

type written struct {
	status, bytes int
	err           error
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// mutates reports whether the request asks for a change. A POST that asks for a part of a list does not.
func (x *exchange) mutates() bool {
	return !x.route.pages && !slices.Contains([]string{http.MethodGet, http.MethodHead}, x.r.Method)
}
