package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// An element is a primary weight, or none (0), with the combining class of its rune.
type element struct {
	primary int
	class   uint8
}

// What package collation takes for granted of its table.
const (
	ranksOf    = 64      // runes of a block, blocks of a page
	row        = 1 << 23 // of a block: the codes of its runes follow each other
	last       = 1 << 23 // of an element: the sequence ends
	contracts  = 1 << 15 // of a sequence: it is a contraction
	minLarge   = 1 << 20 // large weights are those of Chinese characters
	maxSmall   = 1 << 15
	maxPrimary = 1<<21 - 1
)

// packing is the table under way. A code says a weight of the two ranges in which nearly all lie; codes beyond those are sequences.
type packing struct {
	c              collator
	entries        map[rune]entry
	small          int // weights below are codes
	large, largest int // weights from large to largest are codes from small on
	elements       []byte
	sequences      []uint16          // where their elements begin, or the contraction
	named          map[string]uint16 // sequences by their elements
	contractions   []byte
	states         []byte
	moved          map[int]int // our state by the library's
}

// collation gives the table of package collation, and the constants by which it is read.
func collation() (table, layout []byte, err error) {
	p := &packing{c: newCollator(), entries: map[rune]entry{}, named: map[string]uint16{}, moved: map[int]int{}}
	for r := range rune(unicode.MaxRune + 1) {
		if e := p.c.entry(r); utf8.ValidRune(r) && e != 0 {
			p.entries[r] = e
		}
	}
	if err := p.measure(); err != nil {
		return nil, nil, err
	}
	codes := map[rune]uint16{}
	for _, r := range slices.Sorted(maps.Keys(p.entries)) {
		code, wrong := p.code(r)
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("%U: %w", r, wrong))
		}
		codes[r] = code
	}
	if first := p.small + p.largest - p.large + 1; first+len(p.sequences) > math.MaxUint16 || len(p.elements)/4 >= contracts {
		err = errors.Join(err, fmt.Errorf("%d weights and %d sequences of %d elements are too many", first, len(p.sequences), len(p.elements)/4))
	}
	if err != nil {
		return nil, nil, err
	}
	return p.lay(codes)
}

// measure finds the ranges of weights, and lays down all elements of sequences and all states of contractions.
func (p *packing) measure() error {
	p.large = math.MaxInt
	var alone, sequences []string // alone are those of a rune, which need no place when they are simple
	states := map[int]bool{}
	take := func(r rune, e entry) error {
		all, err := p.c.sequence(r, e)
		if err == nil {
			err = sound(all)
		}
		if err != nil {
			return fmt.Errorf("%U: %w", r, err)
		}
		for _, one := range all {
			if one.primary >= minLarge {
				p.large, p.largest = min(p.large, one.primary), max(p.largest, one.primary)
			} else if one.primary < maxSmall {
				p.small = max(p.small, one.primary+1)
			}
		}
		if b := pack(all); e == p.entries[r] {
			alone = append(alone, string(b))
		} else {
			sequences = append(sequences, string(b))
		}
		return nil
	}
	for r, e := range p.entries {
		if !e.contracts() {
			if err := take(r, e); err != nil {
				return err
			}
			continue
		}
		of := p.c.contraction(e)
		for i := of.low; i < of.high; i++ {
			states[i] = true
		}
		for _, i := range of.results {
			if err := take(r, p.c.result(of, i)); err != nil {
				return err
			}
		}
	}
	for _, s := range alone {
		if _, simple := p.simple([]byte(s)); !simple {
			sequences = append(sequences, s)
		}
	}
	// Long ones first: the end of one serves as another.
	slices.SortFunc(sequences, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	for _, s := range slices.Compact(sequences) {
		if p.find([]byte(s)) < 0 {
			p.elements = append(p.elements, s...)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(states)) {
		p.moved[i] = len(p.states) / 4
		s := p.c.state(i)
		p.states = append(p.states, s.low, s.high, s.next, s.result)
	}
	return nil
}

// sound tells what package collation does not reckon with.
func sound(all []element) error {
	if len(all) == 0 {
		return errors.New("no element")
	}
	for _, one := range all {
		if one.primary > maxPrimary {
			return fmt.Errorf("the weight %x", one.primary)
		}
	}
	return nil
}

func pack(all []element) []byte {
	var b []byte
	for i, one := range all {
		v := uint32(one.primary) | uint32(one.class)<<24
		if i == len(all)-1 {
			v |= last
		}
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// simple gives the code of a sequence that is one weight of the two ranges.
func (p *packing) simple(s []byte) (uint16, bool) {
	w := int(binary.LittleEndian.Uint32(s)) - last
	switch {
	case len(s) > 4 || w>>24 != 0:
	case w < p.small:
		return uint16(w), true
	case w >= p.large:
		return uint16(p.small + w - p.large), true
	}
	return 0, false
}

// find gives where the elements stand, -1 when they do not.
func (p *packing) find(s []byte) int {
	for from := 0; ; {
		i := bytes.Index(p.elements[from:], s)
		if i < 0 {
			return -1
		}
		if (from+i)%4 == 0 {
			return (from + i) / 4
		}
		from += i + 1
	}
}

func (p *packing) code(r rune) (uint16, error) {
	first, e := p.small+p.largest-p.large+1, p.entries[r]
	if e.contracts() {
		of := p.c.contraction(e)
		for i := of.state; i < of.state+of.width; i++ {
			if p.moved[i]-p.moved[of.state] != i-of.state {
				return 0, errors.New("its states were torn apart")
			}
		}
		at := len(p.sequences)
		p.sequences = append(p.sequences, uint16(contracts|len(p.contractions)/4))
		p.contractions = binary.LittleEndian.AppendUint16(p.contractions, uint16(p.moved[of.state]))
		p.contractions = binary.LittleEndian.AppendUint16(p.contractions, uint16(of.width))
		// Its results follow it, in their order.
		for i := range slices.Max(slices.Collect(maps.Values(of.results))) + 1 {
			all, err := p.c.sequence(r, p.c.result(of, i))
			if err != nil {
				return 0, err
			}
			p.sequences = append(p.sequences, uint16(p.find(pack(all))))
		}
		return uint16(first + at), nil
	}
	all, err := p.c.sequence(r, e)
	if err != nil {
		return 0, err
	}
	var key []byte
	for _, one := range all {
		key = appendPrimary(key, one.primary)
	}
	if want := p.c.key(string(r)); !bytes.Equal(key, want) {
		return 0, fmt.Errorf("the key is %x by the table; the library says %x", key, want)
	}
	s := pack(all)
	if code, ok := p.simple(s); ok {
		return code, nil
	}
	at, ok := p.named[string(s)]
	if !ok {
		at = uint16(len(p.sequences))
		p.sequences, p.named[string(s)] = append(p.sequences, uint16(p.find(s))), at
	}
	return uint16(first) + at, nil
}

func appendPrimary(key []byte, p int) []byte {
	switch {
	case p == 0:
		return key
	case p < 1<<15:
		return append(key, byte(p>>8), byte(p))
	}
	return append(key, byte(p>>16)|0x80, byte(p>>8), byte(p))
}
