package password_test

import (
	"crypto/rand"
	"errors"
	"math"
	mrand "math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/password"
)

// rules are those of a tenant with the slug acme-trade and a user of it.
var rules = password.Rules{Personal: []string{"acme-trade", "Acme Trading Ltd.", "李雪梅", "Li Xuemei", "xuemei.li@acme-trade.example", "", "Wu Lin", "+8613812349876"}}

func TestCheck(t *testing.T) {
	good := "plum kettle orbit 42"
	for _, row := range []struct {
		name, pw string
		want     string // codes, "" for none
	}{
		{"a few words", good, ""},
		{"11 characters", "kV9#tq2!mZx", "password_too_short"},
		{"12 characters", "kV9#tq2!mZxw", ""},
		{"12 characters that are 36 bytes", "竹杖芒鞋轻胜马谁怕一蓑烟", ""},
		{"11 characters that are 44 bytes", strings.Repeat("🚲", 11), "password_too_short"},
		{"128 characters", strings.Repeat("kV9#tq2! mZx wL4", 8), ""},
		{"129 characters", strings.Repeat("kV9#tq2! mZx wL4", 8) + "z", "password_too_long"},
		{"a megabyte is not looked at", strings.Repeat("4", 1<<20), "password_too_long"},
		{"empty", "", "password_too_short"},
		{"leading space", " kV9#tq2!mZ", "password_too_short"},
		{"spaces count", "  kV9#tq2!mZ", ""},
		{"emoji", "🚲 melon ladder 🦉", ""},
		{"NUL", "plum kettle\x00 orbit 42", "forbidden_character"},
		{"ill-formed", "plum kettle\xff orbit 42", "forbidden_character"},
		{"other control characters are bytes like any", "plum\tkettle\x1b orbit 42", ""},
		{"composed", "caf\u00e9 kettle orbit", ""},
		{"decomposed", "cafe\u0301 kettle orbit", ""},
		{"blocklist", "password1234", "password_common"},
		{"blocklist, other case", "PassWord1234", "password_common"},
		{"blocklist although long and strong", "correct horse battery staple", "password_common"},
		{"blocklist in full width", "ｐａｓｓｗｏｒｄ１２３４", "password_common"},
		{"common word with ornaments", "!!Monkey2026!!", "password_common"},
		{"common word with signs for letters", "p@$$w0rd!2026", "password_common"},
		{"common word repeated", "dragondragon", "password_common"},
		{"pinyin", "woaini1314520", "password_common"},
		{"tenant's slug", "my Acme-Trade kettle 9", "password_contextual"},
		{"tenant's slug in full width", "my ＡＣＭＥ kettle 91", "password_contextual"},
		{"tenant's name with signs for letters", "@cm3 kettle orbit", "password_contextual"},
		{"user's name", "kettle xuemei orbit", "password_contextual"},
		{"user's name spread", "kettle x-u-e-m-e-i orbit", "password_contextual"},
		{"user's name the other way round", "kettle linwu orbit", "password_contextual"},
		{"user's name in Chinese", "今晚和李雪梅一起喝茶看山水", "password_contextual"},
		{"user's phone as dialled at home", "plum 138-1234-9876 kettle", "password_contextual"},
		{"four digits of a phone are nothing", "plum 9876 kettle orbit", ""},
		{"one short part of a name is nothing", "kettle liorbit 4 plum", ""},
		{"top level domains name nobody", "an example kettle orbit", ""},
		{"digits", "483910275563", "password_weak"},
		{"date", "19910412 1991", "password_weak"},
		{"one character", "aaaaaaaaaaaaa", "password_weak"},
		{"one emoji", strings.Repeat("🚲", 20), "password_weak"},
		{"emoji in their order", "😀😁😂😃😄😅😆😇😈😉😊😋", "password_weak"},
		{"two emoji in turn", "🚲🦉🦉🚲🚲🚲🦉🚲🦉🦉🦉🚲🦉", "password_weak"},
		{"something short, repeated", "8342834283428342", "password_weak"},
		{"keyboard walk", "zxcvfdsaqwer", "password_weak"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := codes(t, password.Check("/newPassword", row.pw, rules)); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestLimitsAreNamed(t *testing.T) {
	for pw, want := range map[string]fault.Args{
		"short":                  {"min": "20"},
		strings.Repeat("x", 129): {"max": "128"},
		"plum\x00kettle":         {"position": "5"},
	} {
		f := fault.Of(password.Check("/password", pw, password.Rules{MinLength: 20}))
		if f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Pointer != "/password" {
			t.Fatalf("%+v", f)
		}
		for k, v := range want {
			if f.Fields[0].Args[k] != v {
				t.Errorf("%s: args %v, want %v", f.Code, f.Fields[0].Args, want)
			}
		}
	}
}

func TestTenantRaisesTheMinimumOnly(t *testing.T) {
	pw := "kV9#tq2!mZxw" // 12
	for least, want := range map[int]string{0: "", 8: "", 12: "", 13: "password_too_short", -1: ""} {
		if got := codes(t, password.Check("", pw, password.Rules{MinLength: least})); got != want {
			t.Errorf("minimum %d: %q, want %q", least, got, want)
		}
	}
	if got := codes(t, password.Check("", strings.Repeat("kV9#tq2! mZx wL4", 4), password.Rules{MinLength: 1000})); got != "" {
		t.Errorf("a tenant locked everybody out: %s", got)
	}
}

func TestComposition(t *testing.T) {
	r := password.Rules{Composition: true}
	for pw, want := range map[string]string{
		"plum kettle orbit 42":  "password_composition",
		"Plum kettle orbit":     "password_composition",
		"Plumkettleorbit42":     "password_composition",
		"PLUM KETTLE ORBIT 42":  "password_composition",
		"Plum kettle orbit 42":  "",
		"Ébène kettle orbit 42": "",
		"aaaaaaaaaaaaaa":        "password_weak password_composition",
		"竹杖芒鞋轻胜马谁怕一蓑烟雨":         "password_composition",
	} {
		if got := codes(t, password.Check("", pw, r)); got != want {
			t.Errorf("%q: %q, want %q", pw, got, want)
		}
	}
}

func TestReused(t *testing.T) {
	asked := 0
	r := password.Rules{Reused: func(pw string) (bool, error) { asked++; return pw == "plum kettle orbit 42", nil }}
	if got := codes(t, password.Check("", "plum kettle orbit 42", r)); got != "password_reused" {
		t.Errorf("used before: %q", got)
	}
	if got := codes(t, password.Check("", "plum kettle orbit 43", r)); got != "" {
		t.Errorf("new: %q", got)
	}
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	if _ = password.Check("", "aaaaaaaaaaaaaa", r); asked != 2 {
		t.Error("asked about a password that is refused anyway")
	}
	r.Reused = func(string) (bool, error) { return false, errors.New("no answer") }
	if err := password.Check("", "plum kettle orbit 42", r); err == nil || fault.IsKind(err, fault.Invalid) {
		t.Errorf("an error of the history was swallowed: %v", err)
	}
}

func TestTemporary(t *testing.T) {
	seen := map[string]bool{}
	for range 300 {
		pw := password.Temporary(rand.Reader)
		if err := password.Check("", pw, password.Rules{Composition: true}); err != nil {
			t.Fatalf("refused by the policy: %v", err)
		}
		if seen[pw] || utf8.RuneCountInString(pw) != 19 || strings.ContainsAny(pw, "0Oo1lIiEeAaUuYy") {
			t.Fatalf("%q: seen before, of another length or hard to read", pw)
		}
		seen[pw] = true
	}
	if entropy := 12*math.Log2(19) + 4*math.Log2(8); entropy < 62 {
		t.Errorf("%.1f bits", entropy)
	}
}

// TestTemporaryEndsWithPoorRandomness: a source that always says the same must not hang the process.
func TestTemporaryEndsWithPoorRandomness(t *testing.T) {
	if password.Temporary(zeros{}) == "" {
		t.Error("nothing")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"plum kettle orbit 42", "p@$$w0rd!2026", "😀😁😂😃😄😅😆😇😈😉😊😋", "1.1.1991 2/2/92", "4|!1+7(<{[6", "\xff\x00"} {
		f.Add(s, "acme")
	}
	f.Fuzz(func(t *testing.T, pw, personal string) {
		err := password.Check("/p", pw, password.Rules{Personal: []string{personal}, Composition: true})
		if err != nil && !fault.IsKind(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
	})
}

// BenchmarkWorst is the most that one request can make Check think: signs that could each stand for letters.
func BenchmarkWorst(b *testing.B) {
	r := mrand.New(mrand.NewPCG(1, 2))
	pw := make([]byte, 128)
	for i := range pw {
		pw[i] = "4301$5@7!|"[r.IntN(10)]
	}
	copy(pw, strings.Repeat("1", 120))
	for b.Loop() {
		_ = password.Check("", string(pw), rules)
	}
}

func BenchmarkTypical(b *testing.B) {
	for b.Loop() {
		_ = password.Check("", "plum kettle orbit 42", rules)
	}
}

func codes(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	f := fault.Of(err)
	if f.Kind != fault.Invalid {
		t.Fatalf("not a refusal: %v", err)
	}
	var all []string
	for _, x := range f.Fields {
		all = append(all, x.Code)
	}
	return strings.Join(all, " ")
}
