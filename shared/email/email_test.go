package email_test

import (
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/text"
)

func TestLegal(t *testing.T) {
	label := strings.Repeat("d", 63)
	for _, row := range []struct{ in, display, canonical string }{
		{"li@example.com", "", ""},
		{"Li.Xuemei@Example.COM", "Li.Xuemei@example.com", "li.xuemei@example.com"},
		{"li+crm@example.com", "", ""},
		{"o'brien@example.com", "", ""},
		{"!#$%&'*+-/=?^_`{|}~@example.com", "", ""},
		{"_@example.com", "", ""},
		{"1@example.com", "", ""},
		{"-@example.com", "", ""},
		{"a@b.co", "", ""},
		{"a@1.example", "", ""},
		{"a@163.com", "", ""},
		{"a@x.y.z.example.co.uk", "", ""},
		{"a@ex-ample.com", "", ""},
		{strings.Repeat("l", 64) + "@example.com", "", ""},
		{"a@" + label + ".com", "", ""},
		{strings.Repeat("l", 61) + "@" + label + "." + label + "." + label + ".", "", "domain"}, // a trailing dot
		{strings.Repeat("l", 62) + "@" + label + "." + label + "." + label, "", ""},             // 254 in all
		// internationalised domains
		{"li@例子.公司", "li@例子.公司", "li@xn--fsqu00a.xn--55qx5d"},
		{"li@xn--fsqu00a.xn--55qx5d", "li@例子.公司", "li@xn--fsqu00a.xn--55qx5d"},
		{"li@XN--FSQU00A.xn--55QX5D", "li@例子.公司", "li@xn--fsqu00a.xn--55qx5d"},
		{"li@例子.中国", "li@例子.中国", "li@xn--fsqu00a.xn--fiqs8s"},
		{"li@例子.台灣", "li@例子.台灣", "li@xn--fsqu00a.xn--kpry57d"},
		{"hans@MÜNCHEN.de", "hans@münchen.de", "hans@xn--mnchen-3ya.de"},
		{"hans@mu\u0308nchen.de", "hans@münchen.de", "hans@xn--mnchen-3ya.de"},
		{"hans@straße.de", "hans@straße.de", "hans@xn--strae-oqa.de"}, // not strasse.de: IDNA 2008
		{"a@παράδειγμα.gr", "a@παράδειγμα.gr", "a@xn--hxajbheg2az3al.gr"},
		{"a@пример.рф", "a@пример.рф", "a@xn--e1afmkfd.xn--p1ai"},
		{"a@दुनिया.भारत", "a@दुनिया.भारत", "a@xn--j2bev4ddk.xn--h2brj9c"},
		{"a@ニコ・ニコ.jp", "a@ニコ・ニコ.jp", "a@xn--tcka4eb3v.jp"},
		{"a@مثال.إختبار", "a@مثال.إختبار", "a@xn--mgbh0fb.xn--kgbechtv"},
	} {
		if row.canonical == "domain" {
			refused(t, row.in, "invalid_email", "domain")
			continue
		}
		if row.display == "" {
			row.display, row.canonical = row.in, strings.ToLower(row.in)
		}
		got, err := email.Parse(row.in)
		if err != nil || got.Display != row.display || got.Canonical != row.canonical {
			t.Errorf("%q: %+v, %v; want %q and %q", row.in, got, err, row.display, row.canonical)
			continue
		}
		for _, s := range []string{got.Display, got.Canonical} {
			if again, err := email.Parse(s); err != nil || again.Canonical != got.Canonical {
				t.Errorf("%q gives %q, which reads as %+v, %v", row.in, s, again, err)
			}
		}
	}
}

