// Package patch holds the member of a JSON merge patch (RFC 7396): absent, null or a value.
package patch

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Field is one member of a merge patch. The zero Field is absent. Tag it `json:",omitzero"`.
type Field[T any] struct {
	Set   bool // the member was present
	Null  bool // it was null: remove
	Value T    // when Set and not Null
}

// Of returns a present member with the value.
func Of[T any](v T) Field[T] { return Field[T]{Set: true, Value: v} }

// Or returns the value of the member after the patch: was when absent, the zero value when null.
func (f Field[T]) Or(was T) T {
	if !f.Set {
		return was
	}
	return f.Value
}

// IsZero reports that the member is absent, for omitzero.
func (f Field[T]) IsZero() bool { return !f.Set }

// UnmarshalJSONFrom reads null or a value.
func (f *Field[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*f = Field[T]{Set: true}
	if d.PeekKind() == 'n' {
		f.Null = true
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &f.Value)
}

// MarshalJSONTo writes null or the value.
func (f Field[T]) MarshalJSONTo(e *jsontext.Encoder) error {
	if f.Null || !f.Set {
		return e.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(e, f.Value)
}
