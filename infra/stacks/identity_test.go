package main

import (
	"bytes"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/stacks/rights"
	"github.com/steward-crm/steward/shared/platform"
)

const (
	module = "github.com/steward-crm/steward/"
	port   = module + "shared/identity.Identity"
	client = "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider.Client"
)

// calls is which functions name which, by their full names, in some packages; and what was found in the source of each.
type calls struct {
	of    map[string]map[string]bool
	roots map[string][]string // by operation: what its route hands to package edge
}

// TestIdentityRights holds that each function may ask Cognito for what its code can reach, on the rarest path too, and for nothing else.
func TestIdentityRights(t *testing.T) {
	c := calls{map[string]map[string]bool{}, map[string][]string{}}
	c.read(t, "functions/auth", "functions/me", "functions/users", "functions/webhooks", "functions/work", "functions/messages",
		"shared/signin", "shared/user", "shared/tenant", "shared/identity/cognito")
	c.roots["jobs.run"] = []string{module + "functions/work.Runners"}
	c.roots["messages.send"] = []string{module + "functions/messages.Runners"}
	c.roots["schedule.reconcile"] = []string{"(*" + module + "shared/user.Desk).Reconcile"}
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
	for handler, r := range rights.Workers {
		if len(r.Identity) > 0 {
			given[handler] = slices.Sorted(slices.Values(r.Identity))
		}
	}
	for _, r := range functions.All(&platform.Platform{}) {
		if x, _ := rights.Of(&r); len(x.Identity) > 0 {
			given[r.Operation] = slices.Sorted(slices.Values(x.Identity))
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
	list := exec.Command("go", slices.Concat([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export,DepOnly"}, packages)...)
	list.Dir, list.Stderr = "../..", os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
		DepOnly                 bool
	}
	exports := map[string]string{}
	var own []listed
	for d := jsontext.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := json.UnmarshalDecode(d, &l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if exports[l.ImportPath] = l.Export; !l.DepOnly {
			own = append(own, l)
		}
	}
	set := token.NewFileSet()
	from := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, l := range own {
		var files []*ast.File
		for _, name := range l.GoFiles {
			f, err := parser.ParseFile(set, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
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
	name := info.Defs[fn.Name].(*types.Func).FullName()
	c.of[name] = mentions(info, fn)
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
							c.roots[operation] = slices.AppendSeq(c.roots[operation], maps.Keys(mentions(info, a)))
						}
					}
				}
			}
		}
		return true
	})
}

// mentions are the functions that the node names, whether it calls them or hands them on.
func mentions(info *types.Info, n ast.Node) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		if x, ok := n.(*ast.Ident); ok {
			if f, ok := info.Uses[x].(*types.Func); ok {
				names[f.Origin().FullName()] = true
			}
		}
		return true
	})
	return names
}
