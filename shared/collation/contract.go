package collation

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// contract appends what the rune with the sequence i comes to together with the beginning of rest, and says how much of it that was. Marks may
// stand between that combine with the rune in another place: they come after it.
func contract(all []element, i, contraction int, rest string) ([]element, int) {
	at := contractions + 4*contraction
	m := matcher{state: number(at), width: number(at + 2), s: rest}
	var passed [norm.MaxSegmentSize]byte
	kept := 0
	p := m.match(0)
	if !m.done && p < len(rest) && rest[p] >= utf8.RuneSelf { // or else there is no mark to look at
		kept = m.matchMarks(rest, p, passed[:])
	}
	all = appendSequence(all, number(sequences+2*(i+1+m.result)))
	for b := string(passed[:kept]); b != ""; {
		var n int
		all, n = appendNext(all, b)
		b = b[n:]
	}
	return all, m.end
}

// matcher follows a trie of what may follow a rune. The trie goes by bytes.
type matcher struct {
	state, width int
	s            string
	result, end  int  // the longest match: which, and where it ended
	done         bool // nothing can follow
}

// none is the result of a state at which nothing ends.
const none = 0xFF

// match goes on at p, and gives how far whole runes went.
func (m *matcher) match(p int) int {
	whole, state, width := p, m.state, m.width
	for i := 0; i < width && p < len(m.s); i++ {
		at := states + 4*(state+i)
		low, high, next, result := table[at], table[at+1], table[at+2], table[at+3]
		switch c := m.s[p]; {
		case c == low:
			p++
			if result != none {
				m.result, m.end = int(result), p
			}
			if next == 0 {
				m.done = true
				return p
			}
			state, width, i = state+width+int(high), int(next), -1
			if p >= len(m.s) || utf8.RuneStart(m.s[p]) {
				m.state, m.width, whole = state, width, p
			}
		case c > low && next == 0 && c <= high:
			p++
			m.done, m.result, m.end = true, int(c-low)+int(result), p
			return p
		}
	}
	return whole
}

// matchMarks goes on with marks after those that do not match, as far as none hides another: their classes rise. It notes those that were passed,
// and says how many bytes of them are of the match.
func (m *matcher) matchMarks(rest string, p int, passed []byte) (kept int) {
	from, noted := p, 0
	mark := norm.NFD.PropertiesString(rest[p:])
	p += mark.Size()
	if mark.LeadCCC() == 0 {
		return 0
	}
	before := mark.TrailCCC()
	if end := norm.NFD.FirstBoundaryInString(rest[p:]); end != -1 {
		m.s = rest[:p+end]
	}
	for p < len(rest) && !m.done {
		mark = norm.NFD.PropertiesString(rest[p:])
		if before >= mark.LeadCCC() {
			break
		}
		before = mark.TrailCCC()
		to := m.match(p)
		if to == p {
			p += mark.Size()
			continue
		}
		noted += copy(passed[noted:], rest[from:p])
		if m.end == to {
			kept = noted
		}
		p, from = to, to
	}
	return kept
}
