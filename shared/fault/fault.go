// Package fault is the one error type inside Steward. A Fault says what kind of refusal it is, a stable code that clients may
// program against, and which parts of the request are at fault. It knows nothing of HTTP (edge renders it) nor of languages
// (text words it), and it never carries a value that a user sent: only limits and names, so that an error cannot leak data.
package fault

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// Kind is the class of a refusal. Edge maps each kind to one HTTP status; see edge's table.
type Kind uint8

// The kinds, with the status that edge gives each.
const (
	Internal             Kind = iota // 500: a failure that is not the request's fault; its cause is logged, never shown
	Malformed                        // 400: the request cannot be read
	Unauthenticated                  // 401: who asks is not known
	Denied                           // 403: who asks is known and may not
	NotFound                         // 404: it does not exist, or not for who asks
	MethodNotAllowed                 // 405: the path exists, the method does not
	NotAcceptable                    // 406: no representation that the client accepts
	Conflict                         // 409: the state of the resource forbids it
	Stale                            // 412: the version named is not the current one
	TooLarge                         // 413: the body exceeds the limit
	Unsupported                      // 415: the content type or encoding is not supported
	Invalid                          // 422: readable, and against a rule
	Locked                           // 423: a key is disabled, so the data can neither be read nor written
	PreconditionRequired             // 428: If-Match is missing
	Exhausted                        // 429: a limit of rate or quota is used up
	Unavailable                      // 503: a part is out of order for now; the same request may succeed later
)

// Args are the named parameters of a message: limits, counts, names of fields. Never a value from the request.
type Args map[string]string

// Field is one part of a request that is at fault.
type Field struct {
	Pointer string // RFC 6901 JSON pointer into the body, such as /contacts/0/email; "" is the whole body
	Code    string // stable code, such as invalid_email
	Args    Args
}

// Fault is a refusal. Build it with New or a helper of the kind; hand it around as error.
type Fault struct {
	Kind       Kind
	Code       string
	Args       Args
	Fields     []Field
	RetryAfter time.Duration // when the same request is worth sending again; 0 says nothing
	Version    int64         // for Stale: the current version of the resource; 0 when unknown
	cause      error
}

// New returns a fault of the kind with the code; args are name, value pairs.
func New(k Kind, code string, args ...string) *Fault {
	return &Fault{Kind: k, Code: code, Args: pairs(args)}
}

// At returns a field at fault; args are name, value pairs.
func At(pointer, code string, args ...string) Field {
	return Field{Pointer: pointer, Code: code, Args: pairs(args)}
}

// Fields returns nil for no fields, else a fault of kind Invalid that names them all. Its code is the fields' own when they share
// one, else validation_failed.
func Fields(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	f := &Fault{Kind: Invalid, Code: fields[0].Code, Args: fields[0].Args, Fields: fields}
	for _, x := range fields[1:] {
		if x.Code != f.Code {
			f.Code, f.Args = "validation_failed", nil
			break
		}
		if !maps.Equal(x.Args, f.Args) {
			f.Args = nil
		}
	}
	return f
}

// With returns a copy that names the fields as well.
func (f *Fault) With(fields ...Field) *Fault {
	g := *f
	g.Fields = append(slices.Clone(f.Fields), fields...)
	return &g
}

// Because returns a copy that wraps the cause. The cause is for the log only.
func (f *Fault) Because(cause error) *Fault {
	g := *f
	g.cause = cause
	return &g
}

// After returns a copy that says when to try again.
func (f *Fault) After(d time.Duration) *Fault {
	g := *f
	g.RetryAfter = d
	return &g
}

// AtVersion returns a copy that names the resource's current version.
func (f *Fault) AtVersion(v int64) *Fault {
	g := *f
	g.Version = v
	return &g
}

// Match answers nil when the client named no version of the resource (0), or the current one; else Stale version_conflict with the current.
func Match(named, current int64) error {
	if named == 0 || named == current {
		return nil
	}
	return New(Stale, "version_conflict").AtVersion(current)
}

// Error gives the code and the cause, for logs and tests.
func (f *Fault) Error() string {
	s := f.Code
	for _, x := range f.Fields {
		s += " " + x.Pointer + "=" + x.Code
	}
	if f.cause != nil {
		s += ": " + f.cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.cause }

// Of returns the fault inside err, or one of kind Internal with code internal that wraps err. Of(nil) is nil.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return New(Internal, "internal").Because(err)
}

// Is reports whether err holds a fault with the code.
func Is(err error, code string) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && f.Code == code
}

// IsKind reports whether err holds a fault of the kind.
func IsKind(err error, k Kind) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && f.Kind == k
}

func pairs(s []string) Args {
	if len(s) == 0 {
		return nil
	}
	a := make(Args, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		a[s[i]] = s[i+1]
	}
	return a
}
