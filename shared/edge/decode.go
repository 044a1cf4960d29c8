package edge

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
)

// maxDepth is how deep objects and arrays of a body may nest.
const maxDepth = 32

// notWritable are the names that the server alone writes. A type that does have such a member may be written it.
var notWritable = []string{
	"id", "tenantId", "ownerId", "isAdmin", "verified", "emailVerified", "phoneVerified", "createdAt", "createdBy", "updatedAt", "updatedBy",
	"version", "status",
}

// decode reads a body into the value, strictly: one JSON object, known names exactly as written and once each, values of the right type,
// no null where the type has none, no number that the type cannot hold exactly. The well-formed body takes the short way; for any other
// the shape is walked, so that all that is wrong is told at once.
func decode(body []byte, into any, s *shape) error {
	deep, suspicious := survey(body)
	if deep >= 0 {
		return fault.New(fault.Malformed, "json_too_deep", "max", strconv.Itoa(maxDepth))
	}
	first := firstByte(body)
	if first == 0 {
		return fault.New(fault.Malformed, "body_required")
	}
	if first == '{' && !suspicious {
		if json.Unmarshal(body, into, json.RejectUnknownMembers(true)) == nil {
			return nil
		}
	}
	if err := wellFormed(body); err != nil {
		return err
	}
	if first != '{' {
		return fault.New(fault.Malformed, "body_not_object")
	}
	if err := explain(body, s); err != nil {
		return err
	}
	return foreign(json.Unmarshal(body, into, json.RejectUnknownMembers(true)))
}

// survey looks at the bytes alone. deep is where the nesting exceeds maxDepth, or -1. suspicious says that the body holds a null or a number
// of many digits or with an exponent, which decoding by itself would take too lightly.
func survey(body []byte) (deep int, suspicious bool) {
	depth, digits := 0, 0
	quoted := false
	for i := 0; i < len(body); i++ {
		c := body[i]
		if quoted {
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
			continue
		}
		switch {
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return i, true
			}
		case c == '}' || c == ']':
			depth--
		case c == 'n':
			suspicious = true
		case c >= '0' && c <= '9':
			if digits++; digits > 15 {
				suspicious = true
			}
			continue
		case digits > 0 && (c == 'e' || c == 'E'):
			suspicious = true
		}
		digits = 0
	}
	return -1, suspicious
}

func firstByte(body []byte) byte {
	b := bytes.TrimLeft(body, " \t\r\n")
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// wellFormed judges the grammar: one JSON value in sound UTF-8, no name twice.
func wellFormed(body []byte) error {
	if !utf8.Valid(body) {
		return fault.New(fault.Malformed, "invalid_utf8", "offset", strconv.Itoa(invalidAt(body)))
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	_, err := d.ReadValue()
	if err == nil {
		if rest := bytes.TrimLeft(body[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
			return fault.New(fault.Malformed, "json_trailing_data", "offset", strconv.Itoa(len(body)-len(rest)))
		}
		return nil
	}
	offset, pointer := int64(len(body)), ""
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset, pointer = s.ByteOffset, shorten(s.JSONPointer)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fault.New(fault.Malformed, "json_duplicate_key").With(fault.At(pointer, "json_duplicate_key"))
		}
		if at := loneSurrogate(body); at >= 0 && int64(at) <= offset+12 {
			return fault.New(fault.Malformed, "invalid_unicode", "offset", strconv.Itoa(at))
		}
	}
	return fault.New(fault.Malformed, "json_syntax", "offset", strconv.FormatInt(offset, 10))
}

func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// loneSurrogate finds the first \uD800 to \uDFFF escape that is no pair, or -1.
func loneSurrogate(b []byte) int {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		hi, ok := unit(b[i:])
		if !ok {
			i++
			continue
		}
		if hi < 0xd800 || hi > 0xdfff {
			i += 5
			continue
		}
		lo, ok := unit(b[i+6:])
		if hi >= 0xdc00 || !ok || lo < 0xdc00 || lo > 0xdfff {
			return i
		}
		i += 11
	}
	return -1
}

func unit(b []byte) (uint64, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return n, err == nil
}

// foreign words an error of decoding that the walk did not foresee.
func foreign(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return f
	}
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		return fault.Fields(fault.At(shorten(s.JSONPointer), "wrong_type", "expected", "JSON"))
	}
	return fault.New(fault.Malformed, "json_syntax", "offset", "0")
}

// shorten keeps a pointer to a length that a person reads: names are the client's, and may be as long as the body.
func shorten(p jsontext.Pointer) string {
	const most = 200
	if len(p) <= most {
		return string(p)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(p[cut]) {
		cut--
	}
	return string(p[:cut]) + "…"
}
