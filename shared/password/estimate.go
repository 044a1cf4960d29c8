package password

import (
	"math"
	"strings"
	"unicode"
)

// part is a stretch of a password that an attacker would guess whole: from, to (inclusive), and the bits that it costs.
type part struct {
	from, to int
	bits     float64
}

// entropy estimates an ASCII password the way zxcvbn's port to Go does, its peculiarities included: a password that was good before must not be
// weak tomorrow. It is the cheapest way to put the password together out of known parts and single random characters.
func entropy(pw string) float64 {
	ends := make([][]part, len(pw))
	for _, find := range []func(string, func(part)){dictionary, spelled, spatial, repeated, sequences, datesParted, datesWhole} {
		find(pw, func(p part) {
			if p.to < len(pw) { // a date ends one character late, and is overlooked at the end
				ends[p.to] = append(ends[p.to], p)
			}
		})
	}
	upTo := make([]float64, len(pw)+1)
	one := math.Log2(cardinality(pw))
	for k := range pw {
		upTo[k+1] = upTo[k] + one
		for _, p := range ends[k] {
			upTo[k+1] = min(upTo[k+1], upTo[p.from]+p.bits)
		}
	}
	return round(upTo[len(pw)])
}

// round gives three places, half up.
func round(x float64) float64 {
	x *= 1000
	if _, rest := math.Modf(x); rest >= 0.5 {
		return math.Ceil(x) / 1000
	}
	return math.Floor(x) / 1000
}

// cardinality is how many characters there are of the kinds that the password uses.
func cardinality(pw string) float64 {
	var lower, upper, digit, sign float64
	for _, c := range pw {
		switch {
		case unicode.IsLower(c):
			lower = 26
		case unicode.IsDigit(c):
			digit = 10
		case unicode.IsUpper(c):
			upper = 26
		default:
			sign = 33
		}
	}
	return lower + upper + digit + sign
}

// dictionary finds words of the lists: a frequent one is guessed early.
func dictionary(pw string, add func(part)) {
	low := strings.ToLower(pw)
	for i := range low {
		ranked(low[i:], func(end, rank int) {
			add(part{i, i + end - 1, math.Log2(float64(rank)) + capitals(pw[i:i+end])})
		})
	}
}

// capitals is what the upper case of a word adds.
func capitals(word string) float64 {
	var upper, lower float64
	for _, c := range []byte(word) {
		if 'A' <= c && c <= 'Z' {
			upper++
		} else if 'a' <= c && c <= 'z' {
			lower++
		}
	}
	first := 'A' <= word[0] && word[0] <= 'Z'
	switch {
	case upper == 0:
		return 0
	case int(upper) == len(word), first && upper == 1: // all of them, or the first: everybody's ways
		return 1
	}
	ways := 0.0
	for i := 0.0; i <= min(upper, lower); i++ {
		ways += choose(upper+lower, i)
	}
	return math.Log2(ways)
}

// choose is the binomial coefficient.
func choose(n, k float64) float64 {
	if k > n {
		return 0
	}
	r := 1.0
	for d := 1.0; d <= k; d++ {
		r *= n
		r /= d
		n--
	}
	return r
}

// repeated finds one character three times or more, whatever its case.
func repeated(pw string, add func(part)) {
	for i := 0; i < len(pw); {
		j := i + 1
		for j < len(pw) && strings.EqualFold(pw[j:j+1], pw[j-1:j]) {
			j++
		}
		if j-i > 2 {
			add(part{i, j - 1, math.Log2(cardinality(pw[i:j]) * float64(j-i))})
		}
		i = j
	}
}

// rows are what people count along.
var rows = []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"}

// sequences finds such as 4567 or fedc.
func sequences(pw string, add func(part)) {
	for i := 0; i < len(pw); {
		j := i + 1
		row, way := rowOf(pw, i)
		// What is not in the row stands at -1, so that it continues a row that comes down to its first.
		for row != "" && j < len(pw) && strings.IndexByte(row, pw[j])-strings.IndexByte(row, pw[j-1]) == way {
			j++
		}
		if j-i > 2 {
			bits := math.Log2(float64(j - i))
			if pw[i] != 'a' && pw[i] != '1' {
				base := math.Log2(float64(len(row)))
				if unicode.IsUpper(rune(pw[i])) {
					base++
				}
				if way < 0 {
					base++
				}
				bits = base + bits
			} else if way < 0 {
				bits = 1 + bits
			}
			add(part{i, j - 1, bits})
		}
		i = j
	}
}

// rowOf gives the row in which the characters at i and after it are neighbours, and the direction.
func rowOf(pw string, i int) (string, int) {
	if i+1 == len(pw) {
		return "", 0
	}
	for _, row := range rows {
		a, b := strings.IndexByte(row, pw[i]), strings.IndexByte(row, pw[i+1])
		if a >= 0 && b >= 0 && (b-a == 1 || b-a == -1) {
			return row, b - a
		}
	}
	return "", 0
}
