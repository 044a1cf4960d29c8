package phone

import (
	"strconv"
	"strings"
)

// The patterns of the plans are regular expressions of few words: digits, \d, sets, groups, alternatives, counts that end, and $; infra/phones
// lets no other through. They are matched as they stand, with the first way through winning as in package regexp: nothing is compiled, so
// nothing is kept. No pattern repeats without end, so what is typed cannot make it slow.

// maxGroups is how many groups of a pattern are remembered; infra/phones lets no more through.
const maxGroups = 2

// found is where a pattern matched: up to end, with its groups. A group that took no part ends before it starts.
type found struct {
	end    int
	groups [maxGroups]struct{ start, end int }
	count  int
}

// full tells whether the pattern matches all of s.
func full(pattern, s string) bool {
	m := matcher{p: pattern, s: s}
	return m.any(0, len(pattern), 0, func(end int) bool { return end == len(s) })
}

// match finds what the pattern matches at the start of s.
func match(pattern, s string) (found, bool) {
	m := matcher{p: pattern, s: s}
	m.count = strings.Count(pattern, "(") - strings.Count(pattern, "(?")
	for i := range m.groups {
		m.groups[i].end = -1
	}
	ok := m.any(0, len(pattern), 0, func(end int) bool {
		m.end = end
		return true
	})
	return m.found, ok
}

// last tells whether the last group of the pattern took part.
func (f *found) last() bool { return f.count > 0 && f.groups[f.count-1].end >= 0 }

// expand writes digits and a group, such as 9$1.
func (f *found) expand(rule, s string) string {
	digits, group, ok := strings.Cut(rule, "$")
	if n, err := strconv.Atoi(group); ok && err == nil && f.groups[n-1].end >= 0 {
		digits += s[f.groups[n-1].start:f.groups[n-1].end]
	}
	return digits
}

type matcher struct {
	p, s string
	found
}

// any matches one of the alternatives of p[lo:hi] to the start of s[i:], and then what follows.
func (m *matcher) any(lo, hi, i int, then func(int) bool) bool {
	for {
		bar := m.skip(lo, hi, '|')
		if m.all(lo, bar, i, then) {
			return true
		}
		if bar == hi {
			return false
		}
		lo = bar + 1
	}
}

// all matches p[lo:hi], which has no alternatives of its own, to the start of s[i:], and then what follows.
func (m *matcher) all(lo, hi, i int, then func(int) bool) bool {
	for lo < hi {
		end := m.atom(lo, hi)
		least, most, next := m.times(end, hi)
		switch m.p[lo] {
		case '$':
			if i != len(m.s) {
				return false
			}
		case '(':
			after := then
			if next < hi {
				after = func(i int) bool { return m.all(next, hi, i, then) }
			}
			return m.group(lo, end, least, most, i, after)
		default:
			n := 0
			for n < most && i+n < len(m.s) && m.one(lo, end, m.s[i+n]) {
				n++
			}
			for ; n > least; n-- {
				if m.all(next, hi, i+n, then) {
					return true
				}
			}
			if n < least {
				return false
			}
			i += least
		}
		lo = next
	}
	return then(i)
}

// group matches the group p[lo:end] from least to most times, rather more than fewer, and then what follows.
func (m *matcher) group(lo, end, least, most, i int, then func(int) bool) bool {
	if most > 0 && m.inside(lo, end, i, func(j int) bool { return m.group(lo, end, least-1, most-1, j, then) }) {
		return true
	}
	return least <= 0 && then(i)
}

// inside matches the group p[lo:end] once, and remembers where if the group counts.
func (m *matcher) inside(lo, end, i int, then func(int) bool) bool {
	if strings.HasPrefix(m.p[lo:], "(?:") {
		return m.any(lo+3, end-1, i, then)
	}
	n := strings.Count(m.p[:lo], "(") - strings.Count(m.p[:lo], "(?")
	if n >= maxGroups {
		return m.any(lo+1, end-1, i, then)
	}
	return m.any(lo+1, end-1, i, func(j int) bool {
		before := m.groups[n]
		m.groups[n].start, m.groups[n].end = i, j
		if then(j) {
			return true
		}
		m.groups[n] = before
		return false
	})
}

// skip gives where c stands first in p[lo:hi] outside of groups, or hi.
func (m *matcher) skip(lo, hi int, c byte) int {
	for depth := 0; lo < hi; lo++ {
		switch b := m.p[lo]; {
		case b == c && depth == 0:
			return lo
		case b == '(':
			depth++
		case b == ')':
			depth--
		}
	}
	return hi
}

// atom gives the end of the digit, set or group that starts at lo.
func (m *matcher) atom(lo, hi int) int {
	switch m.p[lo] {
	case '(':
		return m.skip(lo+1, hi, ')') + 1
	case '[':
		return lo + strings.IndexByte(m.p[lo:], ']') + 1
	case '\\':
		return lo + 2
	}
	return lo + 1
}

// times reads the count at lo, if there is one: ?, {n} or {n,m}.
func (m *matcher) times(lo, hi int) (least, most, next int) {
	if lo == hi {
		return 1, 1, lo
	}
	switch m.p[lo] {
	case '?':
		return 0, 1, lo + 1
	case '{':
		next = lo + strings.IndexByte(m.p[lo:], '}')
		from, to, ranged := strings.Cut(m.p[lo+1:next], ",")
		least, _ = strconv.Atoi(from)
		if most = least; ranged {
			most, _ = strconv.Atoi(to)
		}
		return least, most, next + 1
	}
	return 1, 1, lo
}

// one tells whether p[lo:end], a digit or a set of them, takes c.
func (m *matcher) one(lo, end int, c byte) bool {
	switch m.p[lo] {
	case '\\':
		return digit(c)
	case '[':
		for i := lo + 1; i < end-1; i++ {
			if m.p[i+1] == '-' {
				if m.p[i] <= c && c <= m.p[i+2] {
					return true
				}
				i += 2
			} else if m.p[i] == c {
				return true
			}
		}
		return false
	}
	return m.p[lo] == c
}
