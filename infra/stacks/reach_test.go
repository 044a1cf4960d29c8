package main

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/golist"
	"github.com/steward-crm/steward/infra/stacks/rights"
	"github.com/steward-crm/steward/shared/platform"
)

const (
	module  = "github.com/steward-crm/steward/"
	port    = module + "shared/identity.Identity"
	keyPort = module + "shared/keys.Keys"
	client  = "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider.Client"
)

// calls is which functions name which, by their full names, in some packages; and what was found in the source of each.
type calls struct {
	of    map[string]map[string]bool
	types map[string]string   // of each function that is named
	roots map[string][]string // by operation: what its route hands to package edge
}

// entries are where the code of functions begins that no client calls; those of the others are their routes.
var entries = map[string]string{
	"jobs.run":           module + "functions/work.Runners",
	"messages.send":      module + "functions/messages.Runners",
	"schedule.reconcile": "(*" + module + "shared/user.Desk).Reconcile",
	"stream.changes":     "(*" + module + "shared/audit.Log).Take",
}

func readCalls(t *testing.T, packages ...string) *calls {
	c := &calls{map[string]map[string]bool{}, map[string]string{}, map[string][]string{}}
	c.read(t, packages...)
	for handler, root := range entries {
		c.roots[handler] = []string{root}
	}
	return c
}

// TestIdentityRights holds that each function may ask Cognito for what its code can reach, on the rarest path too, and for nothing else.
func TestIdentityRights(t *testing.T) {
	c := readCalls(t, "functions/auth", "functions/me", "functions/users", "functions/webhooks", "functions/work", "functions/messages",
		"shared/signin", "shared/user", "shared/tenant", "shared/identity/cognito")
	needed := map[string][]string{}
	for operation, roots := range c.roots {
		actions := map[string]bool{}
		for _, asked := range c.reachable(roots, "("+port+").") {
			for _, action := range c.reachable([]string{"(*" + module + "shared/identity/cognito.Provider)." + asked}, "(*"+client+").") {
				if action == "ListUsers" || strings.HasPrefix(action, "Admin") { // IAM has a say in no other
					actions[action] = true
				}
			}
		}
		if len(actions) > 0 {
			needed[operation] = slices.Sorted(maps.Keys(actions))
		}
	}
	if len(needed["auth.signIn"]) == 0 || len(needed["jobs.run"]) < 5 {
		t.Fatalf("the code is not read as it is meant to be: %v", needed)
	}
	given := map[string][]string{}
	for handler, x := range everyRights() {
		if len(x.Identity) > 0 {
			given[handler] = slices.Sorted(slices.Values(x.Identity))
		}
	}
	for operation := range c.roots {
		if !slices.Equal(needed[operation], given[operation]) {
			t.Errorf("%s may %v and can come to %v", operation, given[operation], needed[operation])
		}
		delete(given, operation)
	}
	if len(given) > 0 {
		t.Errorf("these may ask Cognito, and nobody knows for what: %v", given)
	}
}

// TestKeyRights holds that each function may ask KMS for what its code can reach, and makes MACs and keys of tenants only where it can. That more functions
// may open a tenant's key than reach it here is right: package edge, around them, seals cursors and replies.
func TestKeyRights(t *testing.T) {
	c := readCalls(t, "functions/...", "shared/...")
	c.link()
	seen := 0
	for handler, x := range everyRights() {
		if c.roots[handler] == nil {
			if x.Mac || x.Wrap {
				t.Errorf("nobody knows where the code of %s begins", handler)
			}
			continue
		}
		reached := c.reachable(c.roots[handler], "("+keyPort+").")
		seen += len(reached)
		if mac := slices.Contains(reached, "Mac"); mac != x.Mac {
			t.Errorf("%s may make MACs: %v, and its code can: %v", handler, x.Mac, mac)
		}
		if wrap := slices.Contains(reached, "GenerateDataKey"); wrap != x.Wrap {
			t.Errorf("%s may make keys of tenants: %v, and its code can: %v", handler, x.Wrap, wrap)
		}
		if !x.Unwrap && slices.Contains(reached, "Decrypt") {
			t.Errorf("%s may open no tenant's key, and its code can come to", handler)
		}
	}
	if seen < 60 {
		t.Errorf("only %d calls were found: the code is not read as it is meant to be", seen)
	}
}

