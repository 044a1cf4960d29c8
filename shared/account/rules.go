package account

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/phone"
	"github.com/steward-crm/steward/shared/plain"
)

var (
	nameRule     = plain.Rule{Max: 200}
	titleRule    = plain.Rule{Max: 100}
	industryRule = plain.Rule{Max: 100}
	placeRule    = plain.Rule{Max: 100}
	streetRule   = plain.Rule{Max: 300, Lines: true}
	postalRule   = plain.Rule{Max: 20}
	idNumberRule = plain.Rule{Max: 64}
	websiteRule  = plain.Rule{Max: 500}
)

// rules judges members one by one and gathers all that is wrong. A member that is absent leaves its target; null or blank empties it.
type rules struct {
	region string // default country of phone numbers
	faults []fault.Field
}

func (r *rules) add(f fault.Field) { r.faults = append(r.faults, f) }

// faulty reports whether something at the pointer or below it was refused.
func (r *rules) faulty(pointer string) bool {
	return slices.ContainsFunc(r.faults, func(f fault.Field) bool {
		return f.Pointer == pointer || strings.HasPrefix(f.Pointer, pointer+"/")
	})
}

func (r *rules) err() error { return fault.Fields(r.faults...) }

// take gives the member's text, or done when there is nothing to judge.
func take(to *string, m patch.Field[string]) (s string, done bool) {
	if !m.Set {
		return "", true
	}
	if m.Null || strings.TrimSpace(m.Value) == "" {
		*to = ""
		return "", true
	}
	return m.Value, false
}

func (r *rules) text(to *string, m patch.Field[string], pointer string, rule plain.Rule) {
	s, done := take(to, m)
	if done {
		return
	}
	s, bad := plain.Check(pointer, s, rule)
	if bad != nil {
		r.add(*bad)
		return
	}
	*to = s
}

func (r *rules) oneOf(to *string, m patch.Field[string], pointer string, allowed []string) {
	s, done := take(to, m)
	if done {
		return
	}
	if !slices.Contains(allowed, s) {
		r.add(fault.At(pointer, "not_one_of", "allowed", strings.Join(allowed, ", ")))
		return
	}
	*to = s
}

func (r *rules) email(to, canonical *string, m patch.Field[string], pointer string) {
	s, done := take(to, m)
	if done {
		if *to == "" {
			*canonical = ""
		}
		return
	}
	a, err := email.Parse(s)
	if r.refused(err, pointer) {
		return
	}
	*to, *canonical = a.Display, a.Canonical
}

func (r *rules) phone(to *string, m patch.Field[string], pointer string) {
	s, done := take(to, m)
	if done {
		return
	}
	n, err := phone.Parse(s, r.region)
	if r.refused(err, pointer) {
		return
	}
	*to = string(n)
}

// country takes an officially assigned code of two letters, in either case.
func (r *rules) country(to *string, m patch.Field[string], pointer string) {
	s, done := take(to, m)
	if done {
		return
	}
	s = strings.ToUpper(strings.TrimSpace(s))
	c, err := language.ParseRegion(s)
	if err != nil || len(s) != 2 || c.Canonicalize().String() != s || !c.IsCountry() || c.IsPrivateUse() {
		r.add(fault.At(pointer, "unknown_country"))
		return
	}
	*to = s
}

// website takes an absolute URL of the web. User information is refused because it would be a password kept in plain.
func (r *rules) website(to *string, m patch.Field[string], pointer string) {
	s, done := take(to, m)
	if done {
		return
	}
	s, bad := plain.Check(pointer, s, websiteRule)
	if bad != nil {
		r.add(*bad)
		return
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || strings.ContainsAny(s, " \\") {
		r.add(fault.At(pointer, "invalid_website"))
		return
	}
	*to = s
}

// refused moves the fields of a parser's fault to the pointer. Anything else that a parser may answer is a fault at the pointer too: an
// unreadable value is never kept.
func (r *rules) refused(err error, pointer string) bool {
	if err == nil {
		return false
	}
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || len(f.Fields) == 0 {
		r.add(fault.At(pointer, fault.Of(err).Code))
		return true
	}
	for _, x := range f.Fields {
		x.Pointer = pointer + x.Pointer
		r.add(x)
	}
	return true
}
