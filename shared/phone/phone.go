// Package phone reads telephone numbers the way Google's libphonenumber does, from a table of its numbering plans, and knows nothing of how
// numbers are shown. The library itself would cost every binary several milliseconds of start-up and eight megabytes: only the tests link it, to
// hold each answer to the library's. A plan is read, and its patterns compiled, when the first number of its country comes.
//
// Full-width digits and signs, as Chinese input methods type them, are read as their narrow forms. Letters never are digits.
package phone

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

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
	if extension().MatchString(s) {
		return "", refuse("phone_extension_unsupported")
	}
	if !written().MatchString(s) {
		return "", refuse("invalid_phone")
	}
	if !strings.HasPrefix(s, "+") && home(region) == nil {
		return "", refuse("phone_country_missing")
	}
	e164 := number(s, region)
	if e164 == "" {
		return "", refuse("invalid_phone")
	}
	if len(e164) > maxE164 { // the metadata has national numbers that are too long for it
		return "", refuse("invalid_phone")
	}
	return Number(e164), nil
}

var (
	// written is how people group digits: an optional plus, then digits with single signs and spaces among them.
	written = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\+? *[(]?[0-9][0-9 ()./-]*$`) })
	// extension is a number followed by one of the usual words or signs and more digits.
	extension = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^[0-9 ()./+-]*[0-9)] *(;ext=|ext(?:n|ension)?[ .:]*|x[ .:]*|#|[,;]+|转|轉|分机|分機|内线|內線)[ :]*[0-9]+ *#?$`)
	})
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
