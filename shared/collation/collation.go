// Package collation says where a text stands among others as people sort them: Latin and other letters by the root collation of Unicode, Chinese
// characters by pinyin; case, accents and width make no difference. What it gives is stored, so it never changes: byte for byte it is the key that
// golang.org/x/text/collate makes for Chinese, Loose, whose table for all languages is eight times as large. It knows nothing of names or accounts.
//
// Its table, weights.bin, is written by infra/tables and read where it lies. A rune's page and block lead to its code: a weight, a sequence of
// elements, or a contraction, which is weighed together with what follows it. A rune without a code is weighed by its number.
package collation

import "slices"

// An element is a primary weight, 0 for none, in the low 21 bits, and the combining class of its rune in the high 8.
type element uint32

const primaries = 1<<21 - 1

func (e element) class() uint8 { return uint8(e >> 24) }

// most is how many elements with combining classes are put in order; after so many, a new segment begins.
const most = 30

// usual is how many elements there is room for: few texts have so many marks in a row.
const usual = 16

// Append appends the key of s to key, cut to limit bytes: of two texts that comes first whose key has the lower bytes. Any s has a key, ill-formed
// ones too; that of an empty one is empty. It reads s as far as
// limit asks, past whatever has no weight.
func Append(key []byte, s string, limit int) []byte {
	end := len(key) + limit
	t := text{rest: s}
	for len(key) < end && (t.rest != "" || len(t.all) > 0) {
		if len(t.all) == 0 {
			if e, more, n := first(t.rest); more == alone {
				key, t.rest = appendPrimary(key, e), t.rest[n:]
				continue
			}
			if t.all == nil {
				t.all = make([]element, 0, usual)
			}
		}
		t.settle()
		for _, e := range t.all[:t.settled] {
			key = appendPrimary(key, e)
		}
		t.all = t.all[:copy(t.all, t.all[t.settled:])]
	}
	return key[:min(len(key), end)]
}

func appendPrimary(key []byte, e element) []byte {
	switch p := e & primaries; {
	case p == 0:
		return key
	case p < 1<<15:
		return append(key, byte(p>>8), byte(p))
	default:
		return append(key, byte(p>>16)|0x80, byte(p>>8), byte(p))
	}
}

// text is a text under way: the elements that were taken off it, of which the settled ones will not change places any more.
type text struct {
	rest    string
	all     []element
	settled int
}

// take takes a rune, or what contracts, off the text.
func (t *text) take() bool {
	if t.rest == "" {
		return false
	}
	var n int
	t.all, n = appendNext(t.all, t.rest)
	t.rest = t.rest[n:]
	return true
}

// settle settles more elements: those of a starter, or of the marks up to the next one, in the order of their classes. There are some, or there is
// something to take.
func (t *text) settle() {
	if len(t.all) == 0 {
		t.take()
	}
	before := t.all[len(t.all)-1].class()
	if before == 0 {
		t.settled = len(t.all)
		return
	}
	if t.all[0].class() == 0 {
		t.settled = slices.IndexFunc(t.all, func(e element) bool { return e.class() != 0 })
		return
	}
	for {
		n := len(t.all)
		if !t.take() {
			break
		}
		class := t.all[n].class()
		if class == 0 || len(t.all) > most {
			t.settled = n
			return
		}
		if class < before {
			t.move(n, class)
		} else {
			before = class
		}
	}
	t.settled = len(t.all)
}

// move moves the elements from n on, whose first has the class, to their place among those before.
func (t *text) move(n int, class uint8) {
	to := n - 1
	for to > 0 && class < t.all[to-1].class() {
		to--
	}
	whole := len(t.all)
	t.all = append(t.all, t.all[to:n]...)
	copy(t.all[to:], t.all[n:])
	t.all = t.all[:whole]
}

// appendNext appends the elements of what s begins with, and says how many bytes that is. s is not empty.
func appendNext(all []element, s string) ([]element, int) {
	e, more, n := first(s)
	switch {
	case more == alone:
		return append(all, e), n
	case more == hangul:
		return appendHangul(all, s), n
	}
	at := number(sequences + 2*more)
	if at&contracts == 0 {
		return appendSequence(all, at), n
	}
	all, m := contract(all, more, at&^contracts, s[n:])
	return all, n + m
}
