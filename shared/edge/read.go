package edge

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/fault"
)

// checkHeaders judges what can be judged before anything is read.
func (x *exchange) checkHeaders() error {
	h := x.r.Header
	if x.r.ContentLength > x.server.Limits.Body {
		return x.tooLarge()
	}
	if len(h["Content-Encoding"]) > 0 {
		return fault.New(fault.Unsupported, "content_encoding_unsupported")
	}
	if x.route.TakesBody() {
		if ct := h["Content-Type"]; len(ct) > 0 && !x.typeFits(ct) {
			return x.wrongType()
		}
	}
	produces := x.route.Produces
	if produces == "" {
		produces = "application/json"
	}
	if !accepts(h["Accept"], produces) {
		return fault.New(fault.NotAcceptable, "not_acceptable", "type", produces)
	}
	return nil
}

func (x *exchange) tooLarge() error {
	return fault.New(fault.TooLarge, "body_too_large", "max", strconv.FormatInt(x.server.Limits.Body, 10))
}

func (x *exchange) wrongType() error {
	return fault.New(fault.Unsupported, "content_type_unsupported", "type", "application/json")
}

func (x *exchange) typeFits(ct []string) bool {
	if len(ct) != 1 {
		return false
	}
	if ct[0] == "application/json" {
		return true
	}
	typ, params, err := mime.ParseMediaType(ct[0])
	if err != nil || (typ != "application/json" && (typ != "application/merge-patch+json" || x.r.Method != http.MethodPatch)) {
		return false
	}
	for k, v := range params {
		if k != "charset" || !strings.EqualFold(v, "utf-8") {
			return false
		}
	}
	return true
}

// accepts reports whether an Accept header allows the media type.
func accepts(header []string, produces string) bool {
	if len(header) == 0 || (len(header) == 1 && (header[0] == "*/*" || header[0] == produces || header[0] == "")) {
		return true
	}
	family, _, _ := strings.Cut(produces, "/")
	for _, line := range header {
		for part := range strings.SplitSeq(line, ",") {
			typ, params, _ := strings.Cut(part, ";")
			typ = strings.ToLower(strings.TrimSpace(typ))
			if (typ == "*/*" || typ == produces || typ == family+"/*") && !refused(params) {
				return true
			}
		}
	}
	return false
}

func refused(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(p), "="); ok && strings.EqualFold(k, "q") {
			q, err := strconv.ParseFloat(v, 64)
			return err != nil || q == 0
		}
	}
	return false
}

// read takes in everything else that the client sent: query, preconditions, key and body.
func (x *exchange) read(ctx context.Context) error {
	if err := x.readQuery(ctx); err != nil {
		return err
	}
	if err := x.readIfMatch(); err != nil {
		return err
	}
	if err := x.readKey(); err != nil {
		return err
	}
	if err := x.readPreview(); err != nil {
		return err
	}
	return x.readBody()
}

func (x *exchange) readQuery(ctx context.Context) error {
	x.page.Limit = defaultItems
	x.preview = x.route.Foretells != ""
	x.dry = x.preview
	if x.r.URL.RawQuery == "" {
		return nil
	}
	if len(x.r.URL.RawQuery) > 8192 {
		return fault.New(fault.Malformed, "invalid_query")
	}
	q, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return fault.New(fault.Malformed, "invalid_query")
	}
	known := x.route.parameters()
	for name, values := range q {
		if !slices.ContainsFunc(known, func(p Param) bool { return p.Name == name }) {
			names := make([]string, len(known))
			for i, p := range known {
				names[i] = p.Name
			}
			return unknownParameter(names, name)
		}
		if len(values) != 1 || !utf8.ValidString(values[0]) {
			return fault.New(fault.Malformed, "invalid_query")
		}
	}
	for _, p := range known {
		if p.Enum != nil && q.Has(p.Name) && !slices.Contains(p.Enum, q.Get(p.Name)) {
			return fault.New(fault.Malformed, "invalid_parameter", "name", p.Name, "allowed", strings.Join(p.Enum, ", "))
		}
	}
	x.preview = x.preview || q.Get("preview") == "true"
	x.dry = x.preview || q.Get("validateOnly") == "true"
	x.page.Count = q.Get("count") == "true"
	if q.Has("limit") {
		if x.page.Limit, err = pageSize(q.Get("limit")); err != nil {
			return err
		}
	}
	cursor, paged := q.Get("cursor"), q.Has("cursor")
	for _, own := range []string{"limit", "cursor", "count", "validateOnly", "preview"} {
		q.Del(own)
	}
	x.query = q
	if paged {
		x.page.After, err = x.openCursor(ctx, cursor)
	}
	return err
}

