package password

import (
	"strings"
	"unicode/utf8"
)

// enough is the entropy, in bits, from which zxcvbn gives score 3: 10⁶ seconds at its 10⁴ guesses a second.
const enough = 34.3

// window is how many characters the estimator sees at once. Its time grows with the cube of the length and with every character that
// could stand for a letter: 128 of them took 0.5 s, 32 take a few milliseconds (November 2026, one core). A password is at least as
// strong as its strongest part, so windows lose nothing but the sum of weak parts.
const window = 32

// other is what a character beyond ASCII counts for when it is new: half of what a random one of the 3,500 common Han characters would,
// because people choose words. The estimator would count each of its bytes as random.
const other = 6.0

// bits estimates how many guesses, as a power of two, an attacker needs.
func bits(pw string) float64 {
	rs := unit([]rune(pw))
	var ascii strings.Builder
	seen := map[rune]bool{}
	e := 0.0
	for i, r := range rs {
		if r < utf8.RuneSelf {
			ascii.WriteRune(r)
			continue
		}
		// A repeated character, or the next in a row of them, adds next to nothing.
		if !seen[r] && (i < 2 || r-rs[i-1] != rs[i-1]-rs[i-2]) {
			e += other
		}
		seen[r] = true
	}
	return e + ofASCII(ascii.String())
}

func ofASCII(s string) float64 {
	best := 0.0
	for s != "" && best < enough {
		n := min(window, len(s))
		best = max(best, entropy(s[:n]))
		s = s[n:]
	}
	return best
}

// unit gives the part that a password repeats, or all of it when it repeats none.
func unit(rs []rune) []rune {
	for n := 1; n <= len(rs)/2; n++ {
		if repeats(rs, n) {
			return rs[:n]
		}
	}
	return rs
}

func repeats(rs []rune, n int) bool {
	for i := n; i < len(rs); i++ {
		if rs[i] != rs[i-n] {
			return false
		}
	}
	return true
}
