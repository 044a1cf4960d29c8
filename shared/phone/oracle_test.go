package phone_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/width"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/phone"
)

var (
	rounds = flag.Int("rounds", 1, "how often TestOracle goes over the plans of the world")
	seed   = flag.Uint64("seed", 1, "where its random numbers start")
)

// ask is the oracle: what Parse was while binaries linked the library, word for word. It gives the number or the code of the fault.
func ask(s, region string) (number, code string) {
	if len(s) > 4*phone.MaxTyped || utf8.RuneCountInString(s) > phone.MaxTyped {
		return "", "invalid_phone"
	}
	s = strings.TrimSpace(narrowed(s))
	if extended.MatchString(s) {
		return "", "phone_extension_unsupported"
	}
	if !grouped.MatchString(s) {
		return "", "invalid_phone"
	}
	if !strings.HasPrefix(s, "+") && phonenumbers.GetCountryCodeForRegion(region) == 0 {
		return "", "phone_country_missing"
	}
	n, err := phonenumbers.Parse(s, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", "invalid_phone"
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if len(e164) > 16 {
		return "", "invalid_phone"
	}
	return e164, ""
}

var (
	grouped  = regexp.MustCompile(`^\+? *[(]?[0-9][0-9 ()./-]*$`)
	extended = regexp.MustCompile(`(?i)^[0-9 ()./+-]*[0-9)] *(;ext=|ext(?:n|ension)?[ .:]*|x[ .:]*|#|[,;]+|转|轉|分机|分機|内线|內線)[ :]*[0-9]+ *#?$`)
)

func narrowed(s string) string {
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

// agree tells whether Parse says what the oracle says, and what that was.
func agree(t *testing.T, s, region string) (number string) {
	number, code := ask(s, region)
	got, err := phone.Parse(s, region)
	said := ""
	if f := fault.Of(err); err != nil && f != nil && f.Kind == fault.Invalid {
		said = f.Code
	}
	if string(got) != number || said != code || (err == nil) != (code == "") {
		t.Errorf("Parse(%q, %q) gives %q, %v; the library %q, %s", s, region, got, err, number, code)
	}
	return number
}

// TestOracle asks Parse and the library the same of what every plan of the world allows and of what comes near it, dialled from at home, from
// a neighbour of the same calling code, from elsewhere and from nowhere. -rounds says how often, -seed where the random numbers start.
func TestOracle(t *testing.T) {
	t.Parallel()
	all, regions := worldwide(t)
	var asked, valid atomic.Int64
	var workers sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(*seed, uint64(w)))
			for range *rounds {
				for i := w; i < len(all) && !t.Failed(); i += runtime.GOMAXPROCS(0) {
					for range 20 {
						for _, s := range all[i].numbers(r) {
							for _, region := range []string{all[i].id, all[i].neighbours[r.IntN(len(all[i].neighbours))], regions[r.IntN(len(regions))]} {
								if agree(t, dress(r, s), region) != "" {
									valid.Add(1)
								}
								asked.Add(1)
							}
						}
					}
				}
			}
		})
	}
	workers.Wait()
	if asked.Load() < 100_000 || valid.Load() < asked.Load()/5 {
		t.Errorf("asked %d times, %d of them valid: that is no test of both", asked.Load(), valid.Load())
	}
	t.Logf("asked %d times, %d of them valid", asked.Load(), valid.Load())
}

// TestOracleOfExamples asks of the example of each kind of number in each region, in each format that the library writes, from each kind of place.
func TestOracleOfExamples(t *testing.T) {
	t.Parallel()
	regions := slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions()))
	examples := map[*phonenumbers.PhoneNumber]string{}
	for _, region := range regions {
		for kind := phonenumbers.FIXED_LINE; kind < phonenumbers.UNKNOWN; kind++ {
			if n := phonenumbers.GetExampleNumberForType(region, kind); n != nil {
				examples[n] = region
			}
		}
	}
	for code := range phonenumbers.GetSupportedGlobalNetworkCallingCodes() {
		if n := phonenumbers.GetExampleNumberForNonGeoEntity(code); n != nil {
			examples[n] = ""
		}
	}
	if len(examples) < 1000 {
		t.Fatalf("%d examples", len(examples))
	}
	valid := 0
	for n, region := range examples {
		e164 := phonenumbers.Format(n, phonenumbers.E164)
		for _, s := range []string{
			e164, "00" + e164[1:], "+" + e164, "+0" + e164[1:], "+00" + e164[1:], e164[1:], phonenumbers.GetNationalSignificantNumber(n), "0" + phonenumbers.GetNationalSignificantNumber(n),
			phonenumbers.Format(n, phonenumbers.INTERNATIONAL), phonenumbers.Format(n, phonenumbers.NATIONAL), phonenumbers.Format(n, phonenumbers.RFC3966),
			strings.TrimPrefix(phonenumbers.Format(n, phonenumbers.RFC3966), "tel:"), phonenumbers.FormatOutOfCountryCallingNumber(n, region),
			phonenumbers.FormatOutOfCountryCallingNumber(n, "US"), phonenumbers.FormatNumberForMobileDialing(n, region, true), phonenumbers.Format(n, phonenumbers.INTERNATIONAL) + " ext. 12",
		} {
			for _, from := range []string{region, "CN", "US", "AR", "001", ""} {
				if agree(t, s, from) != "" {
					valid++
				}
			}
		}
	}
	if valid < 20_000 {
		t.Errorf("%d valid numbers only", valid)
	}
}

// TestOracleOfSigns: whatever stands for a sign, a digit or a space, and all that looks alike and does not.
func TestOracleOfSigns(t *testing.T) {
	for r := range rune(0x10000) {
		if 0x3200 <= r && r < 0xfe00 && r != '转' {
			continue // scripts, which are neither
		}
		for _, s := range []string{"138" + string(r) + "00138000", string(r) + "8613800138000", "13800138000" + string(r) + "12", "1380013800" + string(r)} {
			agree(t, s, "CN")
		}
	}
}

// TestOracleOfLengths asks of digits of every length, with what may stand in front of them, in every region and after every calling code.
func TestOracleOfLengths(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(*seed, 99))
	for _, region := range slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) {
		for n := 1; n <= 18; n++ {
			for _, front := range []string{"", "0", "1", "8", "00", "011", "+", "+0"} {
				agree(t, front+digits(r, n), region)
			}
		}
	}
	for code := range 1000 {
		for n := 1; n <= 15; n++ {
			agree(t, "+"+strconv.Itoa(code)+digits(r, n), "")
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"13800138000", "+86 138-0013-8000", "010-12345678 转 123", "（０１０）１２３４５６７８", "+44 (0)20 7946 0018", "0086 1", "+0086138", "0 11 15 2345 6789"} {
		for _, region := range []string{"CN", "AR", "JE", "001", ""} {
			f.Add(s, region)
		}
	}
	f.Fuzz(func(t *testing.T, s, region string) {
		n := agree(t, s, region)
		if n == "" {
			return
		}
		if len(n) > 16 || n[0] != '+' || strings.Trim(n[1:], "0123456789") != "" {
			t.Fatalf("%q gave %q", s, n)
		}
		if again, err := phone.Parse(n, ""); err != nil || string(again) != n {
			t.Fatalf("%q gave %q, which reads as %q, %v", s, n, again, err)
		}
	})
}
