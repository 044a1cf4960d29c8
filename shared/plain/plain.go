// Package plain holds the rules for text that people type: what is refused, what is folded, how long is too long.
package plain

import "github.com/steward-crm/steward/shared/fault"

// Rule says what a text may be. Lengths are in code points after normalisation to NFC and trimming of white space at both ends.
type Rule struct {
	Min, Max int  // Min 1 makes it required
	Lines    bool // line feeds and tabs are allowed
}

// Check normalises s and judges it. It answers the text to keep and no field, or the field at fault at the pointer: required,
// too_long (max), too_short (min), forbidden_character (position in code points; control characters, bidi overrides, zero-width
// characters, lone surrogates), too_many_marks (more than 8 combining marks in a row).
func Check(pointer, s string, r Rule) (string, *fault.Field) { panic("unwritten") }

// Fold gives the form in which two texts are the same name: NFKC, case folded, white space collapsed.
func Fold(s string) string { panic("unwritten") }