func TestIllegal(t *testing.T) {
	label := strings.Repeat("d", 63)
	for _, row := range []struct{ in, code, part string }{
		{"", "invalid_email", "form"},
		{"example.com", "invalid_email", "form"},
		{"@example.com", "invalid_email", "form"},
		{"li@", "invalid_email", "form"},
		{"@", "invalid_email", "form"},
		{"li@@example.com", "invalid_email", "form"},
		{"li@x@example.com", "invalid_email", "form"},
		{"li xuemei@example.com", "invalid_email", "form"},
		{" li@example.com", "invalid_email", "form"},
		{"li@example.com ", "invalid_email", "form"},
		{"li@exam ple.com", "invalid_email", "form"},
		{"li@example.com\r\nBcc: all@example.com", "invalid_email", "form"},
		{"li@example.com\n", "invalid_email", "form"},
		{"li\r@example.com", "invalid_email", "form"},
		{"li\t@example.com", "invalid_email", "form"},
		{"li\x00@example.com", "invalid_email", "form"},
		{"li@example.com\x00", "invalid_email", "form"},
		{"li\x7f@example.com", "invalid_email", "form"},
		{"li\u0085@example.com", "invalid_email", "form"},
		{"li\u2028@example.com", "invalid_email", "form"},
		{"li\xff@example.com", "invalid_email", "form"},
		{"Li Xuemei <li@example.com>", "invalid_email", "form"},
		{"<li@example.com>", "invalid_email", "form"},
		{"li@example.com (home)", "invalid_email", "form"},
		{"li(home)@example.com", "invalid_email", "form"},
		{"li@example.com,wang@example.com", "invalid_email", "form"},
		{"li@example.com;", "invalid_email", "form"},
		{"mailto:li@example.com", "invalid_email", "form"},
		{`li\@x@example.com`, "invalid_email", "form"},
		{`"li"@example.com`, "invalid_email", "local"},
		{`"li@x"@example.com`, "invalid_email", "local"},
		{".li@example.com", "invalid_email", "local"},
		{"li.@example.com", "invalid_email", "local"},
		{"l..i@example.com", "invalid_email", "local"},
		{"l[i@example.com", "invalid_email", "local"},
		{strings.Repeat("l", 65) + "@example.com", "invalid_email", "local"},
		{"li@[127.0.0.1]", "invalid_email", "domain"},
		{"li@[IPv6:::1]", "invalid_email", "domain"},
		{"li@127.0.0.1", "invalid_email", "domain"},
		{"li@localhost", "invalid_email", "domain"},
		{"li@example.com.", "invalid_email", "domain"},
		{"li@.example.com", "invalid_email", "domain"},
		{"li@example..com", "invalid_email", "domain"},
		{"li@-example.com", "invalid_email", "domain"},
		{"li@example-.com", "invalid_email", "domain"},
		{"li@ex_ample.com", "invalid_email", "domain"},
		{"li@ex!ample.com", "invalid_email", "domain"},
		{"li@ab--cd.com", "invalid_email", "domain"},
		{"li@example.123", "invalid_email", "domain"},
		{"li@xn--.com", "invalid_email", "domain"},
		{"li@xn--a.com", "invalid_email", "domain"},
		{"li@xn--999999999.com", "invalid_email", "domain"},
		{"li@xn--n3h.com", "invalid_email", "domain"}, // a snowman
		{"li@\u0301x.com", "invalid_email", "domain"},
		{"li@מabc.com", "invalid_email", "domain"}, // writing from both sides
		{"li@😀.com", "invalid_email", "domain"},
		{"li@" + label + "d.com", "invalid_email", "domain"},
		{"li@" + strings.Repeat("例", 60) + ".com", "invalid_email", "domain"},
		{"l@" + label + "." + label + "." + label + "." + label, "invalid_email", "domain"},
		{strings.Repeat("l", 63) + "@" + label + "." + label + "." + label, "invalid_email", "length"}, // 255
		{strings.Repeat("l", 1<<20) + "@example.com", "invalid_email", "length"},
		{"\u212aelly@example.com", "email_ambiguous", ""}, // the Kelvin sign
		{"li@\u212aelly.com", "email_ambiguous", ""},
		{"li@example。com", "email_ambiguous", ""},
		{"li@example｡com", "email_ambiguous", ""},
		{"li＠example.com", "email_ambiguous", ""},
		{"ｌｉ@example.com", "email_ambiguous", ""},
		{"li@ｅxample.com", "email_ambiguous", ""},
		{"li@example．com", "email_ambiguous", ""},
		{"l\u200bi@example.com", "email_ambiguous", ""},
		{"li@exam\u200bple.com", "email_ambiguous", ""},
		{"li@exam\u00adple.com", "email_ambiguous", ""},
		{"li@exam\u200dple.com", "email_ambiguous", ""},
		{"\ufeffli@example.com", "email_ambiguous", ""},
		{"li@\u202eexample.com", "email_ambiguous", ""},
		{"li\u00a0@example.com", "email_ambiguous", ""},
		{"li@\u3000example.com", "email_ambiguous", ""},
		{"li@\u2460.com", "email_ambiguous", ""},
		{"li@exa\ufe0fmple.com", "email_ambiguous", ""},
		{"li@\uf900.com", "email_ambiguous", ""}, // a compatibility ideograph
		{"li\u017f@example.com", "email_ambiguous", ""},
		{"\u0131@example.com", "email_non_ascii_local", ""}, // the dotless i
		{"lı@example.com", "email_non_ascii_local", ""},
		{"李@example.com", "email_non_ascii_local", ""},
		{"josé@example.com", "email_non_ascii_local", ""},
		{"jose\u0301@example.com", "email_non_ascii_local", ""},
		{"раураl@example.com", "email_non_ascii_local", ""}, // Cyrillic
	} {
		refused(t, row.in, row.code, row.part)
	}
}

