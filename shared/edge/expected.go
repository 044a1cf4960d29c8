package edge

import (
	"reflect"
	"strings"

	"github.com/steward-crm/steward/shared/id"
)

// Enumerated is a type that has a fixed list of values as JSON.
type Enumerated interface{ OpenAPIEnum() []string }

// Described is a type whose JSON its Go type does not tell: it gives its own JSON Schema.
type Described interface{ OpenAPISchema() map[string]any }

var enumType = reflect.TypeFor[Enumerated]()

// enum gives the type's values, or nil.
func enum(t reflect.Type) []string {
	for _, x := range []reflect.Type{t, reflect.PointerTo(t)} {
		if x.Implements(enumType) {
			if x.Kind() == reflect.Pointer {
				return reflect.New(t).Interface().(Enumerated).OpenAPIEnum()
			}
			return reflect.Zero(t).Interface().(Enumerated).OpenAPIEnum()
		}
	}
	return nil
}

// prefix gives the prefix of an id type, or "".
func prefix(t reflect.Type) string {
	if t.Kind() != reflect.String || t.PkgPath() != reflect.TypeFor[id.Tenant]().PkgPath() {
		return ""
	}
	if p, ok := reflect.Zero(t).Interface().(interface{ Prefix() string }); ok {
		return p.Prefix()
	}
	return ""
}

// expected names what fits, in words of JSON.
func (s *shape) expected() string {
	switch s.kind {
	case object, dictionary:
		return "object"
	case array:
		return "array"
	case word:
		return "string"
	case number:
		return "number"
	case integer:
		return "integer"
	case boolean:
		return "boolean"
	}
	if e := enum(s.typ); e != nil {
		return strings.Join(e, " | ")
	}
	if s.typ == timeType {
		return "string: RFC 3339 time"
	}
	return "string"
}
