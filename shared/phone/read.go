package phone

import "strings"

func digit(c byte) bool { return '0' <= c && c <= '9' }

// read takes a number as written apart into its calling code and its national number, which may not be valid; home is the plan of the region
// that it is dialled from, nil for none.
func read(s string, home *plan) (code, national string, ok bool) {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	p, national, ok := split(digits, s[0] == '+', home)
	if !ok {
		return "", "", false
	}
	if bare := p.bare(national); p.lengths.has(len(bare)) {
		national = bare
	}
	return p.code, national, true
}

// split finds whose plan the digits follow, and takes the calling code off.
func split(digits string, plus bool, home *plan) (p *plan, rest string, ok bool) {
	if plus {
		if p, rest, ok = calling(digits); ok {
			return p, rest, true
		}
		// A plus before no calling code may stand before a prefix for calls abroad, as in +0086.
	}
	if home == nil {
		return nil, "", false
	}
	if n, ok := match(home.abroad, digits); ok && !strings.HasPrefix(digits[n.end:], "0") {
		return calling(digits[n.end:])
	}
	if rest, ok := strings.CutPrefix(digits, home.code); ok {
		rest = home.bare(rest)
		if !full(home.general, digits) && full(home.general, rest) || home.lengths.exceeded(len(digits)) {
			p, _, ok = calling(home.code)
			return p, rest, ok
		}
	}
	return home, digits, !plus
}

// calling takes the calling code off the digits and gives the plan of its main region. No code begins another, and none has more than three digits.
func calling(digits string) (p *plan, rest string, ok bool) {
	for n := 1; n <= min(3, len(digits)); n++ {
		if regions, ok := line(codes, digits[:n]); ok {
			main, _, _ := strings.Cut(regions, "\t")
			p, ok = planOf(main)
			return p, digits[n:], ok
		}
	}
	return nil, "", false
}

// bare takes the national prefix off, or turns it into what it stands for, unless a number that fits the plan would no longer.
func (p *plan) bare(national string) string {
	if p.prefix == "" {
		return national
	}
	m, ok := match(p.prefix, national)
	if !ok {
		return national
	}
	bare := national[m.end:]
	if p.rule != "" && m.last() {
		bare = m.expand(p.rule, national) + bare
	}
	if full(p.general, national) && !full(p.general, bare) {
		return national
	}
	return bare
}

// valid tells whether a national number is one of a calling code: of the first of its regions whose leading digits it has, or that holds it.
func valid(code, national string) bool {
	regions, _ := line(codes, code)
	for region := range strings.SplitSeq(regions, "\t") {
		p, _ := planOf(region)
		switch {
		case p.leading != "":
			if _, ok := match(p.leading, national); ok {
				return p.holds(national)
			}
		case p.holds(national):
			return true
		}
	}
	return false
}
