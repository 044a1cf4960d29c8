// Package deflate packs bytes in the format of RFC 1951, some 7 % smaller than compress/flate at its best and a few times slower: it looks for the
// cheapest way through each piece, by what the codes of the last attempt cost, where compress/flate takes the next good match, and it knows
// matches of three bytes. It is for what is packed once and loaded at every start. It unpacks nothing: compress/flate does.
package deflate

import "math"

const (
	window   = 32 << 10
	minMatch = 3
	maxMatch = 258

	piece  = 16 << 10 // bytes of the input that are parsed at a time; a block of the output is one or more
	chain  = 64       // earlier places that are compared with each
	rounds = 2        // attempts at a piece
	plenty = 96       // a match of this length is taken whole
)

// Pack packs all of it. The same bytes give the same bytes.
func Pack(b []byte) []byte {
	p := &packer{in: b, head: make([]int32, 1<<hashBits), prev: make([]int32, window)}
	for i := range p.head {
		p.head[i] = -1
	}
	p.costs.guess()
	var block, next parsed
	for from := 0; from < len(b); from += piece {
		next = p.parse(from, min(from+piece, len(b)))
		if joint := block.with(&next); from > 0 && joint.size() > block.size()+next.size() {
			p.out.block(&block, false)
			block = next
		} else {
			block = joint
		}
	}
	p.out.block(&block, true)
	return p.out.end()
}

// packer is one Pack.
type packer struct {
	in         []byte
	head, prev []int32 // the last place of each hash, and the place before each with the same hash
	costs      costs
	found      []match
	ends       [piece + 1]int32 // where the matches of each place end in found
	at         [piece + 1]arrival
	out        output
}

// match is an earlier text that is the same for so many bytes, and the nearest such.
type match struct{ length, distance uint16 }

// arrival is the cheapest way to a place: its price so far, and its last step.
type arrival struct {
	price float32
	match // length 1: a literal
}

// parse finds the cheapest tokens of the piece, and leaves the costs that they have.
func (p *packer) parse(from, to int) (best parsed) {
	p.search(from, to)
	n := to - from
	for range rounds {
		for i := 1; i <= n; i++ {
			p.at[i].price = math.MaxFloat32
		}
		for i := range n {
			price := p.at[i].price
			if c := price + p.costs.literal[p.in[from+i]]; c < p.at[i+1].price {
				p.at[i+1] = arrival{c, match{1, 0}}
			}
			shorter := minMatch
			for _, m := range p.found[p.start(i):p.ends[i]] {
				c := price + p.costs.distance[distanceCode(int(m.distance))]
				if m.length >= plenty {
					shorter = int(m.length)
				}
				for l := shorter; l <= int(m.length); l++ {
					if c := c + p.costs.length[l]; c < p.at[i+l].price {
						p.at[i+l] = arrival{c, match{uint16(l), m.distance}}
					}
				}
				shorter = int(m.length) + 1
			}
		}
		best = parsed{}
		for i := n; i > 0; i -= int(p.at[i].length) {
			step := p.at[i].match
			if step.length == 1 {
				step = match{0, uint16(p.in[from+i-1])}
			}
			best.tokens = append(best.tokens, step)
		}
		best.turn()
		p.costs.of(&best)
	}
	return best
}

func (p *packer) start(i int) int32 {
	if i == 0 {
		return 0
	}
	return p.ends[i-1]
}

const hashBits = 16

func hash(b []byte) uint32 {
	return (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16) * 0x9E3779B1 >> (32 - hashBits)
}

// search notes, for each place of the piece, the matches that are longer than any nearer one. None reaches beyond the piece.
func (p *packer) search(from, to int) {
	p.found = p.found[:0]
	for i := from; i < to; i++ {
		if i+minMatch <= len(p.in) {
			h := hash(p.in[i:])
			longest := minMatch - 1
			most := min(maxMatch, to-i)
			for at, n := p.head[h], 0; at >= 0 && i-int(at) <= window && n < chain && longest < most; n++ {
				if p.in[int(at)+longest] == p.in[i+longest] {
					if l := same(p.in[at:], p.in[i:i+most]); l > longest {
						longest = l
						p.found = append(p.found, match{uint16(l), uint16(i - int(at))})
					}
				}
				before := p.prev[at%window]
				if before >= at {
					break // it has been written over: older than the window
				}
				at = before
			}
			p.prev[i%window], p.head[h] = p.head[h], int32(i)
		}
		p.ends[i-from] = int32(len(p.found))
	}
}

func same(a, b []byte) int {
	n := 0
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// costs are what each token takes, in bits, as far as is known.
type costs struct {
	literal  [256]float32
	length   [maxMatch + 1]float32
	distance [30]float32
}

// guess is what there is before anything is known.
func (c *costs) guess() {
	for i := range c.literal {
		c.literal[i] = 8
	}
	for l := minMatch; l <= maxMatch; l++ {
		c.length[l] = 7
	}
	for d := range c.distance {
		c.distance[d] = 5 + float32(distanceBits(d))
	}
}

// of takes the costs of the tokens, each by how often it comes.
func (c *costs) of(p *parsed) {
	bits := func(freq []uint32) []float32 {
		total := float32(1)
		for _, f := range freq {
			total += float32(f)
		}
		out := make([]float32, len(freq))
		for i, f := range freq {
			out[i] = float32(math.Log2(float64(total / max(float32(f), 0.5))))
		}
		return out
	}
	symbols, distances := bits(p.symbols[:]), bits(p.distances[:])
	copy(c.literal[:], symbols)
	for l := minMatch; l <= maxMatch; l++ {
		code := lengthCode(l)
		c.length[l] = symbols[257+code] + float32(lengthBits(code))
	}
	for d := range c.distance {
		c.distance[d] = distances[d] + float32(distanceBits(d))
	}
}
