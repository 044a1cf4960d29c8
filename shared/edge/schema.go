package edge

import (
	"encoding"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

var (
	problemType = reflect.TypeFor[Problem]()
	bytesOut    = reflect.TypeFor[Bytes]()
	writers     = []reflect.Type{
		reflect.TypeFor[json.MarshalerTo](), reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	}
)

// schemas collects the named structs of the document; the rest is written where it stands.
type schemas struct {
	names map[reflect.Type]string
	taken map[string]dict
}

// of gives the schema of a shape, as a reference for named structs and for types that describe themselves.
func (s *schemas) of(x *shape) dict {
	if d, ok := reflect.Zero(x.typ).Interface().(Described); ok {
		return s.described(x.typ, d)
	}
	if x.kind != object || writesItself(x.typ) {
		return s.plain(x)
	}
	t := x.typ
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if inner, ok := patchValue(t); ok {
		t = inner
	}
	if t.Name() == "" {
		return nullable(s.object(x), x.nullable)
	}
	name, ok := s.names[t]
	if !ok {
		name = s.free(schemaName(t))
		s.add(name, x)
	}
	ref := dict{"$ref": "#/components/schemas/" + name}
	if x.nullable {
		return dict{"anyOf": []dict{ref, {"type": "null"}}}
	}
	return ref
}

func (s *schemas) add(name string, x *shape) {
	if s.names == nil {
		s.names, s.taken = map[reflect.Type]string{}, map[string]dict{}
	}
	t := x.typ
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if inner, ok := patchValue(t); ok {
		t = inner
	}
	s.names[t] = name
	s.taken[name] = nil // a type may hold itself
	s.taken[name] = s.object(x)
}

// described refers to the schema that the type gives of itself.
func (s *schemas) described(t reflect.Type, d Described) dict {
	name, ok := s.names[t]
	if !ok {
		if s.names == nil {
			s.names, s.taken = map[reflect.Type]string{}, map[string]dict{}
		}
		name = s.free(schemaName(t))
		s.names[t], s.taken[name] = name, d.OpenAPISchema()
	}
	return dict{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) free(name string) string {
	free := name
	for n := 2; ; n++ {
		if _, taken := s.taken[free]; !taken {
			return free
		}
		free = name + strconv.Itoa(n)
	}
}

func (s *schemas) done() map[string]dict { return s.taken }

func (s *schemas) object(x *shape) dict {
	props, required := dict{}, []string{}
	for _, f := range x.order {
		of := *f.shape
		of.nullable = of.nullable && !(f.maybe && f.omit)
		props[f.name] = s.of(&of)
		if !f.omit {
			required = append(required, f.name)
		}
	}
	d := dict{"type": "object", "properties": props}
	if len(required) > 0 {
		d["required"] = required
	}
	return d
}

func (s *schemas) plain(x *shape) dict {
	d := dict{}
	switch x.kind {
	case dictionary:
		d["type"], d["additionalProperties"] = "object", s.of(x.elem)
	case array:
		d["type"], d["items"] = "array", s.of(x.elem)
	case number:
		d["type"] = "number"
	case integer:
		d["type"] = "integer"
	case boolean:
		d["type"] = "boolean"
	case word, own:
		d["type"] = "string"
		inner := x.typ
		for inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if v, ok := patchValue(inner); ok {
			inner = v
		}
		if inner == timeType {
			d["format"] = "date-time"
		}
		if inner == bytesType {
			d["contentEncoding"] = "base64"
		}
		if p := prefix(inner); p != "" {
			d["pattern"] = "^" + p + "_[0-9A-HJKMNP-TV-Z]{26}$"
		}
		if e := enum(inner); e != nil {
			d["enum"] = e
		}
	}
	return nullable(d, x.nullable)
}

// nullable lets null be a value beside the schema's own.
func nullable(d dict, yes bool) dict {
	t, typed := d["type"]
	if !yes || !typed {
		return d
	}
	d["type"] = []any{t, "null"}
	if e, ok := d["enum"].([]string); ok {
		values := make([]any, 0, len(e)+1)
		for _, v := range e {
			values = append(values, v)
		}
		d["enum"] = append(values, nil)
	}
	return d
}

func writesItself(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if _, ok := patchValue(t); ok {
		return false
	}
	for _, w := range writers {
		if t.Implements(w) {
			return true
		}
	}
	return false
}

// schemaName joins package and type, without saying a word twice: accounts.draft is AccountsDraft, accounts.account is Account,
// List[accounts.account] is AccountList.
func schemaName(t reflect.Type) string {
	name, param, _ := strings.Cut(t.Name(), "[")
	if param == "" {
		return spoken(path.Base(t.PkgPath()), name)
	}
	pkg, inner, _ := strings.Cut(path.Base(strings.TrimSuffix(param, "]")), ".")
	return spoken(pkg, inner) + name
}

func spoken(pkg, name string) string {
	if strings.EqualFold(pkg, name) || strings.EqualFold(pkg, name+"s") || pkg == "edge" {
		return upper(name)
	}
	return upper(pkg) + upper(name)
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
