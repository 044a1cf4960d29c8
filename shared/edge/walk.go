package edge

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
)

// explain walks the body along the shape and tells everything that does not fit, or nil.
func explain(body []byte, s *shape) error {
	w := walker{kind: fault.Invalid}
	w.value(jsontext.Value(bytes.TrimSpace(body)), s)
	if len(w.wrong) == 0 {
		return nil
	}
	f := *fault.Of(fault.Fields(w.wrong...))
	f.Kind = w.kind
	return &f
}

// walker collects what is wrong. The body is malformed as soon as it names a field that is not to be named, else invalid.
type walker struct {
	kind  fault.Kind
	wrong []fault.Field
	path  []step // to where the walk is; a pointer is made of it only when something is wrong there
}

// step is a member's name, or an element's place.
type step struct {
	name  string
	place int
}

// at most so many mistakes are told; who makes more has misunderstood something that these will teach.
const maxWrong = 50

func (w *walker) add(f *fault.Fault) {
	if len(w.wrong) >= maxWrong {
		return
	}
	if f.Kind == fault.Malformed {
		w.kind = fault.Malformed
	}
	var at jsontext.Pointer
	for _, s := range w.path {
		if s.place >= 0 {
			s.name = strconv.Itoa(s.place)
		}
		at = at.AppendToken(s.name)
	}
	w.wrong = append(w.wrong, fault.Field{Pointer: shorten(at), Code: f.Code, Args: f.Args})
}

func wrongType(s *shape) *fault.Fault {
	return fault.New(fault.Invalid, "wrong_type", "expected", s.expected())
}

func outOfRange() *fault.Fault { return fault.New(fault.Invalid, "number_out_of_range") }

func (w *walker) value(v jsontext.Value, s *shape) {
	k := v.Kind()
	if k == 'n' {
		if !s.nullable {
			w.add(wrongType(s))
		}
		return
	}
	switch s.kind {
	case anything:
		w.free(v)
	case object:
		if k != '{' {
			w.add(wrongType(s))
			return
		}
		w.members(v, func(name string, m jsontext.Value) {
			f := s.fields[name]
			switch {
			case f != nil:
				w.value(m, f.shape)
			case slices.Contains(notWritable, name):
				w.add(fault.New(fault.Malformed, "field_not_writable"))
			default:
				w.unknown(name, s)
			}
		})
	case dictionary:
		if k != '{' {
			w.add(wrongType(s))
			return
		}
		w.members(v, func(_ string, m jsontext.Value) { w.value(m, s.elem) })
	case array:
		if k != '[' {
			w.add(wrongType(s))
			return
		}
		w.elements(v, func(m jsontext.Value) { w.value(m, s.elem) })
	case own:
		w.own(v, s)
	case number, integer:
		w.number(v, s)
	case word, boolean:
		if (s.kind == word) != (k == '"') || (s.kind == boolean) != (k == 't' || k == 'f') {
			w.add(wrongType(s))
		}
	}
}

func (w *walker) unknown(name string, s *shape) {
	if n := nearest(name, s.names()); n != "" {
		w.add(fault.New(fault.Malformed, "unknown_field", "nearest", n))
		return
	}
	w.add(fault.New(fault.Malformed, "unknown_field"))
}

// own asks a type that reads itself. A fault that it answers keeps its code.
func (w *walker) own(v jsontext.Value, s *shape) {
	err := json.Unmarshal(v, reflect.New(s.typ).Interface(), json.RejectUnknownMembers(true))
	if err == nil {
		return
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		w.add(f)
		return
	}
	w.add(wrongType(s))
}

// exact is the largest integer up to which every integer is a float64 of its own: what JSON numbers can carry between any two programs
// (RFC 8259 section 6).
const exact = 1<<53 - 1

func (w *walker) number(v jsontext.Value, s *shape) {
	if v.Kind() != '0' {
		w.add(wrongType(s))
		return
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		w.add(outOfRange())
		return
	}
	if s.kind == number {
		if s.typ.Kind() == reflect.Float32 && reflect.Zero(s.typ).OverflowFloat(f) {
			w.add(outOfRange())
		}
		return
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if errors.Is(err, strconv.ErrSyntax) {
		w.add(wrongType(s))
		return
	}
	zero := reflect.Zero(s.typ)
	if err != nil || n > exact || n < -exact || (zero.CanInt() && zero.OverflowInt(n)) || (zero.CanUint() && (n < 0 || zero.OverflowUint(uint64(n)))) {
		w.add(outOfRange())
	}
}

// free judges a value of any shape: only its numbers can be wrong.
func (w *walker) free(v jsontext.Value) {
	switch v.Kind() {
	case '0':
		f, err := strconv.ParseFloat(string(v), 64)
		whole := !strings.ContainsAny(string(v), ".eE")
		if err != nil || (whole && (f > exact || f < -exact)) {
			w.add(outOfRange())
		}
	case '{':
		w.members(v, func(_ string, m jsontext.Value) { w.free(m) })
	case '[':
		w.elements(v, w.free)
	}
}

// members and elements walk one level. The value handed on is good until each returns. They end early when enough is wrong.
func (w *walker) members(v jsontext.Value, each func(name string, m jsontext.Value)) {
	d := jsontext.NewDecoder(bytes.NewBuffer(v))
	if _, err := d.ReadToken(); err != nil {
		return
	}
	for d.PeekKind() == '"' && len(w.wrong) < maxWrong {
		t, err := d.ReadToken()
		if err != nil {
			return
		}
		name := t.String()
		m, err := d.ReadValue()
		if err != nil {
			return
		}
		w.path = append(w.path, step{name: name, place: -1})
		each(name, m)
		w.path = w.path[:len(w.path)-1]
	}
}

func (w *walker) elements(v jsontext.Value, each func(m jsontext.Value)) {
	d := jsontext.NewDecoder(bytes.NewBuffer(v))
	if _, err := d.ReadToken(); err != nil {
		return
	}
	for i := 0; d.PeekKind() != ']' && len(w.wrong) < maxWrong; i++ {
		m, err := d.ReadValue()
		if err != nil {
			return
		}
		w.path = append(w.path, step{place: i})
		each(m)
		w.path = w.path[:len(w.path)-1]
	}
}