var (
	limitParam   = Param{Name: "limit", Description: "Items of a page, 1 to 100; 50 when absent."}
	cursorParam  = Param{Name: "cursor", Description: "The nextCursor of the page before. It is good for 24 hours, for the same user and query."}
	countParam   = Param{Name: "count", Description: "Whether to count all items.", Enum: []string{"true", "false"}}
	previewParam = Param{
		Name: "preview", Description: "Answer what the change would do to who may do what, and change nothing: {hash, preview}.", Enum: []string{"true", "false"},
	}
	dryParam = Param{Name: "validateOnly", Description: "Give the verdict of the real call and change nothing.", Enum: []string{"true", "false"}}
)

// parameters are all query parameters that the route takes.
func (r *Route) parameters() []Param {
	all := slices.Clone(r.Query)
	if r.List {
		all = append(all, limitParam, cursorParam, countParam)
	}
	if r.Method != http.MethodGet && r.Access.kind != accessPublic {
		all = append(all, dryParam)
	}
	if r.Preview != nil && r.Foretells == "" {
		all = append(all, previewParam)
	}
	return all
}

func unknownParameter(known []string, name string) error {
	if len(known) == 0 {
		return fault.New(fault.Malformed, "unknown_parameter", "known", "–")
	}
	slices.Sort(known)
	args := []string{"known", strings.Join(known, ", ")}
	if n := nearest(name, known); n != "" {
		args = append(args, "nearest", n)
	}
	return fault.New(fault.Malformed, "unknown_parameter", args...)
}

// NeedsMatch reports whether the route refuses a request without If-Match.
func (r *Route) NeedsMatch() bool {
	return !r.NoMatch && (r.Method == http.MethodPatch || r.Method == http.MethodPut || r.Method == http.MethodDelete)
}

// readIfMatch understands one strong tag of ours. "*" names no version. A tag that is none of ours, such as a weak one, matches nothing:
// -1, so that Match answers with the current version.
func (x *exchange) readIfMatch() error {
	v := x.r.Header["If-Match"]
	if len(v) == 0 {
		if x.route.NeedsMatch() && x.route.Access.kind != accessPublic {
			return fault.New(fault.PreconditionRequired, "if_match_required")
		}
		return nil
	}
	tag := strings.TrimSpace(v[0])
	if len(v) != 1 || tag == "" || len(tag) > 128 || strings.Contains(tag, ",") {
		return fault.New(fault.Malformed, "invalid_if_match")
	}
	if tag == "*" {
		return nil
	}
	if n, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64); err == nil && n > 0 && tag == etag(n) {
		x.ifMatch = n
		return nil
	}
	if weak := strings.TrimPrefix(tag, "W/"); len(weak) < 2 || weak[0] != '"' || weak[len(weak)-1] != '"' {
		return fault.New(fault.Malformed, "invalid_if_match")
	}
	x.ifMatch = -1
	return nil
}

// readKey accepts 1 to 255 printable ASCII characters on every POST, and overlooks the header elsewhere.
func (x *exchange) readKey() error {
	v := x.r.Header["Idempotency-Key"]
	if x.r.Method != http.MethodPost || len(v) == 0 {
		return nil
	}
	k := v[0]
	if len(v) != 1 || k == "" || len(k) > 255 || strings.ContainsFunc(k, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return fault.New(fault.Malformed, "invalid_idempotency_key", "max", "255")
	}
	x.key = k
	return nil
}

func (x *exchange) readBody() error {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return x.checkBody()
	}
	rd := http.MaxBytesReader(x.w, x.r.Body, x.server.Limits.Body)
	var err error
	if n := x.r.ContentLength; n > 0 {
		x.body = make([]byte, n)
		_, err = io.ReadFull(rd, x.body)
	} else {
		x.body, err = io.ReadAll(rd)
	}
	if err != nil {
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return x.tooLarge()
		}
		return fault.New(fault.Malformed, "body_cut_short").Because(err)
	}
	return x.checkBody()
}

func (x *exchange) checkBody() error {
	switch {
	case len(x.body) == 0 && x.route.in != noneType && !x.route.Raw:
		return fault.New(fault.Malformed, "body_required")
	case len(x.body) > 0 && !x.route.TakesBody():
		return fault.New(fault.Malformed, "body_not_allowed")
	case len(x.body) > 0 && len(x.r.Header["Content-Type"]) == 0:
		return x.wrongType()
	}
	return nil
}

// replays reports whether a reply is stored under the client's Idempotency-Key, to be answered again.
func (r *Route) replays() bool {
	return r.Method == http.MethodPost && r.Access.kind != accessPublic && !r.Secret && !r.pages
}

// TakesBody reports whether the route's requests carry a JSON body.
func (r *Route) TakesBody() bool { return r.Raw || r.in != noneType }
