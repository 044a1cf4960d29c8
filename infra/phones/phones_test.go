package main

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/steward-crm/steward/infra/generated"
)

// TestGenerated holds the tables of package phone against the library in go.mod.
func TestGenerated(t *testing.T) {
	if err := generated.Run("../..", true, files); err != nil {
		t.Error(err)
	}
}

// TestSound: metadata of a kind that package phone cannot read stops the generator.
func TestSound(t *testing.T) {
	type metadata = phonenumbers.PhoneMetadata
	read := func(change func(*metadata)) (string, error) {
		m := &metadata{
			CountryCode: new(int32(86)), InternationalPrefix: new("00"), NationalPrefixForParsing: new(`(1[12]\d)|0`), LeadingDigits: new("[1-9]"),
			GeneralDesc: &phonenumbers.PhoneNumberDesc{NationalNumberPattern: new(`\d{9,10}`), PossibleLength: []int32{9, 10}, PossibleLengthLocalOnly: []int32{7}},
			FixedLine:   &phonenumbers.PhoneNumberDesc{NationalNumberPattern: new(`(?:2|3\d?)\d{8}`)},
			Mobile:      &phonenumbers.PhoneNumberDesc{NationalNumberPattern: new(`1\d{9}`), PossibleLength: []int32{10}},
			Pager:       &phonenumbers.PhoneNumberDesc{NationalNumberPattern: new("NA")},
		}
		change(m)
		return plan(m)
	}
	got, err := read(func(*metadata) {})
	if want := "86\t00\t(1[12]\\d)|0\t\t[1-9]\t9,10\t\\d{9,10}\t10:1\\d{9}\t:(?:2|3\\d?)\\d{8}"; got != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	got, err = read(func(m *metadata) { m.SameMobileAndFixedLinePattern = new(true) })
	if want := "86\t00\t(1[12]\\d)|0\t\t[1-9]\t9,10\t\\d{9,10}\t:(?:2|3\\d?)\\d{8}"; got != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for say, change := range map[string]func(*metadata){
		`"[1-9]+" is beyond`:        func(m *metadata) { m.GeneralDesc.NationalNumberPattern = new("[1-9]+") },
		`"[^1]{3}" is beyond`:       func(m *metadata) { m.Mobile.NationalNumberPattern = new("[^1]{3}") },
		`"(?i:1)" is beyond`:        func(m *metadata) { m.FixedLine.NationalNumberPattern = new("(?i:1)") },
		`"00\\b" is beyond`:         func(m *metadata) { m.InternationalPrefix = new(`00\b`) },
		`"0*" is beyond`:            func(m *metadata) { m.NationalPrefixForParsing = new("0*") },
		`"1{2,3}?" is beyond`:       func(m *metadata) { m.NationalPrefixForParsing = new("1{2,3}?") },
		`"(?=1)" is beyond`:         func(m *metadata) { m.LeadingDigits = new("(?=1)") },
		"missing closing":           func(m *metadata) { m.LeadingDigits = new("(1") },
		"has 3 groups":              func(m *metadata) { m.NationalPrefixForParsing = new("(0)(1)(2)") },
		`the rule "$10" is beyond`:  func(m *metadata) { m.NationalPrefixTransformRule = new("$10") },
		`the rule "9$2" is beyond`:  func(m *metadata) { m.NationalPrefixTransformRule = new("9$2") },
		`the rule "$1 9" is beyond`: func(m *metadata) { m.NationalPrefixTransformRule = new("$1 9") },
		`the rule "9" is beyond`: func(m *metadata) {
			m.NationalPrefixForParsing, m.NationalPrefixTransformRule = new("0"), new("9")
		},
		"lengths of numbers []":       func(m *metadata) { m.GeneralDesc.PossibleLength = nil },
		"lengths of numbers [2 9]":    func(m *metadata) { m.GeneralDesc.PossibleLength = []int32{2, 9} },
		"lengths of numbers [9 8]":    func(m *metadata) { m.GeneralDesc.PossibleLength = []int32{9, 8} },
		"9 digits are dialled at":     func(m *metadata) { m.GeneralDesc.PossibleLengthLocalOnly = []int32{9} },
		"11 digits are dialled at":    func(m *metadata) { m.GeneralDesc.PossibleLengthLocalOnly = []int32{11} },
		"a kind of number without a ": func(m *metadata) { m.Mobile.NationalNumberPattern = nil },
	} {
		if _, err := read(change); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", say, err)
		}
	}
}

// TestTablesAreWhole: regions, codes and plans belong together, or the generator stops.
func TestTablesAreWhole(t *testing.T) {
	of := func(region string, code int32, leading string) *phonenumbers.PhoneMetadata {
		m := &phonenumbers.PhoneMetadata{
			Id: new(region), CountryCode: new(code), GeneralDesc: &phonenumbers.PhoneNumberDesc{NationalNumberPattern: new(`\d{9}`), PossibleLength: []int32{9}},
		}
		if leading != "" {
			m.LeadingDigits = new(leading)
		}
		return m
	}
	type plans = []*phonenumbers.PhoneMetadata
	type codes = map[int][]string
	filed, called, err := tablesOf(plans{of("SJ", 47, "79"), of("001", 800, ""), of("NO", 47, "")}, codes{47: {"NO", "SJ"}, 800: {"001"}})
	if string(called) != "47\tNO\tSJ\n800\t800\n" || !strings.HasPrefix(string(filed), "800\t800\t") || !strings.Contains(string(filed), "\nNO\t47\t") || err != nil {
		t.Errorf("%q, %q, %v", filed, called, err)
	}
	for _, row := range []struct {
		say   string
		plans plans
		codes codes
	}{
		{"NO has two plans", plans{of("NO", 47, ""), of("NO", 47, "")}, codes{47: {"NO"}}},
		{"SJ is said to be of 47, and has the code 0", plans{of("NO", 47, "")}, codes{47: {"NO", "SJ"}}},
		{"SJ is said to be of 47, and has the code 46", plans{of("NO", 47, ""), of("SJ", 46, "")}, codes{47: {"NO", "SJ"}}},
		{"SJ is of no calling code", plans{of("NO", 47, ""), of("SJ", 47, "")}, codes{47: {"NO"}}},
		{"NO is alone with its code, and has leading digits", plans{of("NO", 47, "2")}, codes{47: {"NO"}}},
	} {
		if _, _, err := tablesOf(row.plans, row.codes); err == nil || !strings.Contains(err.Error(), row.say) {
			t.Errorf("%s: %v", row.say, err)
		}
	}
}
