package phone_test

import (
	"math/rand/v2"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// numbering is the plan of a region, or of a calling code of no country, as the library has it, to make numbers from.
type numbering struct {
	id, code       string
	kinds          []*syntax.Regexp
	abroad, prefix *syntax.Regexp
	neighbours     []string // the regions of its calling code
}

// worldwide gives every plan that there is, and every region with some that are none.
func worldwide(t *testing.T) (all []numbering, regions []string) {
	t.Helper()
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	read := func(pattern string) *syntax.Regexp {
		re, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		return re
	}
	for _, m := range collection.GetMetadata() {
		code := int(m.GetCountryCode())
		n := numbering{
			id: m.GetId(), code: strconv.Itoa(code), neighbours: phonenumbers.GetRegionCodesForCountryCode(code),
			abroad: read(m.GetInternationalPrefix()), prefix: read(m.GetNationalPrefixForParsing()),
		}
		for _, d := range []*phonenumbers.PhoneNumberDesc{
			m.GetGeneralDesc(), m.GetFixedLine(), m.GetMobile(), m.GetTollFree(), m.GetPremiumRate(), m.GetSharedCost(), m.GetPersonalNumber(), m.GetVoip(), m.GetPager(), m.GetUan(), m.GetVoicemail(),
		} {
			if p := d.GetNationalNumberPattern(); p != "" && p != "NA" {
				n.kinds = append(n.kinds, read(p))
			}
		}
		all = append(all, n)
		regions = append(regions, n.id)
	}
	if len(all) < 250 {
		t.Fatalf("%d plans", len(all))
	}
	return all, append(regions, "", "ZZ", "001", "800", "86", "cn", "CN\t86", "C")
}

// numbers makes a number of each kind, and what comes near it, as they may be dialled.
func (n *numbering) numbers(r *rand.Rand) (all []string) {
	for _, kind := range n.kinds {
		s := sample(r, kind)
		switch r.IntN(8) {
		case 0, 1:
			s = spoil(r, s)
		case 2:
			s = s[r.IntN(min(6, len(s))):] // as neighbours dial
		}
		switch r.IntN(14) {
		case 0, 1:
			s = "+" + n.code + s
		case 2:
			s = "+" + n.code + sample(r, n.prefix) + s // +44 (0)20
		case 3:
			s = sample(r, n.abroad) + n.code + s
		case 4, 5:
			s = sample(r, n.prefix) + s
		case 6:
			s = n.code + s
		case 7:
			s = "+" + sample(r, n.abroad) + n.code + s
		case 8:
			s = "0" + s
		case 9:
			s = "+" + s
		case 10:
			s = n.code + sample(r, n.prefix) + s
		}
		all = append(all, s)
	}
	return append(all, digits(r, 1+r.IntN(17)), "+"+n.code+digits(r, 1+r.IntN(14)))
}

// sample makes a string that the pattern matches.
func sample(r *rand.Rand, re *syntax.Regexp) string {
	var b strings.Builder
	var walk func(*syntax.Regexp)
	times := func(re *syntax.Regexp, least, most int) {
		for range least + r.IntN(most-least+1) {
			walk(re.Sub[0])
		}
	}
	walk = func(re *syntax.Regexp) {
		switch re.Op {
		case syntax.OpLiteral:
			b.WriteString(string(re.Rune))
		case syntax.OpCharClass:
			i := 2 * r.IntN(len(re.Rune)/2)
			b.WriteRune(re.Rune[i] + rune(r.IntN(int(re.Rune[i+1]-re.Rune[i])+1)))
		case syntax.OpQuest:
			times(re, 0, 1)
		case syntax.OpRepeat:
			times(re, re.Min, re.Max)
		case syntax.OpAlternate:
			walk(re.Sub[r.IntN(len(re.Sub))])
		default: // concatenations, groups, the end
			for _, sub := range re.Sub {
				walk(sub)
			}
		}
	}
	walk(re)
	return b.String()
}

// spoil changes, adds, drops or swaps a digit.
func spoil(r *rand.Rand, s string) string {
	if s == "" {
		return s
	}
	b, i := []byte(s), r.IntN(len(s))
	switch r.IntN(4) {
	case 0:
		b[i] = digits(r, 1)[0]
	case 1:
		b = slices.Insert(b, i, digits(r, 1)[0])
	case 2:
		b = slices.Delete(b, i, i+1)
	default:
		b[i], b[0] = b[0], b[i]
	}
	return string(b)
}

// dress puts signs and spaces among the digits now and then, some where they may not stand.
func dress(r *rand.Rand, s string) string {
	switch r.IntN(8) {
	case 0:
		for range 1 + r.IntN(4) {
			i := r.IntN(len(s) + 1)
			s = s[:i] + []string{" ", "-", ".", "/", "(", ")", " - ", ") ", "\u3000", "－"}[r.IntN(10)] + s[i:]
		}
	case 1:
		s = "(" + s[:min(3, len(s))] + ") " + s[min(3, len(s)):]
	case 2:
		s = strings.Map(func(c rune) rune {
			if c == '+' || '0' <= c && c <= '9' {
				return c + '０' - '0'
			}
			return c
		}, s)
	case 3:
		if r.IntN(8) == 0 {
			s += []string{"#", "x", " ext 5", ";ext=7", ",9", "+", "a"}[r.IntN(7)]
		}
	}
	return s
}

func digits(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.IntN(10))
	}
	return string(b)
}
