package main

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// collator is the library's table for Chinese by pinyin, the root collation for all else. The library shows it to nobody, so it is read by
// reflection, in the form that its source describes (golang.org/x/text/internal/colltab).
type collator struct {
	all                                                      *collate.Collator
	values, index, first, ascii, expand, contractions, tries reflect.Value
}

func newCollator() collator {
	c := collator{all: collate.New(language.Chinese, collate.Loose)}
	t := reflect.ValueOf(c.all).Elem().FieldByName("options").FieldByName("t").Elem().Elem()
	runes := t.FieldByName("Index")
	c.values, c.index = runes.FieldByName("Values"), runes.FieldByName("Index")
	c.first, c.ascii = runes.FieldByName("Index0"), runes.FieldByName("Values0")
	c.expand, c.contractions, c.tries = t.FieldByName("ExpandElem"), t.FieldByName("ContractElem"), t.FieldByName("ContractTries")
	return c
}

// An entry is what the library notes for a rune: an element, or where more is to be found, by its range.
type entry uint32

const (
	lastElement     entry = 0xAFFFFFFF
	lastContraction entry = 0xDFFFFFFF
	lastExpansion   entry = 0xEFFFFFFF
)

func number(of reflect.Value, i int) int { return int(of.Index(i).Uint()) }

// entry is 0 for a rune that the table does not have.
func (c collator) entry(r rune) entry {
	b := string(r)
	if len(b) == 1 {
		return entry(number(c.ascii, int(b[0])))
	}
	at := number(c.first, int(b[0]))
	for _, next := range []byte(b[1 : len(b)-1]) {
		at = number(c.index, at<<6+int(next))
	}
	return entry(number(c.values, at<<6+int(b[len(b)-1])))
}

// element gives the primary weight of an element and its canonical combining class.
func (e entry) element() (element, error) {
	switch {
	case e > lastElement:
		return element{}, fmt.Errorf("%x is no element", uint32(e))
	case e < 0x80000000:
		return element{primary: int(e&0x3FFFFE00) >> 9}, nil
	case e < 0xA0000000:
		return element{primary: int(e & 0xFFFF), class: uint8(e >> 16)}, nil
	}
	return element{class: uint8(e >> 20)}, nil
}

// sequence gives the elements of an entry that is no contraction.
func (c collator) sequence(r rune, e entry) (all []element, err error) {
	switch {
	case e <= lastElement:
		one, err := e.element()
		return []element{one}, err
	case e <= lastContraction:
		return nil, fmt.Errorf("%x is a contraction", uint32(e))
	case e <= lastExpansion:
		at := int(e & 0xFFFF)
		for i := range number(c.expand, at) {
			one, err := entry(number(c.expand, at+1+i)).element()
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		return all, nil
	}
	rest := string(norm.NFKD.PropertiesString(string(r)).Decomposition())
	for rest != "" {
		r, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		e := c.entry(r)
		if e.contracts() {
			start := c.contraction(e)
			longest := ""
			for s := range start.results {
				if strings.HasPrefix(rest, s) && len(s) > len(longest) {
					longest = s
				}
			}
			rest, e = rest[len(longest):], c.result(start, start.results[longest])
		}
		if e == 0 {
			return nil, fmt.Errorf("%U, of which others are made, is not in the table", r)
		}
		more, err := c.sequence(r, e)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// A contraction is a rune that is weighed together with what follows it.
type contraction struct {
	state, width int            // the first states of the trie of what follows, and how many
	offset       int            // of its results
	results      map[string]int // by what follows, "" among them
	low, high    int            // the states that the trie lies in
}

func (c collator) contraction(e entry) contraction {
	of := contraction{state: int(e >> 4 & 0xFFF), width: int(e & 0xF), offset: int(e >> 16 & 0x1FFF), results: map[string]int{"": 0}}
	of.low, of.high = of.state, of.state
	var walk func(state, width int, before string)
	walk = func(state, width int, before string) {
		of.high = max(of.high, state+width)
		for i := state; i < state+width; i++ {
			s := c.state(i)
			here := before + string([]byte{s.low})
			switch {
			case s.next == 0:
				of.results[here] = int(s.result)
				for b := int(s.low) + 1; b <= int(s.high); b++ {
					of.results[before+string([]byte{byte(b)})] = int(s.result) + b - int(s.low)
				}
			default:
				if s.result != none {
					of.results[here] = int(s.result)
				}
				walk(state+width+int(s.high), int(s.next), here)
			}
		}
	}
	walk(of.state, of.width, "")
	return of
}

func (c collator) result(of contraction, i int) entry {
	return entry(number(c.contractions, of.offset+i))
}

// A state of a trie: the bytes that it takes, how many states come next (where high says how far on), and its result.
type state struct{ low, high, next, result uint8 }

// none is the result of a state at which nothing ends.
const none = 0xFF

func (c collator) state(i int) state {
	s := c.tries.Index(i)
	return state{uint8(s.Field(0).Uint()), uint8(s.Field(1).Uint()), uint8(s.Field(2).Uint()), uint8(s.Field(3).Uint())}
}

// key is the library's.
func (c collator) key(s string) []byte {
	var b collate.Buffer
	return c.all.KeyFromString(&b, s)
}

func (e entry) contracts() bool { return e > lastElement && e <= lastContraction }
