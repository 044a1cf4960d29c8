package policy

// lookup finds the value of an id among many. A map would hash the whole id; ids end in sixteen random characters, so the last eight of them
// are hash enough, and one comparison decides. It exists because a decision is asked for on every row of every list. The zero lookup is
// empty.
type lookup[K ~string, V any] struct {
	slots []entry[K, V] // a power of two of them, at most half of them taken
	n     int
}

type entry[K ~string, V any] struct {
	key   K // "" is a free slot
	value V
}

// hash mixes the last eight bytes.
func hash[K ~string](k K) uint64 {
	var h uint64
	if n := len(k); n >= 8 { // one load
		k = k[n-8:]
		h = uint64(k[0])<<56 | uint64(k[1])<<48 | uint64(k[2])<<40 | uint64(k[3])<<32 | uint64(k[4])<<24 | uint64(k[5])<<16 | uint64(k[6])<<8 | uint64(k[7])
	} else {
		for i := range n {
			h = h<<8 | uint64(k[i])
		}
	}
	h *= 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio: spreads neighbours
	return h ^ h>>32
}

func lookupFor[K ~string, V any](n int) lookup[K, V] {
	size := 4
	for size < 2*n {
		size *= 2
	}
	return lookup[K, V]{slots: make([]entry[K, V], size)}
}

// get gives the value of the key; false when there is none.
func (l *lookup[K, V]) get(k K) (v V, ok bool) {
	if l.n == 0 || k == "" {
		return v, false
	}
	last := uint64(len(l.slots) - 1)
	for at := hash(k) & last; ; at = (at + 1) & last {
		switch e := &l.slots[at]; e.key {
		case k:
			return e.value, true
		case "":
			return v, false
		}
	}
}

// put gives the key the value, unless it has one already: then it answers false. The empty key is none.
func (l *lookup[K, V]) put(k K, v V) bool {
	if k == "" {
		return false
	}
	if 2*(l.n+1) > len(l.slots) {
		l.grow()
	}
	last := uint64(len(l.slots) - 1)
	at := hash(k) & last
	for ; l.slots[at].key != ""; at = (at + 1) & last {
		if l.slots[at].key == k {
			return false
		}
	}
	l.slots[at] = entry[K, V]{k, v}
	l.n++
	return true
}

func (l *lookup[K, V]) grow() {
	old := l.slots
	*l = lookupFor[K, V](len(old))
	for _, e := range old {
		l.put(e.key, e.value)
	}
}
