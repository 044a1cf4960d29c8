package password

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

var (
	yearLast = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(\d{1,2})[\s\-/\\_.](\d{1,2})[\s\-/\\_.](19\d{2}|200\d|201\d|\d{2})`)
	})
	yearFirst = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(19\d{2}|200\d|201\d|\d{2})[\s\-/\\_.](\d{1,2})[\s\-/\\_.](\d{1,2})`)
	})
	eightDigits = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\d{4,8}`) })
)

// The days, months and years (from 1900) that a date is guessed among.
const days, months, years = 31.0, 12.0, 119.0

// ofDate is what a date costs; 0 when it is none. A separator is worth two bits.
func ofDate(day, month, year string, separator float64) float64 {
	d, m, y := atoi(day), atoi(month), atoi(year)
	if 12 <= m && m <= 31 && d <= 12 {
		d, m = m, d
	}
	if d > 31 || m > 12 || (y < 1900 || y > 2025) && y > 99 {
		return 0
	}
	if y < 100 {
		return math.Log2(days*months*100) + separator
	}
	return math.Log2(days*months*years) + separator
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// dated adds what was found at its first place, and one character late.
func dated(pw, found string, bits float64, add func(part)) {
	if bits > 0 {
		i := strings.Index(pw, found)
		add(part{i, i + len(found), bits})
	}
}

// datesParted finds dates with separators.
func datesParted(pw string, add func(part)) {
	for _, m := range yearLast().FindAllStringSubmatch(pw, -1) {
		dated(pw, m[0], ofDate(m[2], m[1], m[3], 2), add)
	}
	for _, m := range yearFirst().FindAllStringSubmatch(pw, -1) {
		dated(pw, m[0], ofDate(m[2], m[3], m[1], 2), add)
	}
}

// datesWhole finds dates of six and of eight digits.
func datesWhole(pw string, add func(part)) {
	for _, s := range eightDigits().FindAllString(pw, -1) {
		switch len(s) {
		case 6:
			dated(pw, s, ofDate(s[2:4], s[4:], s[:2], 0), add)
		case 8:
			dated(pw, s, ofDate(s[4:6], s[6:], s[:4], 0), add)
			dated(pw, s, ofDate(s[:2], s[2:4], s[4:], 0), add)
		}
	}
}
