package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// world is the region that the library gives to calling codes of no country, such as 800; their plans are filed under the code itself.
const world = "001"

// tables gives plans.txt and codes.txt of what the library carries.
func tables() (plans, codes []byte, err error) {
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil, nil, err
	}
	regions := map[int][]string{}
	for code := range phonenumbers.GetSupportedCallingCodes() {
		regions[code] = phonenumbers.GetRegionCodesForCountryCode(code)
	}
	return tablesOf(collection.GetMetadata(), regions)
}

// tablesOf gives the tables of plans and of the regions of each calling code. A line is a key and fields, parted by tabs; lines are in the order of their bytes, so that package phone
// finds one by halving.
func tablesOf(all []*phonenumbers.PhoneMetadata, regions map[int][]string) (plans, codes []byte, err error) {
	filed := map[string]string{}  // plan by key
	callers := map[string]int32{} // calling code by key
	leads := map[string]bool{}    // whether leading digits tell it from others
	for _, m := range all {
		key := m.GetId()
		if key == world {
			key = strconv.Itoa(int(m.GetCountryCode()))
		}
		if _, twice := filed[key]; twice {
			err = errors.Join(err, fmt.Errorf("%s has two plans", key))
		}
		line, wrong := plan(m)
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", key, wrong))
		}
		filed[key], callers[key], leads[key] = line, m.GetCountryCode(), m.GetLeadingDigits() != ""
	}
	called := map[string]string{}
	for code, list := range regions {
		key := strconv.Itoa(code)
		if slices.Equal(list, []string{world}) {
			list = []string{key}
		}
		if len(list) == 1 && leads[list[0]] {
			err = errors.Join(err, fmt.Errorf("%s is alone with its code, and has leading digits", list[0])) // which the library would pass over
		}
		for _, region := range list {
			if callers[region] != int32(code) {
				err = errors.Join(err, fmt.Errorf("%s is said to be of %s, and has the code %d", region, key, callers[region]))
			}
			delete(callers, region)
		}
		called[key] = strings.Join(list, "\t")
	}
	for key := range callers {
		err = errors.Join(err, fmt.Errorf("%s is of no calling code", key))
	}
	return lines(filed), lines(called), err
}

func lines(of map[string]string) []byte {
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(of)) {
		b = fmt.Appendf(b, "%s\t%s\n", key, of[key])
	}
	return b
}

// plan is one line: calling code, international prefix, national prefix, what a national prefix turns into, the digits that tell the region
// from others of its code, lengths of numbers, what all numbers match; then a field for each kind of number: its lengths (none: those of the
// plan), a colon, and what it matches. Package phone asks for validity and never for the kind, so kinds have no names, and those without a
// number are left out.
func plan(m *phonenumbers.PhoneMetadata) (string, error) {
	general := m.GetGeneralDesc()
	fields := []string{
		strconv.Itoa(int(m.GetCountryCode())), m.GetInternationalPrefix(), m.GetNationalPrefixForParsing(), m.GetNationalPrefixTransformRule(),
		m.GetLeadingDigits(), lengths(general.GetPossibleLength()), general.GetNationalNumberPattern(),
	}
	patterns := []string{m.GetInternationalPrefix(), m.GetNationalPrefixForParsing(), m.GetLeadingDigits(), general.GetNationalNumberPattern()}
	var wrong error
	mobile := m.GetMobile()
	if m.GetSameMobileAndFixedLinePattern() {
		mobile = nil // the library does not look at it
	}
	for _, kind := range []*phonenumbers.PhoneNumberDesc{
		mobile, m.GetFixedLine(), m.GetPremiumRate(), m.GetTollFree(), m.GetSharedCost(), m.GetVoip(), m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail(),
	} {
		p := kind.GetNationalNumberPattern()
		if kind == nil || p == "NA" {
			continue
		}
		if p == "" {
			wrong = errors.New("a kind of number without a pattern")
		}
		fields, patterns = append(fields, lengths(kind.GetPossibleLength())+":"+p), append(patterns, p)
	}
	return strings.Join(fields, "\t"), errors.Join(wrong, sound(m, patterns))
}

func lengths(list []int32) string {
	var s []string
	for _, n := range list {
		s = append(s, strconv.Itoa(int(n)))
	}
	return strings.Join(s, ",")
}

var (
	// pattern is what package phone can match: digits, sets of them, groups, alternatives, counts, and the end.
	pattern = regexp.MustCompile(`^(?:(?:[0-9]|\\d|\[[0-9]+(?:-[0-9]+)*\]|\(\?:|\(|\))(?:\?|\{[0-9]{1,2}(?:,[0-9]{1,2})?\})?|\||\$)*$`)
	rule    = regexp.MustCompile(`^[0-9]*(?:\$[1-9])?$`)
)

// maxGroups is how many groups of a national prefix package phone remembers.
const maxGroups = 2

// sound tells what package phone does not reckon with.
func sound(m *phonenumbers.PhoneMetadata, patterns []string) error {
	var err error
	add := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	for _, p := range patterns {
		if !pattern.MatchString(p) {
			add("%q is beyond package phone", p)
		}
		if _, wrong := regexp.Compile(p); wrong != nil {
			add("%w", wrong)
		}
	}
	groups := strings.Count(m.GetNationalPrefixForParsing(), "(") - strings.Count(m.GetNationalPrefixForParsing(), "(?")
	if groups > maxGroups {
		add("%q has %d groups", m.GetNationalPrefixForParsing(), groups)
	}
	if to := m.GetNationalPrefixTransformRule(); to != "" {
		_, group, _ := strings.Cut(to, "$")
		if n, _ := strconv.Atoi(group); !rule.MatchString(to) || n > groups || groups == 0 {
			add("the rule %q is beyond package phone", to)
		}
	}
	all := m.GetGeneralDesc().GetPossibleLength()
	if len(all) == 0 || all[0] < 3 || !slices.IsSorted(all) {
		add("lengths of numbers %v", all)
		return err
	}
	// The library stops at a length that is dialled at home only; the tables leave those out, because they are no lengths otherwise.
	for _, n := range m.GetGeneralDesc().GetPossibleLengthLocalOnly() {
		if n > all[len(all)-1] || slices.Contains(all, n) {
			add("%d digits are dialled at home only, and are too many or a number", n)
		}
	}
	return err
}
