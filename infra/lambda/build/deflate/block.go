package deflate

import (
	"cmp"
	"math/bits"
	"slices"
)

// parsed are the tokens of a part of the input, and how often each symbol comes among them. A token of length 0 is a literal, its distance the byte.
type parsed struct {
	tokens    []match
	symbols   [286]uint32
	distances [30]uint32
}

// turn takes the tokens, which are last first, and counts them.
func (p *parsed) turn() {
	slices.Reverse(p.tokens)
	for _, t := range p.tokens {
		if t.length == 0 {
			p.symbols[t.distance]++
			continue
		}
		p.symbols[257+lengthCode(int(t.length))]++
		p.distances[distanceCode(int(t.distance))]++
	}
}

// with is both, one after the other.
func (p *parsed) with(q *parsed) parsed {
	both := parsed{append(slices.Clip(p.tokens), q.tokens...), p.symbols, p.distances}
	for i, f := range q.symbols {
		both.symbols[i] += f
	}
	for i, f := range q.distances {
		both.distances[i] += f
	}
	return both
}

// size is that of a block of them, in bits.
func (p *parsed) size() int {
	h := p.head()
	n := h.size()
	for i, f := range p.symbols {
		n += int(f) * int(h.symbols[i])
		if i > 256 {
			n += int(f) * lengthBits(i-257)
		}
	}
	for i, f := range p.distances {
		n += int(f) * (int(h.distances[i]) + distanceBits(i))
	}
	return n
}

// head is what stands before a block's tokens: the lengths of the codes, and the codes by which those are told.
type head struct {
	symbols, distances []uint8
	told               []run
	order              []uint8 // lengths of the codes of the runs, in the order of RFC 1951
}

// run is a code of the lengths, with what follows it: how often the last one, or none, is repeated.
type run struct{ code, extra, bits uint8 }

// told is the order in which the lengths of the codes of the runs are told (RFC 1951, section 3.2.7).
var told = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (p *parsed) head() head {
	symbols := p.symbols
	symbols[256] = 1 // the end
	h := head{symbols: lengths(symbols[:], 15), distances: lengths(p.distances[:], 15)}
	h.told = runs(slices.Concat(shortened(h.symbols, 257), shortened(h.distances, 1)))
	var freq [19]uint32
	for _, r := range h.told {
		freq[r.code]++
	}
	of := lengths(freq[:], 7)
	for _, code := range told {
		h.order = append(h.order, of[code])
	}
	h.order = shortened(h.order, 4)
	return h
}

func (h *head) size() int {
	n := 3 + 5 + 5 + 4 + 3*len(h.order)
	for _, r := range h.told {
		n += int(h.order[slices.Index(told[:], r.code)]) + int(r.bits)
	}
	return n
}

// shortened leaves out zeros at the end, down to so many.
func shortened(l []uint8, least int) []uint8 {
	n := len(l)
	for n > least && l[n-1] == 0 {
		n--
	}
	return l[:n]
}

func runs(l []uint8) (all []run) {
	for i := 0; i < len(l); {
		n := 1
		for i+n < len(l) && l[i+n] == l[i] {
			n++
		}
		switch {
		case l[i] == 0 && n >= 11:
			n = min(n, 138)
			all = append(all, run{18, uint8(n - 11), 7})
		case l[i] == 0 && n >= 3:
			all = append(all, run{17, uint8(n - 3), 3})
		case i > 0 && l[i] == l[i-1] && n >= 3:
			n = min(n, 6)
			all = append(all, run{16, uint8(n - 3), 2})
		default:
			n = 1
			all = append(all, run{code: l[i]})
		}
		i += n
	}
	return all
}

// lengths are those of a prefix code for symbols that come so often: Huffman's, and when one would be longer than the limit, that of flatter
// frequencies.
func lengths(freq []uint32, limit int) []uint8 {
	type node struct {
		freq        uint32
		left, right int // among the nodes; -1: a symbol
		symbol      int
	}
	var nodes []node
	for s, f := range freq {
		if f > 0 {
			nodes = append(nodes, node{f, -1, -1, s})
		}
	}
	out := make([]uint8, len(freq))
	if len(nodes) == 1 {
		out[nodes[0].symbol] = 1
		return out
	}
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Or(cmp.Compare(a.freq, b.freq), cmp.Compare(a.symbol, b.symbol)) })
	leaves := len(nodes)
	leaf, inner := 0, leaves
	least := func() int {
		if leaf < leaves && (inner == len(nodes) || nodes[leaf].freq <= nodes[inner].freq) {
			leaf++
			return leaf - 1
		}
		inner++
		return inner - 1
	}
	for range leaves - 1 {
		a, b := least(), least()
		nodes = append(nodes, node{nodes[a].freq + nodes[b].freq, a, b, -1})
	}
	depth := make([]int, len(nodes))
	for i, n := range slices.Backward(nodes) {
		if n.left < 0 {
			if depth[i] > limit {
				flatter := make([]uint32, len(freq))
				for s, f := range freq {
					flatter[s] = f/2 + f%2
				}
				return lengths(flatter, limit)
			}
			out[n.symbol] = uint8(depth[i])
			continue
		}
		depth[n.left], depth[n.right] = depth[i]+1, depth[i]+1
	}
	return out
}

// codes are the canonical ones of the lengths, with their bits in the order in which they are written.
func codes(l []uint8) []uint16 {
	var count, next [17]uint16
	for _, n := range l {
		if n > 0 {
			count[n]++
		}
	}
	for n := 1; n <= 15; n++ {
		next[n+1] = (next[n] + count[n]) << 1
	}
	out := make([]uint16, len(l))
	for s, n := range l {
		if n > 0 {
			out[s] = bits.Reverse16(next[n]) >> (16 - n)
			next[n]++
		}
	}
	return out
}
