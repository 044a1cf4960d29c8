package password

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	zxcvbn "github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/frequency"
)

// TestEntropyOfTheLibrary holds the estimate to zxcvbn's, to the last place: words of its lists as they stand, spelled with signs, in mixed
// case, repeated and put together, walks over keyboards, rows, dates in every shape, what is random, and all of these in pieces.
func TestEntropyOfTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 18))
	asked, weak, n := 0, 0, 12_000
	if testing.Short() {
		n = 1_000
	}
	ask := func(pw string) {
		pw = pw[:min(len(pw), window)]
		want, got := zxcvbn.PasswordStrength(pw, nil).Entropy, entropy(pw)
		if got != want {
			t.Errorf("%q: %v bits; the library says %v", pw, got, want)
		}
		asked++
		if want < enough {
			weak++
		}
	}
	for _, pw := range []string{
		"", "a", "A", " ", "aaa", "aAa", "cba~", "dcba_`", "210/", "CBA", "1234567890", "19910412", "19910412x", "x19910412y", "04121991!", "910412", "910412z",
		"1.1.1991", "1.1.1991x", "31/12/99_", "2025-12-31 ", "1\t2\t1999\n", "4 5 2010 4 5 2010x", "p4$$w0rd", "P@55W0RD1!|7", "7|1", "1|7|1", "({[<",
		"qwertyuiop", "QWERTYuiop", "zxcvbn", "!@#$%^", "852456", "aoeui", "\x00\x01\x7f", strings.Repeat("1", window),
	} {
		ask(pw)
	}
	for range n {
		ask(invented(r))
	}
	if weak < asked/10 || weak > asked*9/10 {
		t.Errorf("%d of %d are weak: too few on one side", weak, asked)
	}
}

// TestStemsOfTheLibrary: the list of common passwords is whole, and has nothing else in it.
func TestStemsOfTheLibrary(t *testing.T) {
	common := map[string]bool{}
	for _, w := range frequency.Lists["Passwords"].List {
		common[w] = len(w) >= minStem
	}
	for name, list := range frequency.Lists {
		for _, w := range list.List {
			w = strings.ToLower(w)
			for _, s := range []string{w, w + "q", w[:max(len(w)-1, 0)]} {
				if got := stem(s); got != (common[s] || ours()[s]) {
					t.Errorf("%s of %s: %v", s, name, got)
				}
			}
		}
	}
}

// TestWordsOfTheLibrary: every word is found wherever something begins with it, with the best of its ranks, and nothing else is.
func TestWordsOfTheLibrary(t *testing.T) {
	best := map[string]int{}
	for _, list := range frequency.Lists {
		ranks := map[string]int{}
		for i, w := range list.List {
			ranks[strings.ToLower(w)] = i + 1
		}
		for w, rank := range ranks {
			if have, ok := best[w]; !ok || rank < have {
				best[w] = rank
			}
		}
	}
	for w := range best {
		for _, s := range []string{w, w + "q", w + "\x00", w + "\xff", w[:max(len(w)-1, 0)] + "~"} {
			want, got := map[int]int{}, map[int]int{}
			for end := 1; end <= len(s); end++ {
				if rank, ok := best[s[:end]]; ok {
					want[end] = rank
				}
			}
			ranked(s, func(end, rank int) { got[end] = rank })
			if !maps.Equal(got, want) {
				t.Errorf("%q: %v; the library says %v", s, got, want)
			}
		}
	}
}

func invented(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(3) {
		b.WriteString(piece(r))
	}
	return b.String()
}

const signsTyped = "4301$5@7!|({[<8692+%"

func piece(r *rand.Rand) string {
	switch r.IntN(9) {
	case 0:
		return from(r, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~", 1+r.IntN(12))
	case 1:
		return from(r, "0123456789", 1+r.IntN(9))
	case 2:
		return strings.Repeat(from(r, "abcABC123!. ", 1), 1+r.IntN(6))
	case 3: // rows, both ways
		row := []string{"abcdefghijklmnopqrstuvwxyz", "ZYXWVUTSRQPONMLKJIHGFEDCBA", "0123456789", "9876543210", "zyxwvutsrqponmlkjihgfedcba"}[r.IntN(5)]
		i := r.IntN(len(row))
		return row[i:min(len(row), i+2+r.IntN(7))]
	case 4: // dates
		sep := []string{"", "", "-", "/", ".", " ", "_", "\\", ","}[r.IntN(9)]
		y := []string{from(r, "0123456789", 2), "19" + from(r, "0123456789", 2), "20" + from(r, "0123456789", 2), from(r, "0123456789", 4)}[r.IntN(4)]
		d, m := from(r, "0123", 1)+from(r, "0123456789", 1), from(r, "01", 1)+from(r, "0123456789", 1)
		if r.IntN(2) == 0 {
			return y + sep + m + sep + d
		}
		return d + sep + m + sep + y
	case 5: // walks
		return walked(r)
	case 6:
		return from(r, signsTyped, 1+r.IntN(6))
	}
	return word(r)
}

// word is one of the lists, in somebody's spelling.
func word(r *rand.Rand) string {
	list := frequency.Lists[[]string{"MaleNames", "FemaleNames", "Surname", "English", "Passwords"}[r.IntN(5)]].List
	w := list[r.IntN(len(list))]
	switch r.IntN(5) {
	case 0:
		return strings.ToUpper(w[:1]) + w[1:]
	case 1:
		b := []byte(w)
		for i := range b {
			if r.IntN(3) == 0 {
				b[i] = strings.ToUpper(w)[i]
			}
		}
		return string(b)
	case 2:
		b := []byte(w)
		for i, c := range b {
			for _, s := range signs {
				if s.letter == c && r.IntN(2) == 0 {
					b[i] = s.signs[r.IntN(len(s.signs))]
				}
			}
		}
		return string(b)
	case 3:
		return strings.ToUpper(w)
	}
	return w
}

func walked(r *rand.Rand) string {
	k := keyboards()[[]string{"qwerty", "dvorak", "keypad", "macKeypad"}[r.IntN(4)]].keys
	at := "5"
	if k['q'] != nil {
		at = from(r, "qwertyuiopasdfghjklzxcvbnm1234567890", 1)
	}
	b, way := at, r.IntN(6)
	for range 2 + r.IntN(8) {
		if r.IntN(3) == 0 {
			way = r.IntN(6)
		}
		if next := k[b[len(b)-1]]; way < len(next) && next[way] != "" {
			b += string(next[way][r.IntN(len(next[way]))])
		}
	}
	return b
}

func from(r *rand.Rand, set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[r.IntN(len(set))]
	}
	return string(b)
}
