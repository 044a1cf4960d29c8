package edge

import (
	"encoding"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// kind is what a JSON value must be to fit a type.
type kind uint8

const (
	anything kind = iota
	object
	array
	dictionary // an object with free names
	word       // a string
	number
	integer
	boolean
	own // the type reads itself: it is asked
)

// shape is a type as JSON sees it: what explains a body that does not fit, and what the document is made from.
type shape struct {
	kind     kind
	typ      reflect.Type
	nullable bool
	fields   map[string]*field
	order    []*field
	elem     *shape // of array and dictionary
}

type field struct {
	name  string
	shape *shape
	omit  bool // omitempty, omitzero: it need not be there
	maybe bool // a pointer: absent, when it may be absent, rather than null
}

var (
	shapes    sync.Map // reflect.Type → *shape
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
	rawType   = reflect.TypeFor[jsontext.Value]()
	readers   = []reflect.Type{
		reflect.TypeFor[json.UnmarshalerFrom](), reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	}
)

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	b := builder{seen: map[reflect.Type]*shape{}}
	s := b.build(t)
	for _, f := range b.later {
		f()
	}
	shapes.Store(t, s)
	return s
}

// builder builds one type's shape. A type may hold itself, so what copies another shape does so when all are built.
type builder struct {
	seen  map[reflect.Type]*shape
	later []func()
}

func (b *builder) build(t reflect.Type) *shape {
	if s, ok := b.seen[t]; ok {
		return s
	}
	s := &shape{typ: t}
	b.seen[t] = s
	inner, maybe := patchValue(t)
	if t.Kind() == reflect.Pointer {
		inner, maybe = t.Elem(), true
	}
	if maybe {
		from := b.build(inner)
		b.later = append(b.later, func() {
			*s = *from
			s.nullable = true
		})
		return s
	}
	if t == rawType || t.Kind() == reflect.Interface {
		s.kind, s.nullable = anything, true
		return s
	}
	for _, r := range readers {
		if reflect.PointerTo(t).Implements(r) {
			s.kind = own
			return s
		}
	}
	switch t.Kind() {
	case reflect.Struct:
		s.kind, s.fields = object, map[string]*field{}
		b.collect(s, t)
	case reflect.Slice, reflect.Array:
		if t == bytesType {
			s.kind = word
			return s
		}
		s.kind, s.elem = array, b.build(t.Elem())
	case reflect.Map:
		s.kind, s.elem = dictionary, b.build(t.Elem())
	case reflect.String:
		s.kind = word
	case reflect.Bool:
		s.kind = boolean
	case reflect.Float32, reflect.Float64:
		s.kind = number
	default:
		s.kind = integer
	}
	return s
}

// collect adds the members of a struct; those of embedded structs are its own.
func (b *builder) collect(s *shape, t reflect.Type) {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if tag == "-" || (!f.IsExported() && !f.Anonymous) {
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if (f.Anonymous && name == "" && inner.Kind() == reflect.Struct) || hasOption(options, "embed") || hasOption(options, "inline") {
			b.collect(s, inner)
			continue
		}
		if name == "" {
			name = f.Name
		}
		m := &field{
			name: name, shape: b.build(f.Type), omit: hasOption(options, "omitempty") || hasOption(options, "omitzero"),
			maybe: f.Type.Kind() == reflect.Pointer,
		}
		s.fields[name] = m
		s.order = append(s.order, m)
	}
}

func hasOption(options, o string) bool {
	for x := range strings.SplitSeq(options, ",") {
		if x == o {
			return true
		}
	}
	return false
}

// patchValue gives the T of a patch.Field[T].
func patchValue(t reflect.Type) (reflect.Type, bool) {
	if t.Kind() != reflect.Struct || t.PkgPath() != "github.com/steward-crm/steward/shared/patch" || !strings.HasPrefix(t.Name(), "Field[") {
		return nil, false
	}
	f, ok := t.FieldByName("Value")
	return f.Type, ok
}

// names are the members' names, in order of declaration.
func (s *shape) names() []string {
	out := make([]string, len(s.order))
	for i, f := range s.order {
		out[i] = f.name
	}
	return out
}