func everyRights() map[string]rights.Rights {
	all := maps.Clone(rights.Workers)
	for _, r := range functions.All(&platform.Platform{}) {
		all[r.Operation], _ = rights.Of(&r)
	}
	return all
}

// link has each method of an interface of Steward's come to every method of that name with as many parameters and results: too many rather than one too few.
func (c *calls) link() {
	named := map[string][]string{}
	method := func(name string) string { return name[strings.LastIndex(name, ".")+1:] }
	for name := range c.of {
		if strings.HasPrefix(name, "(") {
			named[method(name)] = append(named[method(name)], name)
		}
	}
	for _, names := range slices.Collect(maps.Values(c.of)) {
		for name := range names {
			if c.of[name] != nil || !strings.HasPrefix(name, "("+module) {
				continue
			}
			c.of[name] = map[string]bool{}
			for _, is := range named[method(name)] {
				if strings.Count(c.types[is], ",") == strings.Count(c.types[name], ",") {
					c.of[name][is] = true
				}
			}
		}
	}
}

// reachable are the methods of a type, by the beginning of their full names, that the roots come to.
func (c *calls) reachable(roots []string, of string) (methods []string) {
	seen := map[string]bool{}
	for len(roots) > 0 {
		name := roots[0]
		if roots = roots[1:]; seen[name] {
			continue
		}
		seen[name] = true
		if method, ok := strings.CutPrefix(name, of); ok {
			methods = append(methods, method)
		}
		roots = slices.AppendSeq(roots, maps.Keys(c.of[name]))
	}
	return methods
}

// read type-checks the packages from their source, over what the compiler exports of those that they import.
func (c *calls) read(t *testing.T, packages ...string) {
	t.Helper()
	for i, p := range packages {
		packages[i] = "./" + p
	}
	list, err := golist.WithDeps("../..", nil, append([]string{"-export"}, packages...)...)
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	var own []golist.Package
	for _, l := range list {
		if exports[l.ImportPath] = l.Export; !l.DepOnly {
			own = append(own, l)
		}
	}
	set := token.NewFileSet()
	from := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, l := range own {
		var files []*ast.File
		for _, name := range l.Files() {
			f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
		if _, err := (&types.Config{Importer: from}).Check(l.ImportPath, set, files, info); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					c.note(info, fn)
				}
			}
		}
	}
}

func (c *calls) note(info *types.Info, fn *ast.FuncDecl) {
	def := info.Defs[fn.Name].(*types.Func)
	c.of[def.FullName()] = c.mentions(info, fn)
	c.types[def.FullName()] = types.TypeString(def.Signature(), nil)
	ast.Inspect(fn, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		if route, ok := call.Args[0].(*ast.CompositeLit); ok {
			for _, e := range route.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if k, ok := kv.Key.(*ast.Ident); ok && k.Name == "Operation" {
						operation, _ := strconv.Unquote(kv.Value.(*ast.BasicLit).Value)
						for _, a := range call.Args[1:] {
							c.roots[operation] = slices.AppendSeq(c.roots[operation], maps.Keys(c.mentions(info, a)))
						}
					}
				}
			}
		}
		return true
	})
}

// mentions are the functions that the node names, whether it calls them or hands them on.
func (c *calls) mentions(info *types.Info, n ast.Node) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		if x, ok := n.(*ast.Ident); ok {
			if f, ok := info.Uses[x].(*types.Func); ok {
				name := f.Origin().FullName()
				names[name] = true
				c.types[name] = types.TypeString(f.Origin().Signature(), nil)
			}
		}
		return true
	})
	return names
}
