// Package sealed is how the value of a sealed field is shown: its text, or that it is locked, because the key that opens it is not to be
// had. It refuses to know keys, and which fields are sealed.
package sealed

import (
	"github.com/go-json-experiment/json/jsontext"
)

// Text is the value of a sealed field: "" for none, Locked, or the text. It is for answers: what a body holds is a string, until the
// rules of its field let it through.
type Text string

// Locked stands for a value that nobody can open now. No rule lets U+0000 through, so it is no text that was ever kept; and whoever seals
// opened what was there first, so it never will be.
const Locked Text = "\x00locked"

// MarshalJSONTo writes the text as a string, and Locked as {"locked":true}.
func (t Text) MarshalJSONTo(e *jsontext.Encoder) error {
	if t != Locked {
		return e.WriteToken(jsontext.String(string(t)))
	}
	return e.WriteValue(jsontext.Value(`{"locked":true}`))
}

// OpenAPISchema describes both forms.
func (Text) OpenAPISchema() map[string]any {
	return map[string]any{"oneOf": []any{
		map[string]any{"type": "string"},
		map[string]any{
			"type":        "object",
			"description": "There may be a value, and the key that opens it is disabled.",
			"properties":  map[string]any{"locked": map[string]any{"const": true}},
			"required":    []string{"locked"}, "additionalProperties": false,
		},
	}}
}
