package plain_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/plain"
)

var (
	name = plain.Rule{Min: 1, Max: 20}
	note = plain.Rule{Max: 40, Lines: true}
)

func TestKept(t *testing.T) {
	for _, row := range []struct {
		what, in, want string
		rule           plain.Rule
	}{
		{"plain", "Acme Trading Ltd.", "Acme Trading Ltd.", name},
		{"Chinese", "上海雪梅贸易有限公司", "上海雪梅贸易有限公司", name},
		{"rare ideograph", "𠮷野家", "𠮷野家", name},
		{"ideograph with a variation selector", "葛\U000e0100城", "葛\U000e0100城", name},
		{"emoji", "Café ☕️ 🚲", "Café ☕️ 🚲", name},
		{"white space at both ends", " \t\u3000Acme\u00a0 \r\n", "Acme", name},
		{"white space within stays", "Acme  Trading", "Acme  Trading", name},
		{"decomposed becomes composed", "Cafe\u0301", "Café", name},
		{"the angstrom sign becomes the letter", "\u212b", "Å", name},
		{"full width stays", "ＡＣＭＥ", "ＡＣＭＥ", name},
		{"20 code points of 4 bytes", strings.Repeat("🚲", 20), strings.Repeat("🚲", 20), name},
		{"20 after composition", strings.Repeat("e\u0301", 20), strings.Repeat("é", 20), name},
		{"20 after trimming", strings.Repeat(" ", 50) + strings.Repeat("x", 20), strings.Repeat("x", 20), name},
		{"Vietnamese, two marks a letter", "Nguye\u0302\u0303n", "Nguyễn", name},
		{"Thai", "กรุงเทพ", "กรุงเทพ", name},
		{"Arabic with its number sign", "\u0600١٢", "\u0600١٢", name},
		{"eight marks in a row", "x" + strings.Repeat("\u0323", 8), "x" + strings.Repeat("\u0323", 8), name},
		{"no limit", strings.Repeat("x", 10_000), strings.Repeat("x", 10_000), plain.Rule{}},
		{"empty where it may be", "", "", plain.Rule{Max: 20}},
		{"spaces where empty may be", "  ", "", plain.Rule{Max: 20}},
		{"lines", "one\n\ttwo", "one\n\ttwo", note},
		{"lines of Windows and of old Macs", "one\r\ntwo\rthree\r\n", "one\ntwo\nthree", note},
	} {
		got, f := plain.Check("/x", row.in, row.rule)
		if f != nil || got != row.want {
			t.Errorf("%s: %q, %v; want %q", row.what, got, f, row.want)
		}
		if again, f := plain.Check("/x", got, row.rule); f != nil || again != got {
			t.Errorf("%s: what was kept is not kept again: %q, %v", row.what, again, f)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, row := range []struct {
		what, in, code, arg string
		rule                plain.Rule
	}{
		{"nothing", "", "required", "", name},
		{"only spaces", " \u3000\t ", "required", "", name},
		{"21 code points", strings.Repeat("x", 21), "too_long", "20", name},
		{"21 emoji", strings.Repeat("🚲", 21), "too_long", "20", name},
		{"a megabyte", strings.Repeat("x", 1<<20), "too_long", "20", name},
		{"too short", "ab", "too_short", "3", plain.Rule{Min: 3, Max: 20}},
		{"too short after composition", "e\u0301e\u0301", "too_short", "3", plain.Rule{Min: 3, Max: 20}},
		{"nothing, where three are wanted", "", "required", "", plain.Rule{Min: 3, Max: 20}},
		{"NUL", "Ac\x00me", "forbidden_character", "3", name},
		{"NUL at the end", "Acme\x00", "forbidden_character", "5", name},
		{"escape", "\x1b[2J", "forbidden_character", "1", name},
		{"delete", "Acme\x7f!", "forbidden_character", "5", name},
		{"next line (C1)", "Ac\u0085me", "forbidden_character", "3", name},
		{"C1", "Ac\u009bme", "forbidden_character", "3", name},
		{"line feed in a name", "Acme\nLtd", "forbidden_character", "5", name},
		{"tab in a name", "Acme\tLtd", "forbidden_character", "5", name},
		{"carriage return in a name", "Acme\rLtd", "forbidden_character", "5", name},
		{"vertical tab in a note", "a\vb", "forbidden_character", "2", note},
		{"escape in a note", "one\n\x1b", "forbidden_character", "5", note},
		{"line separator", "a\u2028b", "forbidden_character", "2", note},
		{"paragraph separator", "a\u2029b", "forbidden_character", "2", note},
		{"bidi override", "Acme\u202eexe", "forbidden_character", "5", name},
		{"bidi isolate", "Acme\u2066x", "forbidden_character", "5", name},
		{"right-to-left mark", "Acme\u200fx", "forbidden_character", "5", name},
		{"Arabic letter mark", "Acme\u061cx", "forbidden_character", "5", name},
		{"zero-width space", "上海\u200b公司", "forbidden_character", "3", name},
		{"zero-width space at the end", "上海\u200b", "forbidden_character", "3", name},
		{"zero-width joiner", "A\u200dB", "forbidden_character", "2", name},
		{"zero-width non-joiner", "A\u200cB", "forbidden_character", "2", name},
		{"word joiner", "A\u2060B", "forbidden_character", "2", name},
		{"byte order mark", "\ufeffAcme", "forbidden_character", "1", name},
		{"soft hyphen", "Ac\u00adme", "forbidden_character", "3", name},
		{"Hangul filler", "A\u3164B", "forbidden_character", "2", name},
		{"combining grapheme joiner", "A\u034fB", "forbidden_character", "2", name},
		{"tag", "A\U000e0041B", "forbidden_character", "2", name},
		{"noncharacter", "A\uffffB", "forbidden_character", "2", name},
		{"another noncharacter", "A\ufdd0B", "forbidden_character", "2", name},
		{"a lone surrogate", "A\xed\xa0\x80B", "forbidden_character", "2", name},
		{"ill-formed", "A\xff", "forbidden_character", "2", name},
		{"position in what was typed", "  A\u200bB", "forbidden_character", "4", name},
		{"forbidden before long", strings.Repeat("x", 30) + "\x00", "forbidden_character", "31", name},
		{"nine marks in a row", "x" + strings.Repeat("\u0323", 9), "too_many_marks", "8", name},
		{"200 marks", "x" + strings.Repeat("\u0301", 200), "too_many_marks", "8", plain.Rule{Max: 1000}},
		{"marks of all kinds", "x\u0301\u0323\u0327\u20dd\u0301\u0323\u0327\u20dd\u0338", "too_many_marks", "8", name},
	} {
		got, f := plain.Check("/contacts/0/name", row.in, row.rule)
		if f == nil || f.Code != row.code || f.Pointer != "/contacts/0/name" || got != "" {
			t.Errorf("%s: %q, %v; want %s", row.what, got, f, row.code)
			continue
		}
		arg := f.Args["max"] + f.Args["min"] + f.Args["position"]
		if arg != row.arg {
			t.Errorf("%s: args %v, want %s", row.what, f.Args, row.arg)
		}
	}
}

func TestFold(t *testing.T) {
	same := [][]string{
		{"Acme Trading", "acme trading", "ACME  TRADING", " Acme\u3000Trading ", "ＡＣＭＥ　Ｔｒａｄｉｎｇ", "acme\u00a0trading", "Acme\tTrading"},
		{"Straße", "STRASSE", "strasse"},
		{"Café", "CAFE\u0301", "ｃａｆé"},
		{"株式会社", "㍿"},
		{"ガス", "ｶﾞｽ"},
		{"Οδυσσεύς", "ΟΔΥΣΣΕΎΣ"},
		{"ᏣᎳᎩ", "ꮳꮃꭹ"},
		{"Ᏸ", "ᏸ"},
		{"葛城", "葛\U000e0100城"},
		{"ﬁx", "fix", "FIX"},
		{"", "  "},
	}
	for i, group := range same {
		for _, s := range group[1:] {
			if plain.Fold(s) != plain.Fold(group[0]) {
				t.Errorf("%q and %q are two: %q, %q", group[0], s, plain.Fold(group[0]), plain.Fold(s))
			}
		}
		for _, other := range same[i+1:] {
			if plain.Fold(group[0]) == plain.Fold(other[0]) {
				t.Errorf("%q and %q are one", group[0], other[0])
			}
		}
	}
	for _, pair := range [][2]string{{"上海", "上每"}, {"Cafe", "Café"}, {"a b", "ab"}, {"体", "體"}} {
		if plain.Fold(pair[0]) == plain.Fold(pair[1]) {
			t.Errorf("%q and %q are one", pair[0], pair[1])
		}
	}
}

// TestFoldIsStable goes through every character that has a case, a mark or a form, alone and with the marks that folding and the normal form move.
func TestFoldIsStable(t *testing.T) {
	for r := rune(1); r <= utf8.MaxRune; r++ {
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Lo, r) {
			continue
		}
		for _, s := range []string{string(r), string(r) + "\u0345", string(r) + "\u0345\u0301"} {
			once := plain.Fold(s)
			if plain.Fold(once) != once || plain.Fold(norm.NFD.String(s)) != once {
				t.Fatalf("%+q folds to %+q, and that to %+q", s, once, plain.Fold(once))
			}
		}
		if up := unicode.ToUpper(r); up != r && unicode.ToLower(up) == r && plain.Fold(string(up)) != plain.Fold(string(r)) {
			t.Errorf("%c and %c are two", r, up)
		}
	}
}

// caseFold is the library's folding. It exchanges the cases of Cherokee, which folds to upper case (x/text v0.43.0, November 2026).
func caseFold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 0xab70 <= r && r <= 0xabbf:
			return r - 0xab70 + 0x13a0
		case 0x13f8 <= r && r <= 0x13fd:
			return r - 8
		}
		return r
	}, cases.Fold().String(s))
}

