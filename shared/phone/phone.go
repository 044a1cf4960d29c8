// Package phone reads telephone numbers: what people type becomes E.164 or a fault. It knows the numbering plans of the world from tables
// that infra/phones writes out of the library phonenumbers (decision 0018), and reads by them exactly as the library does, which no binary
// links. It asks whether a number is valid, and refuses to know of which kind it is, whose, or how it is grouped.
//
// Full-width digits and signs, as Chinese input methods type them, are read as their narrow forms. Letters never are digits.
package phone

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/fault"
)

// Number is a valid number in E.164, such as +8613800138000.
type Number string

// MaxTyped is how many code points a typed number may have, with its spaces and signs; a longer one is invalid_phone unread.
const MaxTyped = 50

const maxE164 = 1 + 15 // a plus and the digits that ITU-T E.164 allows

// Parse reads a number; region (ISO 3166-1 alpha-2) is the country of numbers without a prefix, "" for none. Errors are faults of kind
// Invalid with one field at pointer "": invalid_phone, phone_country_missing, phone_extension_unsupported.
func Parse(s, region string) (Number, error) {
	if len(s) > 4*MaxTyped || utf8.RuneCountInString(s) > MaxTyped {
		return "", refuse("invalid_phone")
	}
	s = strings.TrimSpace(narrow(s))
	if !written(s) {
		if extension().MatchString(s) {
			return "", refuse("phone_extension_unsupported")
		}
		return "", refuse("invalid_phone")
	}
	home := homeOf(region)
	if s[0] != '+' && home == nil {
		return "", refuse("phone_country_missing")
	}
	code, national, ok := read(s, home)
	if !ok || !valid(code, national) || 1+len(code)+len(national) > maxE164 {
		return "", refuse("invalid_phone")
	}
	return Number("+" + code + national), nil
}

// written tells whether s is grouped as people do: an optional plus, then digits with single signs and spaces among them.
func written(s string) bool {
	s = strings.TrimPrefix(s, "+")
	s = strings.TrimLeft(s, " ")
	s = strings.TrimPrefix(s, "(")
	return s != "" && digit(s[0]) && strings.Trim(s, "0123456789 ()./-") == ""
}

// extension is a number followed by one of the usual words or signs and more digits. None of those is in a number as written takes it, so
// only what is refused anyway is asked, and pays for the first use.
var extension = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^[0-9 ()./+-]*[0-9)] *(;ext=|ext(?:n|ension)?[ .:]*|x[ .:]*|#|[,;]+|转|轉|分机|分機|内线|內線)[ :]*[0-9]+ *#?$`)
})

// narrow gives full-width forms their ASCII ones, and the dashes and spaces of typography theirs.
func narrow(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212', '\u30fc', '\uff70':
			return '-'
		case '\u00a0', '\u2009', '\u202f', '\u3000':
			return ' '
		}
		if '！' <= r && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, s)
}

func refuse(code string) error { return fault.Fields(fault.At("", code)) }
