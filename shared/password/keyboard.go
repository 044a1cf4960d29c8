package password

import (
	_ "embed"
	"math"
	"strings"
	"sync"
)

// keyText is made from zxcvbn's keyboards by infra/tables: the keyboard, a key, and its neighbours by direction, divided by tabs. A neighbour
// is what the key gives plain, and shifted.
//
//go:embed keyboards.txt
var keyText string

type keyboard struct {
	keys         map[byte][]string
	size, degree float64 // how many keys, and the neighbours of one on average, as the estimator counts them
}

var keyboards = sync.OnceValue(func() map[string]keyboard {
	all := map[string]keyboard{}
	for row := range strings.Lines(keyText) {
		f := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		k := all[f[0]]
		if k.keys == nil {
			k.keys = map[byte][]string{}
		}
		k.keys[f[1][0]] = f[2:]
		all[f[0]] = k
	}
	for name, k := range all {
		sum, n := 0.0, 0.0
		for _, next := range k.keys {
			for _, key := range next {
				sum += float64(len(key))
				n++
			}
		}
		k.size, k.degree = float64(len(k.keys)), sum/n
		all[name] = k
	}
	return all
})

// spatial finds walks over a keyboard.
func spatial(pw string, add func(part)) {
	for _, by := range []struct{ name, measure string }{{"qwerty", "qwerty"}, {"dvorak", "qwerty"}, {"keypad", "keypad"}, {"macKeypad", "keypad"}} {
		walks(pw, keyboards()[by.name], keyboards()[by.measure], add)
	}
}

func walks(pw string, k, measure keyboard, add func(part)) {
	for i := 0; i < len(pw)-1; {
		j, turns, shifted, last := i+1, 0, 0, -1
		for j < len(pw) {
			way, shift, ok := step(k.keys[pw[j-1]], pw[j])
			if !ok {
				break
			}
			if shift {
				shifted++
			}
			if way != last {
				turns++
				last = way
			}
			j++
		}
		if j-i > 2 {
			add(part{i, j - 1, walk(measure, float64(j-i), float64(turns), float64(shifted))})
		}
		i = j
	}
}

// step gives the direction in which the key lies, and whether it is shifted.
func step(next []string, key byte) (way int, shift, ok bool) {
	for way, s := range next {
		if at := strings.IndexByte(s, key); at >= 0 {
			return way, at == 1, true
		}
	}
	return 0, false, false
}

// walk is what a walk of that length with so many turns and shifts costs.
func walk(k keyboard, length, turns, shifted float64) float64 {
	ways := 0.0
	for i := 2.0; i <= length+1; i++ {
		for j := 1.0; j <= min(turns, i-1)+1; j++ {
			ways += choose(i-1, j-1) * k.size * math.Pow(k.degree, j)
		}
	}
	bits := math.Log2(ways)
	if shifted > 0 {
		ways = 0
		for i := 0.0; i < min(shifted, length-shifted)+1; i++ {
			ways += choose(length, i)
		}
		bits += math.Log2(ways)
	}
	return bits
}
