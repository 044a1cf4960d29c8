// Package email reads e-mail addresses: which are legal, and which two are the same. It accepts what RFC 5321 and RFC 5322 allow in a
// dot-atom, with an internationalised domain (IDNA 2008, by UTS 46 without the transitional mapping), and refuses what is legal but
// never meant by a person who types an address: quoted local parts, comments, display names, address literals, single-label
// domains. It looks nothing up: that a domain exists is not its business. White space is refused, not trimmed, also at the ends.
package email

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/steward-crm/steward/shared/fault"
)

// The limits, in bytes of the canonical form (RFC 5321, 4.5.3.1; a path of 256 has two angle brackets).
const (
	MaxLocal = 64
	MaxTotal = 254
)

// No legal address is longer than this as Unicode; what is longer is refused before anything reads it.
const maxTyped = 1500

// Address is a legal address.
type Address struct {
	Display   string // as people read it: NFC, domain in Unicode and lower case, local part as given
	Canonical string // as machines compare and send: domain in A-labels, all lower case
}

// Parse reads an address. Errors are faults of kind Invalid with one field at pointer "": invalid_email with the argument part
// (local, domain, length, form), email_ambiguous (it holds characters that look like others or like nothing), or email_non_ascii_local.
func Parse(s string) (Address, error) {
	if len(s) > maxTyped {
		return Address{}, invalid("length")
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unwritable) {
		return Address{}, invalid("form")
	}
	if ambiguous(s) {
		return Address{}, fault.Fields(fault.At("", "email_ambiguous"))
	}
	local, domain, ok := strings.Cut(s, "@")
	switch {
	case strings.HasPrefix(s, `"`):
		return Address{}, invalid("local")
	case !ok, local == "", domain == "", strings.Contains(domain, "@"), strings.ContainsAny(s, "<>(),;:\\\""):
		if ok && strings.HasPrefix(domain, "[") {
			return Address{}, invalid("domain")
		}
		return Address{}, invalid("form")
	}
	for _, r := range local {
		if r >= utf8.RuneSelf {
			return Address{}, fault.Fields(fault.At("", "email_non_ascii_local"))
		}
	}
	if !dotAtom(local) {
		return Address{}, invalid("local")
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || !public(ascii) {
		return Address{}, invalid("domain")
	}
	shown, err := domains.ToUnicode(ascii)
	if err != nil || strings.ContainsFunc(shown, unregistrable) {
		return Address{}, invalid("domain")
	}
	if len(local)+1+len(ascii) > MaxTotal {
		return Address{}, invalid("length")
	}
	return Address{Display: local + "@" + shown, Canonical: strings.ToLower(local) + "@" + ascii}, nil
}

// domains maps case and normal form, and then holds each label to the rules: MapForLookup brings the checks of letters, hyphens, joiners
// and A-labels.
var domains = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.VerifyDNSLength(true),
)

func invalid(part string) error {
	return fault.Fields(fault.At("", "invalid_email", "part", part))
}

// unwritable are characters that no address holds and that would break a header or a log line.
func unwritable(r rune) bool {
	return r <= ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029
}

// ambiguous reports characters that stand for others (full width, the Kelvin sign, an ideographic full stop) or for nothing (zero
// width): a person cannot see which address it is. Letters that merely come decomposed are not among them.
func ambiguous(s string) bool {
	for _, r := range s {
		if r < utf8.RuneSelf {
			continue
		}
		if unicode.In(r, unicode.Cf, unicode.Co, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, unicode.Z) {
			return true
		}
		c := string(r)
		if norm.NFKC.String(c) != norm.NFC.String(c) {
			return true
		}
		if n := norm.NFC.String(c); n != c && utf8.RuneCountInString(n) == 1 {
			return true
		}
		if strings.ContainsRune("。｡．", r) {
			return true
		}
	}
	return false
}

// unregistrable reports symbols, which UTS 46 lets through for the sake of browsers and IDNA 2008 does not (RFC 5892): emoji, say. The
// exceptions are RFC 5892's own.
func unregistrable(r rune) bool {
	return r != '.' && r != '-' && !unicode.In(r, unicode.L, unicode.Mn, unicode.Mc, unicode.Nd) &&
		!strings.ContainsRune("\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb", r)
}

func dotAtom(s string) bool {
	if len(s) > MaxLocal {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			c := atom[i]
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0) {
				return false
			}
		}
	}
	return true
}

// public reports whether a domain in A-labels can be one on the Internet: two labels or more, the last not a number.
func public(ascii string) bool {
	i := strings.LastIndexByte(ascii, '.')
	if i <= 0 || i == len(ascii)-1 {
		return false
	}
	return strings.Trim(ascii[i+1:], "0123456789") != ""
}
