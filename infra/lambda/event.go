package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// request is what is used of API Gateway's event of an HTTP API, payload format 2.0; the rest is skipped unread. Cookies are no part of it:
// the API knows none. The gateway has joined what a client sent of one header by commas. Nothing undoes that: of headers that are lists a
// comma is the same, and of those that are one value edge refuses a comma, or takes the joined text as one value (Idempotency-Key).
type request struct {
	Version string            `json:"version"`
	Path    string            `json:"rawPath"`
	Query   string            `json:"rawQueryString"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Base64  bool              `json:"isBase64Encoded"`
	Context struct {
		ID   string `json:"requestId"`
		HTTP struct {
			Method string `json:"method"`
			Source string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
}

// response is the answer in payload format 2.0, but for the body, which is its last member.
type response struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Base64  bool              `json:"isBase64Encoded,omitzero"`
}

// readRequest makes the event an http.Request. The source is what the gateway saw: whoever writes an X-Forwarded-For writes it for nobody.
func readRequest(ctx context.Context, event []byte) (*http.Request, error) {
	var e request
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("lambda: the event cannot be read: %w", err)
	}
	if e.Version != "2.0" || e.Path == "" || e.Context.HTTP.Method == "" {
		return nil, errors.New("lambda: the event is none of an HTTP API in payload format 2.0")
	}
	body := []byte(e.Body)
	if e.Base64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, fmt.Errorf("lambda: the body is not base64: %w", err)
		}
	}
	r := &http.Request{
		Method: e.Context.HTTP.Method, URL: address(e.Path, e.Query), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(e.Headers)), Body: http.NoBody, ContentLength: int64(len(body)),
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if e.Context.HTTP.Source != "" {
		r.RemoteAddr = net.JoinHostPort(e.Context.HTTP.Source, "0")
	}
	for name, value := range e.Headers {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Host":
			r.Host = value
		case "Cookie":
		default:
			r.Header[name] = []string{value}
		}
	}
	return r.WithContext(context.WithValue(ctx, gatewayID{}, e.Context.ID)), nil
}

// address keeps path and query byte for byte. A path that is no escaped path came decoded, and is taken as it stands.
func address(path, query string) *url.URL {
	if plain, err := url.PathUnescape(path); err == nil {
		if u := (&url.URL{Path: plain, RawPath: path, RawQuery: query}); u.EscapedPath() == path {
			return u
		}
	}
	return &url.URL{Path: path, RawQuery: query}
}

// writer collects an answer.
type writer struct {
	status int
	header http.Header
	body   []byte
	fixed  bool // the body stays as it is for ever
	kept   *forms
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, b...)
	return len(b), nil
}

// WriteFixed takes all of a body that stays as it is, for edge.FixedWriter.
func (w *writer) WriteFixed(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body, w.fixed = b, true
	return len(b), nil
}

// answer is the event's answer. What is no text goes in base64, which API Gateway undoes.
func (w *writer) answer() ([]byte, error) {
	w.WriteHeader(http.StatusOK)
	a := response{Status: w.status, Headers: make(map[string]string, len(w.header)), Base64: !w.isText()}
	for name, values := range w.header {
		a.Headers[name] = strings.Join(values, ",")
	}
	head, err := json.Marshal(&a)
	if err != nil || len(w.body) == 0 {
		return head, err
	}
	form, err := w.form(a.Base64)
	return slices.Concat(head[:len(head)-1], []byte(`,"body":`), form, []byte("}")), err
}

// form is the body as a JSON string.
func (w *writer) form(coded bool) ([]byte, error) {
	if !w.fixed {
		return quote(w.body, coded)
	}
	return w.kept.of(w.body, coded)
}

func quote(body []byte, coded bool) ([]byte, error) {
	if !coded {
		return jsontext.AppendQuote(nil, body)
	}
	return append(base64.StdEncoding.AppendEncode([]byte(`"`), body), '"'), nil
}

// forms are bodies that stay as they are for ever, as they stand in an event: escaped, or in base64. A process serves one operation, which has
// a few of them at most.
type forms struct {
	mu   sync.Mutex
	made map[*byte][]byte // by the body's first byte
}

func (f *forms) of(body []byte, coded bool) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if form := f.made[&body[0]]; form != nil {
		return form, nil
	}
	form, err := quote(body, coded)
	if err == nil {
		f.made[&body[0]] = bytes.Clone(form)
	}
	return form, err
}

func (w *writer) isText() bool {
	if len(w.body) == 0 {
		return true
	}
	typ, _, _ := strings.Cut(w.header.Get("Content-Type"), ";")
	typ = strings.ToLower(strings.TrimSpace(typ))
	text := strings.HasPrefix(typ, "text/") || strings.HasSuffix(typ, "json") || strings.HasSuffix(typ, "+xml") || typ == "application/javascript"
	return text && w.header.Get("Content-Encoding") == "" && utf8.Valid(w.body)
}
