package edge

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/text"
)

// statuses is the one table from a fault's kind to its status.
var statuses = map[fault.Kind]int{
	fault.Internal:             http.StatusInternalServerError,
	fault.Malformed:            http.StatusBadRequest,
	fault.Unauthenticated:      http.StatusUnauthorized,
	fault.Denied:               http.StatusForbidden,
	fault.NotFound:             http.StatusNotFound,
	fault.MethodNotAllowed:     http.StatusMethodNotAllowed,
	fault.NotAcceptable:        http.StatusNotAcceptable,
	fault.Conflict:             http.StatusConflict,
	fault.Stale:                http.StatusPreconditionFailed,
	fault.TooLarge:             http.StatusRequestEntityTooLarge,
	fault.Unsupported:          http.StatusUnsupportedMediaType,
	fault.Invalid:              http.StatusUnprocessableEntity,
	fault.Locked:               http.StatusLocked,
	fault.PreconditionRequired: http.StatusPreconditionRequired,
	fault.Exhausted:            http.StatusTooManyRequests,
	fault.Unavailable:          http.StatusServiceUnavailable,
}

// Status gives the status of a kind.
func Status(k fault.Kind) int { return statuses[k] }

// ProblemType is the prefix of every problem's type; the code follows.
const ProblemType = "https://github.com/steward-crm/steward/blob/main/infra/docs/errors.md#"

// Problem is the document of every refusal, by RFC 9457.
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"` // in the caller's language
	Status    int            `json:"status"`
	Code      string         `json:"code"` // stable: programs go by it
	Errors    []ProblemField `json:"errors,omitempty"`
	RequestID id.Request     `json:"requestId"`
	Version   int64          `json:"version,omitzero"` // of version_conflict: the current one
}

// ProblemField is one part of the request that is at fault.
type ProblemField struct {
	Pointer string `json:"pointer"` // RFC 6901, into the body
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (x *exchange) problem(f *fault.Fault) Problem {
	p := Problem{Status: statuses[f.Kind], Code: f.Code, RequestID: x.id, Version: f.Version}
	if p.Status == 0 {
		p.Status = http.StatusInternalServerError
	}
	if f.Kind == fault.Internal { // what went wrong inside is for the log
		p.Code = "internal"
		f = fault.New(fault.Internal, "internal")
	}
	p.Type = ProblemType + p.Code
	p.Title = x.say(f.Code, f.Args)
	for _, e := range f.Fields {
		p.Errors = append(p.Errors, ProblemField{Pointer: e.Pointer, Code: e.Code, Message: x.say(e.Code, e.Args)})
	}
	return p
}

// say words a code. A code that can name the nearest known name has a second text for it.
func (x *exchange) say(code string, args fault.Args) string {
	if args["nearest"] != "" && text.Known(code+".nearest") {
		code += ".nearest"
	}
	return text.Say(x.locale, code, args)
}

func (x *exchange) writeProblem(f *fault.Fault) written {
	p := x.problem(f)
	body, err := json.Marshal(&p)
	if err != nil { // plain strings and numbers: cannot be
		body = []byte(`{"status":500,"code":"internal"}`)
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", x.locale)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	} else if f.Kind == fault.Exhausted || f.Kind == fault.Unavailable {
		h.Set("Retry-After", strconv.Itoa(int((5 * time.Second).Seconds())))
	}
	if f.Kind == fault.Unauthenticated {
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	x.w.WriteHeader(p.Status)
	if x.r.Method == http.MethodHead {
		return written{status: p.Status}
	}
	n, err := x.w.Write(body)
	return written{status: p.Status, bytes: n, err: err}
}
