package deflate

// output is what is written, the least first.
type output struct {
	out  []byte
	held uint64
	n    int
}

func (b *output) put(v uint32, n int) {
	b.held |= uint64(v) << b.n
	for b.n += n; b.n >= 8; b.n -= 8 {
		b.out = append(b.out, byte(b.held))
		b.held >>= 8
	}
}

func (b *output) end() []byte {
	if b.n > 0 {
		b.put(0, 8-b.n)
	}
	return b.out
}

// block writes the tokens as a block with codes of its own.
func (b *output) block(p *parsed, last bool) {
	h := p.head()
	final := uint32(0)
	if last {
		final = 1
	}
	b.put(final|2<<1, 3)
	b.put(uint32(len(shortened(h.symbols, 257))-257), 5)
	b.put(uint32(len(shortened(h.distances, 1))-1), 5)
	b.put(uint32(len(h.order)-4), 4)
	of := make([]uint8, len(told))
	for i, n := range h.order {
		b.put(uint32(n), 3)
		of[told[i]] = n
	}
	by := codes(of)
	for _, r := range h.told {
		b.put(uint32(by[r.code]), int(of[r.code]))
		b.put(uint32(r.extra), int(r.bits))
	}
	symbols, distances := codes(h.symbols), codes(h.distances)
	symbol := func(s int) { b.put(uint32(symbols[s]), int(h.symbols[s])) }
	for _, t := range p.tokens {
		if t.length == 0 {
			symbol(int(t.distance))
			continue
		}
		code := lengthCode(int(t.length))
		symbol(257 + code)
		b.put(uint32(int(t.length)-lengthBase[code]), lengthBits(code))
		code = distanceCode(int(t.distance))
		b.put(uint32(distances[code]), int(h.distances[code]))
		b.put(uint32(int(t.distance)-distanceBase(code)), distanceBits(code))
	}
	symbol(256)
}

// lengthBase are the least lengths of the codes, from 257 on (RFC 1951, section 3.2.5).
var lengthBase = [29]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}

var lengthCodes = func() (all [maxMatch + 1]uint8) {
	for code, base := range lengthBase {
		for l := base; l <= maxMatch; l++ {
			all[l] = uint8(code)
		}
	}
	return all
}()

func lengthCode(l int) int { return int(lengthCodes[l]) }

// lengthBits is how many bits follow the code of a length.
func lengthBits(code int) int {
	if code < 8 || code == 28 {
		return 0
	}
	return code/4 - 1
}

// distanceBits is how many bits follow the code of a distance.
func distanceBits(code int) int { return max(code/2-1, 0) }

func distanceBase(code int) int {
	if code < 4 {
		return code + 1
	}
	return (2+code%2)<<(code/2-1) + 1
}

func distanceCode(d int) int {
	if d <= 4 {
		return d - 1
	}
	n := 0
	for v := d - 1; v >= 4; v >>= 1 {
		n++
	}
	return 2*n + 2 + (d-1)>>n&1
}
