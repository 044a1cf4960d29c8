package prune

import (
	"debug/elf"
	"debug/gosym"
	"errors"
	"go/ast"
	"slices"
	"strings"
)

// Cut is what was written.
type Cut struct {
	ModFile   string            // for go build -modfile
	functions map[string]string // that name a schema which was left out, as the linker calls them: the schema
}

// note keeps which functions of the client name one of the schemas.
func (c *Cut) note(read *client, names []string) {
	for _, s := range read.others {
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, m := range mentioned(f) {
				if slices.Contains(names, m) {
					c.functions[s.path+"."+symbol(f)] = m
				}
			}
		}
	}
}

// symbol is the function's name as the linker writes it, without its package.
func symbol(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	switch t := f.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		if x, ok := t.X.(*ast.Ident); ok {
			return "(*" + x.Name + ")." + f.Name.Name
		}
	case *ast.Ident:
		return t.Name + "." + f.Name.Name
	}
	return f.Name.Name
}

// Missing are the functions in a binary that need a schema which was left out. The binary may be stripped; functions of the clients must not have
// been inlined (-gcflags=github.com/aws/...=-l), for one that is has no name of its own.
func (c *Cut) Missing(binary string) ([]string, error) {
	f, err := elf.Open(binary)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, lines := f.Section(".text"), f.Section(".gopclntab")
	if text == nil || lines == nil {
		return nil, errors.New("prune: not a binary of Go")
	}
	data, err := lines.Data()
	if err != nil {
		return nil, err
	}
	names, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return nil, err
	}
	if len(names.Funcs) == 0 {
		return nil, errors.New("prune: the binary names no functions")
	}
	var missing []string
	for _, fn := range names.Funcs {
		name, _, _ := strings.Cut(fn.Name, ".func") // a closure goes with what it stands in
		if schema, ok := c.functions[name]; ok {
			missing = append(missing, fn.Name+" needs "+schema)
		}
	}
	return missing, nil
}
