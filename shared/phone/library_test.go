package phone_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/phone"
)

// TestAnswersOfTheLibrary holds the table and what reads it to libphonenumber: for every region, its example numbers of every kind, those
// with digits changed, lost and added, random digits of every length, each in the ways that people write and dial them.
func TestAnswersOfTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 18))
	regions := []string{"", "ZZ", "001", "86", "cn"}
	for region := range phonenumbers.GetSupportedRegions() {
		regions = append(regions, region)
	}
	asked, valid := 0, 0
	for _, region := range regions {
		code := phonenumbers.GetCountryCodeForRegion(region)
		for _, national := range numbersOf(r, region) {
			for _, s := range written(r, national, region, code) {
				want := library(s, region)
				got, err := phone.Parse(s, region)
				if string(got) != want || err == nil != (want != "") {
					t.Errorf("%s %q: %q, %v; the library says %q", region, s, got, err, want)
				}
				if f := fault.Of(err); err != nil && f.Fields[0].Code == "phone_country_missing" != (s[0] != '+' && code == 0) {
					t.Errorf("%s %q: %v; the library has the country code %d", region, s, err, code)
				}
				asked++
				if want != "" {
					valid++
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	if asked < 100_000 || valid < 20_000 {
		t.Errorf("%d numbers were asked, of which %d are valid: too few to say anything", asked, valid)
	}
}

// TestWorldOfTheLibrary does the same for the calling codes, with those of no country and those that nobody has.
func TestWorldOfTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 18))
	for code := range 1000 {
		all := []string{"", "1", "12345678"}
		for n := 4; n <= 17; n++ {
			all = append(all, random(r, n), random(r, n))
		}
		if n := phonenumbers.GetExampleNumberForNonGeoEntity(code); n != nil {
			all = append(all, changed(r, phonenumbers.GetNationalSignificantNumber(n))...)
		}
		for _, national := range all {
			for _, region := range []string{"", "CN", "US", "IT"} {
				s := "+" + strconv.Itoa(code) + national
				if got, _ := phone.Parse(s, region); string(got) != library(s, region) {
					t.Errorf("%s %q: %q; the library says %q", region, s, got, library(s, region))
				}
			}
		}
	}
}

func library(s, region string) string {
	n, err := phonenumbers.Parse(s, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return ""
	}
	if e := phonenumbers.Format(n, phonenumbers.E164); len(e) <= 16 {
		return e
	}
	return ""
}

func numbersOf(r *rand.Rand, region string) []string {
	all := []string{"1", "12", "123", "00", "000", "0000000"}
	for n := 3; n <= 18; n++ {
		all = append(all, random(r, n))
	}
	for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
		if n := phonenumbers.GetExampleNumberForType(region, kind); n != nil {
			all = append(all, changed(r, phonenumbers.GetNationalSignificantNumber(n))...)
		}
	}
	return all
}

// changed is a number and others that are almost it.
func changed(r *rand.Rand, number string) []string {
	all := []string{number, number[1:], number[:len(number)-1], number + "1", number + "23", "0" + number, "1" + number, "9" + number, "15" + number}
	for i := range number {
		all = append(all, number[:i]+strconv.Itoa(r.IntN(10))+number[i+1:])
	}
	return all
}

func random(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(r.IntN(10))
	}
	return string(b)
}

// written is the number as people write it.
func written(r *rand.Rand, national, region string, code int) []string {
	c := strconv.Itoa(code)
	ways := []string{
		national, "+" + c + national, "+" + c + "0" + national, c + national, "00" + c + national, "011" + c + national, "+00" + c + national,
		"0011" + c + national, "810" + c + national, "(" + national, "+ (" + c + ") " + national, "+0" + national, "+" + national,
	}
	if ndd := phonenumbers.GetNddPrefixForRegion(region, true); ndd != "" {
		ways = append(ways, ndd+national, "+"+c+"("+ndd+")"+national)
	}
	var spread strings.Builder
	for _, d := range national {
		spread.WriteRune(d)
		spread.WriteString([]string{"", "", "-", " ", ".", "/", ")", " (", " - "}[r.IntN(9)])
	}
	return append(ways, spread.String(), "+"+c+" "+spread.String())
}
