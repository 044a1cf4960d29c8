package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/steward-crm/steward/"

// The rule of design §2: who may import whom, of ours. A name stands for the package and nothing below it; a name that ends in /… for the
// packages below it; @leaves and the like are the sets just above. A package that no row names fails.
var (
	leaves = []string{"shared/fault", "shared/id", "shared/principal", "shared/text", "shared/patch", "shared/sealed", "shared/plain", "shared/email", "shared/phone", "shared/password", "shared/collation"}
	ports  = []string{"shared/table", "shared/identity", "shared/keys", "shared/notify"}
	// what a noun stands on, besides leaves and ports
	floor = []string{"shared/policy", "shared/access", "shared/key", "shared/crypt", "shared/audit", "shared/once", "shared/change"}
	nouns = []string{"shared/account", "shared/category", "shared/user", "shared/role", "shared/org", "shared/tenant", "shared/job", "shared/signin", "shared/preview"}
	base  = slices.Concat(leaves, ports, floor)
)

var rules = map[string][]string{
	"shared/fault":     {},
	"shared/id":        {},
	"shared/patch":     {},
	"shared/sealed":    {},
	"shared/collation": {},
	"shared/principal": {"shared/id"},
	"shared/text":      {"shared/fault"},
	"shared/plain":     {"shared/fault"},
	"shared/email":     {"shared/fault", "shared/plain"},
	"shared/phone":     {"shared/fault", "shared/plain"},
	"shared/password":  {"shared/fault", "shared/plain"},
	"shared/webhook":   {"shared/fault"}, // Standard Webhooks: pure
	"shared/policy":    {"shared/fault", "shared/id", "shared/principal"},

	"shared/table": {"shared/fault"}, "shared/keys": {"shared/fault"},
	"shared/identity": {"shared/fault", "shared/id"}, "shared/notify": {"shared/fault", "shared/id", "shared/text"},

	"shared/key":    {"shared/id", "shared/table"},
	"shared/schema": {"shared/table", "shared/key", "shared/fault"}, // for mains
	"shared/crypt":  {"shared/keys", "shared/table", "shared/key", "shared/fault", "shared/id"},
	"shared/audit":  {"shared/table", "shared/keys", "shared/key", "shared/crypt", "shared/principal", "shared/id", "shared/fault"},
	"shared/once":   {"shared/table", "shared/key", "shared/principal", "shared/id", "shared/fault"},
	"shared/change": {"shared/table", "shared/audit", "shared/once", "shared/principal", "shared/id", "shared/fault"},
	"shared/access": {"shared/table", "shared/key", "shared/change", "shared/identity", "shared/policy", "shared/principal", "shared/id", "shared/fault"},

	"shared/edge":              slices.Concat(leaves, []string{"shared/policy", "shared/once", "shared/change", "shared/audit", "shared/crypt", "shared/key", "shared/table", "shared/identity"}),
	"shared/notify/aws":        {"shared/notify", "shared/notify/aws/feedback", "shared/fault", "shared/id", "shared/text"},
	"shared/table/dynamo/feed": {"shared/table", "shared/table/dynamo", "shared/fault"},
	"shared/platform":          slices.Concat(ports, []string{"shared/id", "shared/crypt"}),
}

// allowed gives what the package may import of ours; the second answer is false for an unknown package.
func allowed(pkg string) (func(string) bool, bool) {
	any := func(string) bool { return true }
	among := func(list []string) func(string) bool {
		return func(p string) bool { return slices.Contains(list, p) }
	}
	switch {
	case rules[pkg] != nil:
		return among(rules[pkg]), true
	case slices.Contains(nouns, pkg):
		return among(base), true // never another noun, an adapter or edge
	case pkg == "functions", pkg == "functions/work", pkg == "functions/messages": // the indexes
		return func(p string) bool {
			return strings.HasPrefix(p, "functions/") || slices.Contains([]string{"shared/edge", "shared/platform", "shared/job"}, p)
		}, true
	case strings.HasPrefix(pkg, "functions/") && !strings.HasSuffix(pkg, "/lambda"):
		return func(p string) bool {
			return slices.Contains(nouns, p) || slices.Contains(base, p) || slices.Contains([]string{"shared/edge", "shared/platform", "shared/webhook"}, p)
		}, true
	case strings.HasPrefix(pkg, "functions/"), strings.HasPrefix(pkg, "infra/"):
		return any, true // mains
	case strings.HasSuffix(pkg, "test"): // contract suites and test kits
		return any, true
	}
	for _, port := range ports { // an adapter: its port and the leaves that the port speaks in
		if strings.HasPrefix(pkg, port+"/") {
			return among([]string{port, "shared/fault", "shared/id", "shared/text"}), true
		}
	}
	return nil, false
}

func TestLayers(t *testing.T) {
	seen := 0
	for file, pkg := range sources(t) {
		may, known := allowed(pkg)
		if !known {
			t.Errorf("%s: package %s has no row in layers_test.go: say where it belongs", file, pkg)
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if ours, ok := strings.CutPrefix(path, module); ok && !may(ours) {
				t.Errorf("%s: %s may not import %s", file, pkg, ours)
			}
			if path == "encoding/json" {
				t.Errorf("%s: encoding/json reads duplicate and case-folded keys; use github.com/go-json-experiment/json", file)
			}
		}
		seen++
	}
	if seen < 50 {
		t.Fatalf("looked at %d files only: the walk is broken", seen)
	}
}

// TestRawKeys holds that keys of the table are built in package key alone.
func TestRawKeys(t *testing.T) {
	inspect(t, func(file, pkg string, n ast.Node) {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING || pkg == "shared/key" {
			return
		}
		for _, start := range []string{"T#", "CTL#", "DUE#"} {
			if strings.HasPrefix(strings.Trim(lit.Value, "`\""), start) {
				t.Errorf("%s: %s looks like a raw key; build it in shared/key", file, lit.Value)
			}
		}
	})
}

// TestClock holds that the time is injected: only mains read the clock.
func TestClock(t *testing.T) {
	inspect(t, func(file, pkg string, n ast.Node) {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || strings.HasPrefix(pkg, "infra/") || strings.HasSuffix(pkg, "test") {
			return
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && (sel.Sel.Name == "Now" || sel.Sel.Name == "Since" || sel.Sel.Name == "Until") {
			t.Errorf("%s: time.%s outside a main; take the clock from the platform", file, sel.Sel.Name)
		}
	})
}

func inspect(t *testing.T, look func(file, pkg string, n ast.Node)) {
	for file, pkg := range sources(t) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			look(file, pkg, n)
			return true
		})
	}
}

// sources gives each Go file of the module that is no test, with its package's path.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, top := range []string{"../shared", "../functions", "../infra"} {
		if _, err := os.Stat(top); err != nil {
			continue
		}
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil || d.Name() == "testdata" {
					return filepath.SkipDir // a module of its own
				}
				return nil
			}
			if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				all[path] = strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
