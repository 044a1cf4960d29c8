// Package phone reads telephone numbers. It is a package of its own because its library costs every binary that links it several
// milliseconds of start-up: only binaries that take phone numbers import it.
//
// Full-width digits and signs, as Chinese input methods type them, are read as their narrow forms. Letters never are digits.
package phone

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/width"

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
	if extension.MatchString(s) {
		return "", refuse("phone_extension_unsupported")
	}
	if !written.MatchString(s) {
		return "", refuse("invalid_phone")
	}
	if !strings.HasPrefix(s, "+") && phonenumbers.GetCountryCodeForRegion(region) == 0 {
		return "", refuse("phone_country_missing")
	}
	n, err := phonenumbers.Parse(s, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", refuse("invalid_phone")
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if len(e164) > maxE164 { // the library's metadata has national numbers that are too long for it
		return "", refuse("invalid_phone")
	}
	return Number(e164), nil
}

var (
	// written is how people group digits: an optional plus, then digits with single signs and spaces among them.
	written = regexp.MustCompile(`^\+? *[(]?[0-9][0-9 ()./-]*$`)
	// extension is a number followed by one of the usual words or signs and more digits.
	extension = regexp.MustCompile(`(?i)^[0-9 ()./+-]*[0-9)] *(;ext=|ext(?:n|ension)?[ .:]*|x[ .:]*|#|[,;]+|转|轉|分机|分機|内线|內線)[ :]*[0-9]+ *#?$`)
)

// narrow gives full-width forms their ASCII ones, and the dashes and spaces of typography theirs.
func narrow(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212', '\u30fc':
			return '-'
		case '\u00a0', '\u2009', '\u202f', '\u3000':
			return ' '
		}
		return r
	}, width.Fold.String(s))
}

func refuse(code string) error { return fault.Fields(fault.At("", code)) }
