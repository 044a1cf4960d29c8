// Package prune writes the clients of AWS without what no function calls. A client describes each operation of its service by schemas, and the
// linker keeps all of them, because package variables make them; kept and made, DynamoDB's 57 operations cost each start half a millisecond and
// 590 KB. Nothing else of a client is changed, and Missing proves of a binary that nothing in it needs what was left out. Decision 0029.
package prune

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is one file of a client.
type source struct {
	path string // of its package
	file *ast.File
}

// client is the source of a service's client, without its tests.
type client struct {
	set     *token.FileSet
	schemas *ast.File // the one that declares them
	text    []byte    // of schemas
	others  []source
}

// load reads the packages of a client: their files, by path of import.
func load(packages map[string][]string) (*client, error) {
	c := &client{set: token.NewFileSet()}
	for path, files := range packages {
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			f, err := parser.ParseFile(c.set, name, text, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			if strings.HasSuffix(path, "/schemas") && filepath.Base(name) == "schemas.go" {
				c.schemas, c.text = f, text
				continue
			}
			for _, i := range f.Imports {
				if i.Name != nil && strings.HasSuffix(strings.Trim(i.Path.Value, `"`), "/schemas") {
					return nil, fmt.Errorf("%s: it calls schemas %s, and what it needs of them cannot be told", name, i.Name.Name)
				}
			}
			c.others = append(c.others, source{path, f})
		}
	}
	return c, nil
}

// declared are the schemas: by name the expressions that make it, and the members that are added to it.
type declared struct {
	made    map[string]*ast.ValueSpec  // var X = smithy.NewSchema(…)
	added   map[string]*ast.AssignStmt // X_Y = X.AddMember("Y", T, …)
	members map[string][]string        // of X: X_Y
	rest    []string                   // named by whatever else the file declares or does
}

func (c *client) declared() declared {
	d := declared{made: map[string]*ast.ValueSpec{}, added: map[string]*ast.AssignStmt{}, members: map[string][]string{}}
	ast.Inspect(c.schemas, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if len(n.Values) == 0 {
				return false // a member, which init adds
			}
			if len(n.Names) == 1 && len(n.Values) == 1 && receiver(n.Values[0], "NewSchema") == "smithy" {
				d.made[n.Names[0].Name] = n
				return false
			}
		case *ast.AssignStmt:
			if to, ok := n.Lhs[0].(*ast.Ident); ok && len(n.Lhs) == 1 {
				if of := receiver(n.Rhs[0], "AddMember"); of != "" {
					d.added[to.Name] = n
					d.members[of] = append(d.members[of], to.Name)
					return false
				}
			}
		case *ast.Ident:
			d.rest = append(d.rest, n.Name)
		}
		return true
	})
	return d
}

// receiver is whose method of this name the expression calls; "": it does not.
func receiver(e ast.Expr, method string) string {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return ""
	}
	if fun, ok := call.Fun.(*ast.SelectorExpr); ok && fun.Sel.Name == method {
		if x, ok := fun.X.(*ast.Ident); ok {
			return x.Name
		}
	}
	return ""
}

// mentioned are the schemas that the node names.
func mentioned(n ast.Node) (names []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "schemas" {
				names = append(names, s.Sel.Name)
			}
		}
		return true
	})
	return names
}

// needed are the schemas that the operations need, and those that they call themselves, as endpoint discovery does: what the files of these
// operations name, what the client names whatever is called, the members of each, and what those are made of.
func (c *client) needed(d declared, operations []string) map[string]bool {
	files := map[string]*ast.File{} // by operation
	var always []ast.Node
	for _, s := range c.others {
		base := strings.TrimSuffix(filepath.Base(c.set.Position(s.file.Pos()).Filename), ".go")
		if op, ok := strings.CutPrefix(base, "api_op_"); ok {
			files[op] = s.file
			continue
		}
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); !ok || base == "api_client" || f.Recv == nil && f.Name.Name == "init" {
				always = append(always, decl)
			}
		}
	}
	roots := d.rest
	called := map[string]bool{}
	look := func(n ast.Node) {
		roots = append(roots, mentioned(n)...)
		ast.Inspect(n, func(n ast.Node) bool {
			if x, ok := n.(*ast.Ident); ok {
				if op, ok := strings.CutSuffix(x.Name, "Input"); ok {
					operations = append(operations, op)
				}
			}
			return true
		})
	}
	for _, n := range always {
		look(n)
	}
	for len(operations) > 0 {
		op := operations[0]
		if operations = operations[1:]; !called[op] && files[op] != nil {
			called[op] = true
			look(files[op])
		}
	}
	needed := map[string]bool{}
	for len(roots) > 0 {
		name := roots[0]
		if roots = roots[1:]; needed[name] {
			continue
		}
		needed[name] = true
		roots = append(roots, d.members[name]...)
		if spec := d.made[name]; spec != nil {
			roots = append(roots, d.named(spec)...)
		}
		if s := d.added[name]; s != nil {
			roots = append(roots, d.named(s)...)
		}
	}
	return needed
}

// named are the schemas that an expression of the schemas' own file names.
func (d *declared) named(n ast.Node) (names []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if x, ok := n.(*ast.Ident); ok && (d.made[x.Name] != nil || d.added[x.Name] != nil) {
			names = append(names, x.Name)
		}
		return true
	})
	return names
}

// cut gives the source of the schemas without those that are not needed, which stay declared and are nil, and the names of those.
func (c *client) cut(d declared, needed map[string]bool) ([]byte, []string) {
	type gap struct {
		from, to int
		with     string
	}
	var gaps []gap
	var names []string
	at := func(p token.Pos) int { return c.set.Position(p).Offset }
	for name, spec := range d.made {
		if !needed[name] {
			gaps = append(gaps, gap{at(spec.Names[0].End()), at(spec.End()), " *smithy.Schema"})
			names = append(names, name)
		}
	}
	for name, s := range d.added {
		if !needed[name] {
			gaps = append(gaps, gap{at(s.Pos()), at(s.End()), ""})
			names = append(names, name)
		}
	}
	slices.SortFunc(gaps, func(a, b gap) int { return a.from - b.from })
	var out bytes.Buffer
	last := 0
	for _, g := range gaps {
		out.Write(c.text[last:g.from])
		out.WriteString(g.with)
		last = g.to
	}
	out.Write(c.text[last:])
	text := out.Bytes()
	for _, i := range c.schemas.Imports {
		if i.Name != nil && !bytes.Contains(text, []byte(i.Name.Name+".")) {
			text = bytes.Replace(text, []byte(i.Name.Name+" "+i.Path.Value), []byte("_ "+i.Path.Value), 1)
		}
	}
	return text, names
}