func refused(t *testing.T, in, code, part string) {
	t.Helper()
	got, err := email.Parse(in)
	f := fault.Of(err)
	name := in[:min(len(in), 60)]
	if f == nil || f.Kind != fault.Invalid || f.Code != code || len(f.Fields) != 1 || f.Fields[0].Pointer != "" || f.Fields[0].Args["part"] != part {
		t.Errorf("%q: %+v, %v; want %s %s", name, got, err, code, part)
		return
	}
	if got != (email.Address{}) {
		t.Errorf("%q: refused, with an address", name)
	}
	for _, v := range f.Fields[0].Args {
		if len(in) > 10 && strings.Contains(v, in) {
			t.Errorf("%q: the fault echoes the value", name)
		}
	}
}

// TestThePartIsSaid: the message names the part in the reader's language.
func TestThePartIsSaid(t *testing.T) {
	seen := map[string]bool{}
	for _, in := range []string{"li", ".li@example.com", "li@localhost", strings.Repeat("l", 2000) + "@example.com"} {
		_, err := email.Parse(in)
		f := fault.Of(err)
		for _, locale := range text.Locales {
			said := text.Say(locale, f.Code, f.Fields[0].Args)
			if seen[said] || strings.Contains(said, "{") || len(said) < 40 {
				t.Errorf("%s: %q", locale, said)
			}
			seen[said] = true
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"li@example.com", "li@例子.公司", "a@xn--fsqu00a.com", "\"x\"@y.z", "a@B\u0308.de", "a@ß.de", "a@ΒΌΛΟΣ.gr", "a@İ.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := email.Parse(s)
		if err != nil {
			if !fault.IsKind(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if len(a.Canonical) > email.MaxTotal || strings.ToLower(a.Canonical) != a.Canonical {
			t.Fatalf("%q: canonical %q", s, a.Canonical)
		}
		for i := range len(a.Canonical) {
			if c := a.Canonical[i]; c <= ' ' || c >= 0x7f {
				t.Fatalf("%q: canonical %q", s, a.Canonical)
			}
		}
		for _, again := range []string{a.Display, a.Canonical} {
			b, err := email.Parse(again)
			if err != nil || b.Canonical != a.Canonical {
				t.Fatalf("%q gives %q, which reads as %+v, %v", s, again, b, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, s := range []string{"li.xuemei@example.com", "li@例子.公司"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := email.Parse(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
