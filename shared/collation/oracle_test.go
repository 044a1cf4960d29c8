package collation

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// oracle is the library, for one goroutine.
type oracle struct {
	c *collate.Collator
	b collate.Buffer
}

func newOracle() *oracle { return &oracle{c: collate.New(language.Chinese, collate.Loose)} }

func (o *oracle) key(s string) []byte {
	o.b.Reset()
	return o.c.KeyFromString(&o.b, s)
}

// whole is a limit that no key here reaches.
const whole = 1 << 30

// same asks for the key, and for it cut; it gives the library's.
func same(t *testing.T, o *oracle, s string) []byte {
	t.Helper()
	want := o.key(s)
	if got := Append(nil, s, whole); !bytes.Equal(got, want) {
		t.Fatalf("%+q (% x): %x; the library says %x", s, s, got, want)
	}
	for _, limit := range []int{0, 1, 95, 96, 97} {
		if limit < len(want) {
			if got := Append([]byte("x"), s, limit); string(got) != "x"+string(want[:limit]) {
				t.Fatalf("%+q cut at %d: %x; the library says %x", s, limit, got, want[:limit])
			}
		}
	}
	return want
}

func TestOracleOfRunes(t *testing.T) {
	o := newOracle()
	for r := range unicode.MaxRune + 1 {
		same(t, o, string(r))
	}
}

// TestOracleOfBytes: whatever lies between two letters is passed over as by the library.
func TestOracleOfBytes(t *testing.T) {
	o := newOracle()
	const edges = "a\x7f\x80\x8c\x8f\x90\x9f\xa0\xbf\xc0\xcc\xe0\xed\xf0\xf4\xff"
	for a := range 256 {
		for b := range 256 {
			same(t, o, string([]byte{byte(a), byte(b)}))
			for _, c := range []byte(edges) {
				same(t, o, string([]byte{'e', byte(a), byte(b), c}))
				if a < 0xE0 {
					continue // it is passed over before the fourth byte
				}
				for _, d := range []byte(edges) {
					same(t, o, string([]byte{byte(a), byte(b), c, d}))
				}
			}
		}
	}
}

// starters gives the runes that begin contractions.
func starters() (all []rune) {
	for r := range unicode.MaxRune + 1 {
		if code, ok := codeOf(r); ok && code >= sequence && number(sequences+2*(code-sequence))&contracts != 0 {
			all = append(all, r)
		}
	}
	return all
}

// followers gives the runes that mean something else after a starter than alone, and asks of each after each.
func followers(t *testing.T, o *oracle, starters []rune) (all []rune) {
	var keys [][]byte
	for _, s := range starters {
		keys = append(keys, slices.Clone(o.key(string(s))))
	}
	for r := range rune(0x12000) { // beyond it, no rune contracts
		if _, ok := codeOf(r); !ok {
			continue
		}
		own, follows := slices.Clone(o.key(string(r))), false
		for i, s := range starters {
			want, ok := bytes.CutPrefix(same(t, o, string([]rune{s, r})), keys[i])
			follows = follows || !ok || !bytes.Equal(want, own)
		}
		if follows {
			all = append(all, r)
		}
	}
	return all
}

// marks gives a rune of each combining class, in their order.
func marks() (all []rune) {
	have := map[uint8]bool{}
	for r := range rune(0x1E900) {
		class := norm.NFD.PropertiesString(string(r)).CCC()
		if _, weighed := codeOf(r); class != 0 && weighed && !have[class] {
			have[class] = true
			all = append(all, r)
		}
	}
	class := func(r rune) int { return int(norm.NFD.PropertiesString(string(r)).CCC()) }
	slices.SortFunc(all, func(a, b rune) int { return class(a) - class(b) })
	return all
}

// TestOracleOfContractions: every rune that begins a contraction, with every rune after it; with what may follow and marks of every class, two at
// a time in any order; with what may follow after many marks of rising classes, and after marks that are two in one.
func TestOracleOfContractions(t *testing.T) {
	o := newOracle()
	begin := starters()
	follow := followers(t, o, begin)
	if len(begin) < 90 || len(follow) < 100 {
		t.Fatalf("%d starters, %d followers", len(begin), len(follow))
	}
	rising := marks()
	after := slices.Concat(follow, rising)
	for _, s := range begin {
		for _, last := range follow {
			for _, n := range []int{28, 29, 30, 31, len(rising)} { // the library looks at thirty
				same(t, o, string(s)+string(rising[:n])+string(last))
			}
			for _, double := range "\u0344\u0f73\u0f75\u0f81" {
				same(t, o, string([]rune{s, rising[0], double, last}))
			}
		}
		for _, a := range after {
			for _, b := range after {
				same(t, o, string([]rune{s, a, b}))
			}
		}
	}
}

