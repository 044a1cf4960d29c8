package text_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/text"
)

// TestEveryTextInEveryLanguage holds that each text is there in each language, with the same blanks, and that the Chinese ones are Chinese.
func TestEveryTextInEveryLanguage(t *testing.T) {
	for code, words := range text.Codes() {
		if len(words) != len(text.Locales) {
			t.Errorf("%s: %d languages, want %d", code, len(words), len(text.Locales))
		}
		want := blanks(words[text.English])
		for _, l := range text.Locales {
			if strings.TrimSpace(words[l]) == "" {
				t.Errorf("%s: no text in %s", code, l)
			}
			if got := blanks(words[l]); !slices.Equal(got, want) {
				t.Errorf("%s: blanks %v in %s, %v in English", code, got, l, want)
			}
			if l != text.English && !han.MatchString(words[l]) {
				t.Errorf("%s: the %s text has no Chinese in it", code, l)
			}
		}
	}
}

// TestEveryCodeHasAText holds that each code that the source names has a text. It looks for fault.New(kind, "code") and
// fault.At(pointer, "code"), the only ways to make one.
func TestEveryCodeHasAText(t *testing.T) {
	found := 0
	for _, file := range goFiles(t) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "New" && sel.Sel.Name != "At" {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "fault" {
				return true
			}
			lit, ok := call.Args[1].(*ast.BasicLit)
			if !ok {
				return true
			}
			code, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if found++; !text.Known(code) {
				t.Errorf("%s: no text for %s", file, code)
			}
			return true
		})
	}
	if found < 50 {
		t.Fatalf("found %d codes only: the search is broken", found)
	}
}

func TestSay(t *testing.T) {
	for _, row := range []struct{ locale, code, want string }{
		{"zh-CN", "not_found", "不存在，或您无权查看。"},
		{"zh-TW", "not_found", "不存在，或您無權檢視。"},
		{"fr", "not_found", "There is nothing here, or it is not visible to you."},
		{"en", "no_such_code", "no_such_code"},
	} {
		if got := text.Say(row.locale, row.code, nil); got != row.want {
			t.Errorf("Say(%s, %s) = %q, want %q", row.locale, row.code, got, row.want)
		}
	}
}

func TestNegotiate(t *testing.T) {
	for _, row := range []struct{ accept, fallback, want string }{
		{"", "zh-CN", "zh-CN"},
		{"", "", "en"},
		{"zh", "en", "zh-CN"},
		{"zh-CN,zh;q=0.9", "en", "zh-CN"},
		{"zh-HK", "en", "zh-TW"},
		{"zh-Hant-TW;q=0.8, fr", "en", "zh-TW"},
		{"fr-FR, en-GB;q=0.5", "zh-CN", "en"},
		{"fr", "zh-TW", "zh-TW"},
		{"xx;q=2", "zh-CN", "zh-CN"},
		{";;;,,", "en", "en"},
	} {
		if got := text.Negotiate(row.accept, row.fallback); got != row.want {
			t.Errorf("Negotiate(%q, %q) = %s, want %s", row.accept, row.fallback, got, row.want)
		}
	}
}

var (
	blank = regexp.MustCompile(`\{[a-zA-Z]+\}`)
	han   = regexp.MustCompile(`\p{Han}`)
)

func blanks(s string) []string {
	b := blank.FindAllString(s, -1)
	slices.Sort(b)
	return slices.Compact(b)
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, top := range []string{"../../shared", "../../functions", "../../infra"} {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				all = append(all, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
