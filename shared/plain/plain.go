// Package plain holds the rules for text that people type: what is refused, what is folded, how long is too long. It does not know
// which field a text belongs to, and what it answers never repeats the text.
package plain

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/steward-crm/steward/shared/fault"
)

// MaxMarks is how many combining marks may follow one another. No living script needs more; stacks of them run over the lines above
// and below.
const MaxMarks = 8

// Rule says what a text may be. Lengths are in code points after normalisation to NFC and trimming of white space at both ends.
type Rule struct {
	Min, Max int  // Min 1 makes it required; Max 0 sets no limit
	Lines    bool // line feeds and tabs are allowed; CR LF and CR become line feeds
}

// Check normalises s and judges it. It answers the text to keep and no field, or the field at fault at the pointer: required,
// too_long (max), too_short (min), forbidden_character (position in code points, the first is 1; see Forbidden), too_many_marks (max).
// With Min 0 the empty text is legal.
func Check(pointer, s string, r Rule) (string, *fault.Field) {
	if r.Lines && strings.Contains(s, "\r") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	if n := firstForbidden(s, r.Lines); n > 0 {
		f := fault.At(pointer, "forbidden_character", "position", strconv.Itoa(n))
		return "", &f
	}
	s = norm.NFC.String(strings.TrimSpace(s))
	if mostMarks(s) > MaxMarks {
		f := fault.At(pointer, "too_many_marks", "max", strconv.Itoa(MaxMarks))
		return "", &f
	}
	n := utf8.RuneCountInString(s)
	switch {
	case n == 0 && r.Min > 0:
		f := fault.At(pointer, "required")
		return "", &f
	case n < r.Min:
		f := fault.At(pointer, "too_short", "min", strconv.Itoa(r.Min))
		return "", &f
	case r.Max > 0 && n > r.Max:
		f := fault.At(pointer, "too_long", "max", strconv.Itoa(r.Max))
		return "", &f
	}
	return s, nil
}

// Forbidden reports whether no text may hold r: control characters, line and paragraph separators, noncharacters, and whatever is
// invisible or turns the direction of writing (category Cf and the default ignorable code points, so bidi overrides, zero-width
// characters, soft hyphens, fillers and tags). Joiners are among them: two names that look the same must be the same. Variation
// selectors pass, because emoji and rare ideographs in names need them; Fold drops them.
func Forbidden(r rune) bool {
	switch {
	case r >= 0x20 && r < 0x7f:
		return false
	case r < 0xa0:
		return true
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point):
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	}
	return unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// firstForbidden gives the position of the first character that may not stand in s, counted from 1; 0 when there is none. White
// space at the ends that Check trims is nobody's fault.
func firstForbidden(s string, lines bool) int {
	end := len(strings.TrimRightFunc(s, unicode.IsSpace))
	n, begun := 0, false
	for i, r := range s {
		n++
		if i >= end {
			break
		}
		if !begun && unicode.IsSpace(r) {
			continue
		}
		begun = true
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return n
			}
		}
		if lines && (r == '\n' || r == '\t') {
			continue
		}
		if Forbidden(r) {
			return n
		}
	}
	return 0
}

func mostMarks(s string) int {
	most, run := 0, 0
	for _, r := range s {
		if r >= 0x300 && unicode.Is(unicode.M, r) {
			run++
			most = max(most, run)
		} else {
			run = 0
		}
	}
	return most
}

// Fold gives the form in which two texts are the same name: NFKC (so full and half width are one), case folded, variation selectors
// dropped, white space collapsed. Folding a folded text changes nothing. It can be longer than its input (some ligatures
// become eighteen letters); cut it with Key before it goes into a key.
func Fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, s)
	s = norm.NFKC.String(s)
	b := make([]byte, 0, len(s)+8)
	for _, r := range s {
		b = appendFolded(b, r)
	}
	return strings.Join(strings.Fields(norm.NFKC.String(string(b))), " ")
}

// appendFolded appends what the case folding of Unicode makes of a character in NFKC, up to its normal form: the lower case, but for those below.
func appendFolded(b []byte, r rune) []byte {
	switch {
	case 0x3000 <= r && r < 0xa000: // Chinese characters and kana: most of what is folded, and no case
	case r == 'ß', r == 'ẞ':
		return append(b, "ss"...)
	case r == 'İ':
		return append(b, "i\u0307"...)
	case r == 'ς':
		r = 'σ'
	case r == '\u0345':
		r = 'ι'
	case 0x1f80 <= r && r < 0x2000: // Greek letters, some with an iota below, which becomes one beside
		for _, part := range norm.NFD.String(string(r)) {
			if part == '\u0345' {
				part = 'ι'
			}
			b = utf8.AppendRune(b, unicode.ToLower(part))
		}
		return b
	case 0x13a0 <= r && r <= 0x13f5: // Cherokee folds to upper case
	case 0x13f8 <= r && r <= 0x13fd:
		r -= 8
	case 0xab70 <= r && r <= 0xabbf:
		r -= 0xab70 - 0x13a0
	case 0x1c80 <= r && r <= 0x1c88: // old forms of Cyrillic letters
		r = [...]rune{'в', 'д', 'о', 'с', 'т', 'т', 'ъ', 'ѣ', 'ꙋ'}[r-0x1c80]
	default:
		r = unicode.ToLower(r)
	}
	return utf8.AppendRune(b, r)
}

// MaxKey is how many bytes of a folded name Key keeps.
const MaxKey = 512

// Key gives Fold(s), cut to MaxKey bytes between characters: for sort keys, which have a limit and whose ties the id breaks.
func Key(s string) string {
	s = Fold(s)
	if len(s) <= MaxKey {
		return s
	}
	n := MaxKey
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