// TestOracleOfTexts asks of mixed scripts: marks in any order and more of them than the library sorts, ill-formed text, long texts.
func TestOracleOfTexts(t *testing.T) {
	o, r, w := newOracle(), rand.New(rand.NewPCG(1, 24)), newWriter()
	n := 300_000
	if testing.Short() {
		n = 30_000
	}
	longer := 0
	for range n {
		s := w.text(r)
		if len(same(t, o, s)) > 96 {
			longer++
		}
	}
	if longer < n/50 {
		t.Errorf("%d of %d are longer than a weight", longer, n)
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "李雪梅", "Ünïté u\u0323\u0308\u030c", "한국어 ㄱㄴ", "เกาะ แ", "ཱྀ\u0f71\u0f74", "e\xcc\xcc\x8c", "\xf0\x9f\x9a", strings.Repeat("\u0301\u0323", 40)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { same(t, newOracle(), s) })
}

// writer makes texts.
type writer struct {
	starters, followers, marks []rune
	ranges                     [][2]rune
}

func newWriter() writer {
	w := writer{starters: starters(), marks: marks(), ranges: [][2]rune{
		{' ', '~'},
		{0xA0, 0x24F},
		{0x250, 0x370},
		{0x370, 0x530},
		{0x5B0, 0x700},
		{0x900, 0xE00},
		{0xE00, 0x1100},
		{0x1100, 0x1200},
		{0x1780, 0x1D00},
		{0x1DC0, 0x2000},
		{0x2000, 0x2E00},
		{0x3000, 0x3400},
		{0x3400, 0x4E00},
		{0x4E00, 0xA000},
		{0x4E00, 0xA000},
		{0xA000, 0xAC00},
		{0xAC00, 0xD7B0},
		{0xD800, 0x10000},
		{0x10000, 0x1F000},
		{0x1D100, 0x1D250},
		{0x1F300, 0x1FA00},
		{0x20000, 0x2FA20},
		{0xE0000, 0xE0200},
		{0, unicode.MaxRune},
	}}
	for _, contracted := range []string{"·\u0301\u0304\u030c\u0300\u0302\u0308\u0306\u030b\u030f\u0653\u0654\u0655ৗাୖୗாௗౖೕೖೂാൗා්ෟกขฮกໜໝຮา\u0e32າ\u0f71\u0f72\u0f74\u0f80ီᬵꪀꪯ\U00011127"} {
		w.followers = append(w.followers, []rune(contracted)...)
	}
	return w
}

func (w writer) text(r *rand.Rand) string {
	var b strings.Builder
	long := 1 + r.IntN(6)
	if r.IntN(16) == 0 {
		long = 40 + r.IntN(80)
	}
	pick := func(of []rune) { b.WriteRune(of[r.IntN(len(of))]) }
	for range long {
		switch r.IntN(8) {
		case 0, 1:
			pick(w.starters)
			for range r.IntN(4) {
				if r.IntN(2) == 0 {
					pick(w.marks)
				} else {
					pick(w.followers)
				}
			}
		case 2:
			for range 1 + r.IntN(4) {
				pick(w.marks)
			}
		case 3:
			if r.IntN(20) == 0 {
				for range 20 + r.IntN(30) {
					pick(w.marks)
				}
			}
		case 4:
			if r.IntN(8) == 0 {
				b.WriteByte(byte(r.IntN(256)))
			}
		default:
			of := w.ranges[r.IntN(len(w.ranges))]
			for range 1 + r.IntN(3) {
				b.WriteRune(of[0] + r.Int32N(of[1]-of[0]))
			}
		}
	}
	s := b.String()
	if r.IntN(30) == 0 {
		i := r.IntN(len(s) + 1)
		s = s[:i] + s[min(len(s), i+1+r.IntN(3)):]
	}
	if r.IntN(10) == 0 && utf8.ValidString(s) {
		return norm.NFC.String(s)
	}
	return s
}

func BenchmarkAppend(b *testing.B) {
	for name, s := range map[string]string{"Latin": "Acme Trading Limited", "Chinese": "深圳市腾讯计算机系统有限公司", "marks": "Ünïté Łódź Ångström"} {
		b.Run(name, func(b *testing.B) {
			var key [96]byte
			b.ReportAllocs()
			for b.Loop() {
				Append(key[:0], s, 96)
			}
		})
		b.Run(name+"/library", func(b *testing.B) {
			o := newOracle()
			b.ReportAllocs()
			for b.Loop() {
				o.key(s)
			}
		})
	}
}
