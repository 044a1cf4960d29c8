package collation

import (
	_ "embed"
	"encoding/binary"
	"math/bits"
	"unicode"
	"unicode/utf8"
)

//go:embed weights.bin
var table string

// What else is said in a place of the table.
const (
	row       = 1 << 23 // of a block: the codes of its runes follow the one that it has itself
	last      = 1 << 23 // of an element: the sequence ends
	contracts = 1 << 15 // of a sequence: the rest is the number of a contraction, and what it can come to are the sequences after it
)

func number(i int) int { return int(table[i]) | int(table[i+1])<<8 }

// What a rune is, if it is no sequence of the table.
const (
	alone  = -1 // one element without a class
	hangul = -2 // as many as there are letters in the syllable
)

// first weighs the first rune of s, which is n bytes long: more is the number of its sequence, if it is not alone.
func first(s string) (e element, more, n int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n < 2 {
		return implicit(r), alone, illFormed(s)
	}
	code, ok := codeOf(r)
	switch {
	case !ok && r >= firstHangul && r <= lastHangul:
		return 0, hangul, n
	case !ok:
		return implicit(r), alone, n
	case code < large:
		return element(code), alone, n
	case code < sequence:
		return element(code - large + firstLarge), alone, n
	}
	return 0, code - sequence, n
}

// codeOf gives the code of a rune, if the table has it.
func codeOf(r rune) (int, bool) {
	at := pages + int(table[r>>12])*(2*64) + int(r>>6)&63*2
	at = blocks + number(at)*11
	return inBlock(table[at:at+11], uint(r)&63)
}

// inBlock finds a code in a block: a bit for each rune that there is, and where their codes are.
func inBlock(block string, i uint) (int, bool) {
	there := binary.LittleEndian.Uint64([]byte(block[:8]))
	if there>>i&1 == 0 {
		return 0, false
	}
	before := bits.OnesCount64(there & (1<<i - 1))
	at := int(block[8]) | int(block[9])<<8 | int(block[10])<<16
	if at&row != 0 {
		return at&^row + before, true
	}
	return number(codes + 2*(at+before)), true
}

func appendSequence(all []element, i int) []element {
	for at := elements + 4*i; ; at += 4 {
		e := element(number(at)) | element(number(at+2))<<16
		all = append(all, e&^last)
		if e&last != 0 {
			return all
		}
	}
}

const (
	firstHangul, lastHangul = 0xAC00, 0xD7A3
	firstL, firstV, firstT  = 0x1100, 0x1161, 0x11A7
	vowels, trails          = 21, 28
)

// appendHangul weighs the syllable that s begins with as the letters that it is made of.
func appendHangul(all []element, s string) []element {
	r, _ := utf8.DecodeRuneInString(s)
	i := r - firstHangul
	for _, letter := range [...]rune{firstL + i/(vowels*trails), firstV + i/trails%vowels, firstT + i%trails} {
		if letter != firstT {
			code, _ := codeOf(letter)
			all = append(all, element(code))
		}
	}
	return all
}

// implicit weighs a rune that the table does not have by its number: the common ideographs, others, and what is none.
func implicit(r rune) element {
	switch {
	case !unicode.Is(unicode.Ideographic, r):
		return element(r + 0x50000)
	case r >= 0x4E00 && r <= 0x9FFF:
		return element(r + 0x10000)
	}
	return element(r + 0x20000)
}

// illFormed says how many bytes are passed over where s is ill-formed: a beginning of a rune that s lacks the end of is one byte, one that goes
// on otherwise is as long as it goes, and what has the shape of a rune that is none is as long as that.
func illFormed(s string) int {
	long := 1
	switch b := s[0]; {
	case b < 0xC0 || b >= 0xF8:
		return 1
	case b < 0xE0:
		long = 2
	case b < 0xF0:
		long = 3
	default:
		long = 4
	}
	if len(s) < long {
		return 1
	}
	for n := 1; n < long; n++ {
		if s[n]&0xC0 != 0x80 {
			return n
		}
	}
	return long
}
