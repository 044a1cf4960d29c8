package phone_test

import (
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/phone"
)

func TestValid(t *testing.T) {
	for _, row := range []struct{ region, in, want string }{
		// mainland mobiles: eleven digits in each operator's ranges
		{"CN", "13800138000", "+8613800138000"},
		{"CN", "14512345678", "+8614512345678"},
		{"CN", "15012345678", "+8615012345678"},
		{"CN", "16612345678", "+8616612345678"},
		{"CN", "17012345678", "+8617012345678"},
		{"CN", "17712345678", "+8617712345678"},
		{"CN", "18612345678", "+8618612345678"},
		{"CN", "19212345678", "+8619212345678"},
		{"CN", "19912345678", "+8619912345678"},
		{"CN", "138 0013 8000", "+8613800138000"},
		{"CN", "138-0013-8000", "+8613800138000"},
		{"CN", "+86 138 0013 8000", "+8613800138000"},
		{"CN", "+86-138-0013-8000", "+8613800138000"},
		{"CN", "(+86)13800138000", ""},
		{"CN", "0086 138 0013 8000", "+8613800138000"},
		{"CN", "8613800138000", "+8613800138000"},
		{"CN", "  13800138000\t", "+8613800138000"},
		// as Chinese input methods type them
		{"CN", "１３８００１３８０００", "+8613800138000"},
		{"CN", "＋８６　１３８　００１３　８０００", "+8613800138000"},
		{"CN", "（０１０）１２３４５６７８", "+861012345678"},
		{"CN", "138—0013—8000", "+8613800138000"},
		{"CN", "138\u00a00013\u20118000", "+8613800138000"},
		// mainland landlines with their area code, and services
		{"CN", "010-12345678", "+861012345678"},
		{"CN", "(010) 1234 5678", "+861012345678"},
		{"CN", "021-63840000", "+862163840000"},
		{"CN", "0755-26549999", "+8675526549999"},
		{"CN", "0571 8765 4321", "+8657187654321"},
		{"CN", "+86 10 1234 5678", "+861012345678"},
		{"CN", "400-810-6666", "+864008106666"},
		// others, at home and from abroad
		{"TW", "0912-345-678", "+886912345678"},
		{"TW", "02-2345-6789", "+886223456789"},
		{"CN", "+886 912 345 678", "+886912345678"},
		{"HK", "2123 4567", "+85221234567"},
		{"US", "(202) 555-0123", "+12025550123"},
		{"US", "202.555.0123", "+12025550123"},
		{"", "+1 202 555 0123", "+12025550123"},
		{"DE", "030/123456", "+4930123456"},
		{"", "+44 (0)20 7946 0018", "+442079460018"},
		{"", "+39 06 698 12345", "+390669812345"}, // Italy keeps its zero
		{"ZZ", "+8613800138000", "+8613800138000"},
		// plans with rules of their own
		{"CN", "+0086 138 0013 8000", "+8613800138000"}, // a plus before the prefix for calls abroad
		{"AR", "011 15-2345-6789", "+5491123456789"},    // 15 behind the area code is 9 before it
		{"AR", "9 11 2345 6789", "+5491123456789"},
		{"MX", "55 1234 5678", "+525512345678"},
		{"BR", "0 15 11 96123-4567", "+5511961234567"}, // 15 is the carrier that is to put it through
		{"JE", "712345", "+441534712345"},              // area 1534 is Jersey, whose numbers are dialled without it
		{"SM", "886377", "+3780549886377"},
		{"BS", "345 6789", "+12423456789"},
		{"", "+800 1234 5678", "+80012345678"}, // of no country
	} {
		got, err := phone.Parse(row.in, row.region)
		if row.want == "" {
			if err == nil {
				t.Errorf("%s %q: %s", row.region, row.in, got)
			}
			continue
		}
		if err != nil || string(got) != row.want {
			t.Errorf("%s %q: %s, %v; want %s", row.region, row.in, got, err, row.want)
			continue
		}
		if again, err := phone.Parse(string(got), ""); err != nil || again != got {
			t.Errorf("%s reads as %s, %v", got, again, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, row := range []struct{ region, in, code string }{
		{"CN", "", "invalid_phone"},
		{"CN", "12345", "invalid_phone"},
		{"CN", "1380013800", "invalid_phone"},
		{"CN", "138001380000", "invalid_phone"},
		{"CN", "12345678901", "invalid_phone"},
		{"CN", "63840000", "invalid_phone"}, // a landline without its area code
		{"CN", "110", "invalid_phone"},
		{"CN", "95588", "invalid_phone"},
		{"CN", "1380013800O", "invalid_phone"}, // the letter
		{"CN", "l3800138000", "invalid_phone"},
		{"US", "1-800-FLOWERS", "invalid_phone"},
		{"CN", "١٣٨٠٠١٣٨٠٠٠", "invalid_phone"},
		{"CN", "一三八〇〇一三八〇〇〇", "invalid_phone"},
		{"CN", strings.Repeat("1", 300), "invalid_phone"},
		{"CN", strings.Repeat("1", 1<<20), "invalid_phone"},
		{"CN", "13800138000" + strings.Repeat(" ", 60), "invalid_phone"},
		{"CN", "+", "invalid_phone"},
		{"CN", "+86", "invalid_phone"},
		{"CN", "++8613800138000", "invalid_phone"},
		{"CN", "+86+13800138000", "invalid_phone"},
		{"CN", "+99913800138000", "invalid_phone"},
		{"CN", "+86 1380013800", "invalid_phone"},
		{"JE", "44180020220000", "invalid_phone"}, // behind the code it is a British number, and not one of Jersey
		{"001", "12345678", "phone_country_missing"},
		{"800", "12345678", "phone_country_missing"},
		{"", "+49 980620620082078", "invalid_phone"}, // 17 digits in E.164, which has 15
		{"CN", "13800138000\x00", "invalid_phone"},
		{"CN", "13800138000\n13900139000", "invalid_phone"},
		{"CN", "13800138000\u200b", "invalid_phone"},
		{"CN", "13800138000 / 13900139000", "invalid_phone"},
		{"CN", "13800138000、13900139000", "invalid_phone"},
		{"CN", "tel:+8613800138000", "invalid_phone"},
		{"CN", "<13800138000>", "invalid_phone"},
		{"CN", "-13800138000", "invalid_phone"},
		{"CN", "1\xff3800138000", "invalid_phone"},
		{"", "13800138000", "phone_country_missing"},
		{"", "0086 13800138000", "phone_country_missing"},
		{"ZZ", "13800138000", "phone_country_missing"},
		{"cn; drop", "13800138000", "phone_country_missing"},
		{"CN", "010-12345678 转 123", "phone_extension_unsupported"},
		{"CN", "010-12345678转123", "phone_extension_unsupported"},
		{"TW", "02-2345-6789 轉 12", "phone_extension_unsupported"},
		{"TW", "02-2345-6789分機12", "phone_extension_unsupported"},
		{"CN", "010-12345678 分机：１２３", "phone_extension_unsupported"},
		{"CN", "010-12345678 ext. 123", "phone_extension_unsupported"},
		{"CN", "010-12345678 EXT123", "phone_extension_unsupported"},
		{"CN", "010-12345678 extension 123", "phone_extension_unsupported"},
		{"CN", "010-12345678x123", "phone_extension_unsupported"},
		{"CN", "010-12345678#123", "phone_extension_unsupported"},
		{"CN", "010-12345678,123", "phone_extension_unsupported"},
		{"", "+861012345678;ext=123", "phone_extension_unsupported"},
		{"", "12345678 x 12", "phone_extension_unsupported"},
	} {
		got, err := phone.Parse(row.in, row.region)
		f := fault.Of(err)
		name := row.in[:min(len(row.in), 40)]
		if f == nil || f.Kind != fault.Invalid || f.Code != row.code || len(f.Fields) != 1 || f.Fields[0].Pointer != "" || got != "" {
			t.Errorf("%s %q: %q, %v; want %s", row.region, name, got, err, row.code)
		}
		if f != nil && len(f.Args) > 0 {
			t.Errorf("%q: args %v", name, f.Args)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := phone.Parse("138-0013-8000", "CN"); err != nil {
			b.Fatal(err)
		}
	}
}
