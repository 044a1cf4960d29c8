package phone

import (
	"strconv"
	"strings"
)

// The lengths of national numbers that are looked at. ITU-T allows 15 digits with the calling code; Germany has longer ones.
const minNational, maxNational = 2, 17

const maxCode = 3 // digits of a calling code

// number reads what is written as Parse demands it, the way libphonenumber does, and gives E.164; "" when it is no valid number.
func number(s, region string) string {
	p := home(region)
	plus := strings.HasPrefix(s, "+")
	all := digits(s)
	if len(all) < minNational || len(all) == minNational && (plus || len(strings.TrimLeft(s, "(")) != minNational) {
		return ""
	}
	code, national, ok := 0, "", false
	if plus {
		code, national, ok = split(all)
		if !ok && len(all) > minNational { // a plus that stands for nothing
			code, national, ok = p.domestic(all)
			ok = ok && code != 0
		}
	} else {
		code, national, ok = p.domestic(all)
	}
	if !ok {
		return ""
	}
	if code == 0 {
		code, national = p.code, all
	} else if main := regions()[code][0]; main != region {
		p = planOf(main, code)
	}
	if len(national) < minNational {
		return ""
	}
	switch rest := p.strip(national); p.length(rest) {
	case possible, long:
		national = rest
	}
	if len(national) < minNational || len(national) > maxNational || !assigned(code, national) {
		return ""
	}
	return "+" + strconv.Itoa(code) + national
}

// home gives the plan of the country that a caller is in; nil for none.
func home(region string) *plan {
	if region == world {
		return nil
	}
	return planOf(region, 0)
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// split takes the calling code off.
func split(all string) (code int, national string, ok bool) {
	if len(all) <= minNational || all[0] == '0' {
		return 0, "", false
	}
	for i := 1; i <= maxCode && i <= len(all); i++ {
		code, _ = strconv.Atoi(all[:i])
		if regions()[code] != nil {
			return code, all[i:], true
		}
	}
	return 0, "", false
}

// domestic takes the calling code off a number that is dialled in the country: after its international prefix, or where the number fits
// better without. The code is 0 where there is none.
func (p *plan) domestic(all string) (code int, national string, ok bool) {
	if p == nil {
		return 0, "", true
	}
	if at := p.international.compiled().FindStringIndex(all); at != nil && at[0] == 0 && !strings.HasPrefix(all[at[1]:], "0") {
		return split(all[at[1]:])
	}
	rest, found := strings.CutPrefix(all, strconv.Itoa(p.code))
	if !found {
		return 0, "", true
	}
	rest = p.strip(rest)
	fits := p.general.compiled()
	if !fits.MatchString(all) && fits.MatchString(rest) || p.length(all) == long {
		return p.code, rest, true
	}
	return 0, "", true
}

// assigned reports whether the number is valid in the one region of the calling code that owns it.
func assigned(code int, national string) bool {
	all := regions()[code]
	if len(all) == 1 {
		p := planOf(all[0], code)
		return p != nil && p.valid(national)
	}
	for _, region := range all {
		if p := planOf(region, code); p.owns(national) {
			return p.valid(national)
		}
	}
	return false
}

// owns reports whether the number is the region's among those that share its calling code.
func (p *plan) owns(national string) bool {
	if p.leading != nil {
		return p.leading.compiled().MatchString(national)
	}
	return p.valid(national)
}
