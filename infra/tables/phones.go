package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// countries is the table of shared/phone: a line for each calling code with its regions, the main one first, an empty line, then one for
// each numbering plan. The fields of a plan are told in shared/phone/plan.go.
func countries() ([]byte, error) {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil, err
	}
	codes := map[int]bool{}
	var lines []string
	for _, m := range all.GetMetadata() {
		codes[int(m.GetCountryCode())] = true
		fields := []string{
			m.GetId(), strconv.Itoa(int(m.GetCountryCode())), m.GetInternationalPrefix(), m.GetNationalPrefixForParsing(),
			m.GetNationalPrefixTransformRule(), m.GetLeadingDigits(),
			lengths(m.GetGeneralDesc().GetPossibleLength()), lengths(m.GetGeneralDesc().GetPossibleLengthLocalOnly()),
			m.GetGeneralDesc().GetNationalNumberPattern(),
		}
		kinds := []*phonenumbers.PhoneNumberDesc{
			m.GetFixedLine(), m.GetTollFree(), m.GetPremiumRate(), m.GetSharedCost(), m.GetVoip(), m.GetPersonalNumber(), m.GetPager(),
			m.GetUan(), m.GetVoicemail(),
		}
		if !m.GetSameMobileAndFixedLinePattern() {
			kinds = slices.Insert(kinds, 0, m.GetMobile())
		}
		for _, k := range kinds {
			if p := k.GetNationalNumberPattern(); p != "" {
				fields = append(fields, lengths(k.GetPossibleLength())+":"+p)
			}
		}
		line := strings.Join(fields, "\t")
		if strings.Count(line, "\t") != len(fields)-1 || strings.Contains(line, "\n") {
			return nil, errors.New("a pattern of " + m.GetId() + " holds a tab or a line feed")
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	var b strings.Builder
	for code := range 1000 {
		if regions := phonenumbers.GetRegionCodesForCountryCode(code); len(regions) > 0 {
			fmt.Fprintf(&b, "%d\t%s\n", code, strings.Join(regions, "\t"))
			delete(codes, code)
		}
	}
	if len(codes) > 0 {
		return nil, fmt.Errorf("no region has the calling codes %v", codes)
	}
	return []byte(b.String() + "\n" + strings.Join(lines, "\n") + "\n"), nil
}

func lengths(all []int32) string {
	var s []string
	for _, n := range all {
		s = append(s, strconv.Itoa(int(n)))
	}
	return strings.Join(s, ",")
}