// asTheLibrary tells what Fold should give.
func asTheLibrary(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(norm.NFKC.String(caseFold(norm.NFKC.String(s)))), " ")
}

// TestOracleOfFold: every character, alone and among marks that change places with its own.
func TestOracleOfFold(t *testing.T) {
	for r := range rune(utf8.MaxRune + 1) {
		for _, s := range []string{string(r), "\u03b1" + string(r) + "\u0345\u0323", string(r) + "\u0307\u0301\u0345\u1e9e"} {
			if got, want := plain.Fold(s), asTheLibrary(s); got != want {
				t.Fatalf("%+q folds to %+q; the library says %+q", s, got, want)
			}
		}
	}
}

func TestKey(t *testing.T) {
	if got := plain.Key("  Acme "); got != "acme" {
		t.Errorf("%q", got)
	}
	long := plain.Key(strings.Repeat("\ufdfa", 200)) // each becomes 18 letters
	if len(long) > plain.MaxKey || len(long) < plain.MaxKey-4 || !utf8.ValidString(long) {
		t.Errorf("%d bytes", len(long))
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"Acme", "Cafe\u0301 ", "\u202e", "a\r\nb", "x\u0301\u0323\u0327", "ﷺ", "\xed\xa0\x80"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, lines bool) {
		r := plain.Rule{Min: 1, Max: 200, Lines: lines}
		got, field := plain.Check("/x", s, r)
		if field != nil {
			if fault.Fields(*field) == nil {
				t.Fatal("no fault")
			}
			return
		}
		if !norm.NFC.IsNormalString(got) || strings.TrimSpace(got) != got || utf8.RuneCountInString(got) > 200 || !utf8.ValidString(got) {
			t.Fatalf("%q was kept as %q", s, got)
		}
		for _, c := range got {
			if plain.Forbidden(c) && !(lines && (c == '\n' || c == '\t')) {
				t.Fatalf("%q kept %U", s, c)
			}
		}
		if again, field := plain.Check("/x", got, r); field != nil || again != got {
			t.Fatalf("%q is kept as %q, and that as %q, %v", s, got, again, field)
		}
	})
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Acme", "ẞß", "ͅΑ", "İ", "\u0345\u0391", "ǰ", "ﬁ", "㍿", "a\ufe0f\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := plain.Fold(s), asTheLibrary(s); got != want {
			t.Fatalf("%+q folds to %+q; the library says %+q", s, got, want)
		}
		s = strings.ToValidUTF8(s, "")
		once := plain.Fold(s)
		if twice := plain.Fold(once); twice != once {
			t.Fatalf("%q folds to %q, and that to %q", s, once, twice)
		}
		if plain.Fold(norm.NFD.String(s)) != once {
			t.Fatalf("%q folds apart from its decomposed form", s)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		plain.Check("/name", "上海雪梅贸易有限公司 Ltd.", plain.Rule{Min: 1, Max: 200})
	}
}

func BenchmarkFold(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		plain.Fold("上海雪梅贸易有限公司 Ltd.")
	}
}
