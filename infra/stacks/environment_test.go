package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withfeed"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withnotify"
	"github.com/steward-crm/steward/infra/lambda/withqueue"
	"github.com/steward-crm/steward/infra/lambda/withsecret"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
)

// parts are those that mains name.
var parts = map[string]func() lambda.Part{
	"withfeed.Part": withfeed.Part, "withidentity.Part": withidentity.Part, "withkeys.Data": withkeys.Data, "withkeys.DataAndAudit": withkeys.DataAndAudit, "withnotify.Part": withnotify.Part,
	"withqueue.Part": withqueue.Part, "withsecret.Part": withsecret.Part, "withtable.Part": withtable.Part, "withtokens.Part": withtokens.Part,
}

// local are the variables that only a stand-in for AWS needs.
var local = []lambda.Var{lambda.Issuer}

// gos are the variables that Go's own runtime reads, of every function.
var gos = []string{"GOMAXPROCS"}

// group is one of a main's: the handlers that it names, none for the operations of the API, and the variables that its parts read.
type group struct {
	handlers []string
	vars     []string
}

// groups reads the main of the binary, which is nothing but its groups and their parts.
func groups(t *testing.T, binary string) (all []group) {
	t.Helper()
	file := filepath.Join("../../functions", binary, "lambda", "main.go")
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || (name(call.Fun) != "lambda.HTTP" && name(call.Fun) != "lambda.Events") {
			return true
		}
		var g group
		ast.Inspect(call.Args[0], func(n ast.Node) bool {
			if kv, ok := n.(*ast.KeyValueExpr); ok && name(call.Fun) == "lambda.Events" {
				if lit, ok := kv.Key.(*ast.BasicLit); ok {
					handler, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					g.handlers = append(g.handlers, handler)
				}
			}
			return true
		})
		for _, a := range call.Args[1:] {
			made, ok := a.(*ast.CallExpr)
			if !ok || parts[name(made.Fun)] == nil {
				t.Fatalf("%s: a part that this test does not know", file)
			}
			for _, v := range parts[name(made.Fun)]().Vars {
				if !slices.Contains(local, v) {
					g.vars = append(g.vars, string(v))
				}
			}
		}
		slices.Sort(g.vars)
		g.vars = slices.Compact(g.vars)
		all = append(all, g)
		return true
	})
	return all
}

func name(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// TestEveryFunctionGetsWhatItReads: the variables of each function's environment are those that its binary reads for its handler, no fewer and no
// more.
func TestEveryFunctionGetsWhatItReads(t *testing.T) {
	of := map[string][]group{}
	for handler, f := range deployment(t).Functions {
		if of[f.Binary] == nil {
			of[f.Binary] = groups(t, f.Binary)
		}
		i := slices.IndexFunc(of[f.Binary], func(g group) bool { return len(g.handlers) == 0 || slices.Contains(g.handlers, handler) })
		if i < 0 {
			t.Errorf("%s: %s has no group of it", handler, f.Binary)
			continue
		}
		for _, v := range of[f.Binary][i].vars {
			if _, ok := f.Environment[v]; !ok {
				t.Errorf("%s reads %s and does not get it", handler, v)
			}
		}
		for _, v := range gos {
			if f.Environment[v] == "" {
				t.Errorf("%s does not get %s", handler, v)
			}
		}
		for v := range f.Environment {
			if !slices.Contains(of[f.Binary][i].vars, v) && !slices.Contains(gos, v) {
				t.Errorf("%s gets %s and does not read it", handler, v)
			}
		}
	}
}
