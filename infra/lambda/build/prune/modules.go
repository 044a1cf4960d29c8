package prune

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/steward-crm/steward/infra/golist"
)

const services = "github.com/aws/aws-sdk-go-v2/service/"

// Clients writes the pruned clients of all that the packages link into the folder, which lies in the repository's root and belongs to prune, and
// beside them a go.mod that stands for the repository's: go build takes it as -modfile. It runs at the root. Which operations are called, the
// repository's own source says: whoever calls one names its input.
func Clients(folder string, tags string, packages ...string) (*Cut, error) {
	list, err := golist.WithDeps("", []string{"GOOS=linux", "CGO_ENABLED=0", "GOFLAGS="}, append([]string{"-tags", tags}, packages...)...)
	if err != nil {
		return nil, err
	}
	var own []golist.Package
	clients := map[string][]golist.Package{} // by path of module
	for _, l := range list {
		switch {
		case l.Module == nil:
		case l.Module.Main:
			own = append(own, l)
		case strings.HasPrefix(l.Module.Path, services):
			clients[l.Module.Path] = append(clients[l.Module.Path], l)
		}
	}
	called, err := operations(own)
	if err != nil {
		return nil, err
	}
	cut := &Cut{ModFile: filepath.Join(folder, "go.mod"), functions: map[string]string{}}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return nil, err
	}
	for _, module := range slices.Sorted(maps.Keys(clients)) {
		if !slices.ContainsFunc(clients[module], func(l golist.Package) bool { return l.ImportPath == module+"/schemas" }) {
			continue // a client without schemas: its protocol does not use them yet
		}
		// Of each version a folder: what an older one had besides would be built with a newer one.
		to := filepath.Join(folder, strings.TrimPrefix(module, services)+"-"+clients[module][0].Module.Version)
		if err := cut.client(module, to, clients[module], called[module]); err != nil {
			return nil, fmt.Errorf("%s: %w", module, err)
		}
		mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", module, filepath.ToSlash(to))
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		return nil, err
	}
	return cut, errors.Join(write(filepath.Join(folder, "go.sum"), sum), write(cut.ModFile, mod))
}

// operations are those that the packages call, by path of the client's module: each selector of a client whose name ends with Input.
func operations(own []golist.Package) (map[string][]string, error) {
	called := map[string][]string{}
	for _, l := range own {
		for _, name := range l.Files() {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			imported := map[string]string{}
			for _, i := range f.Imports {
				path, err := strconv.Unquote(i.Path.Value)
				if err != nil || !strings.HasPrefix(path, services) {
					continue
				}
				as := path[strings.LastIndex(path, "/")+1:]
				if i.Name != nil {
					as = i.Name.Name
				}
				imported[as] = path
			}
			ast.Inspect(f, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, _ := s.X.(*ast.Ident)
				if op, input := strings.CutSuffix(s.Sel.Name, "Input"); input && x != nil && imported[x.Name] != "" {
					called[imported[x.Name]] = append(called[imported[x.Name]], op)
				}
				return true
			})
		}
	}
	return called, nil
}

// client writes one client.
func (c *Cut) client(module, to string, packages []golist.Package, operations []string) error {
	sources := map[string][]string{}
	for _, l := range packages {
		for _, f := range l.Files() {
			text, err := os.ReadFile(f)
			if err == nil {
				err = write(filepath.Join(to, strings.TrimPrefix(f, l.Module.Dir)), text)
			}
			if err != nil {
				return err
			}
		}
		sources[l.ImportPath] = l.Files()
	}
	gomod, err := os.ReadFile(filepath.Join(packages[0].Module.Dir, "go.mod"))
	if err != nil {
		return err
	}
	read, err := load(sources)
	if err != nil {
		return err
	}
	if read.schemas == nil {
		return errors.New("its schemas are not where they were: schemas/schemas.go")
	}
	d := read.declared()
	text, names := read.cut(d, read.needed(d, operations))
	c.note(read, names)
	return errors.Join(write(filepath.Join(to, "go.mod"), gomod), write(filepath.Join(to, "schemas", "schemas.go"), text))
}

// write leaves a file alone that holds this already: a build may read it.
func write(path string, text []byte) error {
	if was, err := os.ReadFile(path); err == nil && bytes.Equal(was, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	staged, err := os.CreateTemp(filepath.Dir(path), ".staged-")
	if err != nil {
		return err
	}
	_, err = staged.Write(text)
	if err = errors.Join(err, staged.Close()); err == nil {
		err = os.Rename(staged.Name(), path)
	}
	if err != nil {
		_ = os.Remove(staged.Name())
	}
	return err
}
