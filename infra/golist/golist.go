// Package golist asks the go command what packages are made of: for tools and tests that read the product's source.
package golist

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Package is what go list says of one.
type Package struct {
	ImportPath, Dir string
	GoFiles         []string // without tests, by name
	Export          string   // the compiler's export data, where -export asks for it
	DepOnly         bool     // it is here because another one imports it
	Module          *Module  // nil: the standard library
}

// Module is that of a package.
type Module struct {
	Path, Version, Dir string
	Main               bool
}

// Files are the paths of its Go files.
func (p *Package) Files() (paths []string) {
	for _, f := range p.GoFiles {
		paths = append(paths, filepath.Join(p.Dir, f))
	}
	return paths
}

// WithDeps lists the packages that the arguments of go list name, and all that these import, in the folder and with more of an environment.
func WithDeps(dir string, environ []string, args ...string) (all []Package, err error) {
	c := exec.Command("go", slices.Concat([]string{"list", "-deps", "-json=ImportPath,Dir,GoFiles,Export,DepOnly,Module"}, args)...)
	c.Dir, c.Env, c.Stderr = dir, append(os.Environ(), environ...), os.Stderr
	out, err := c.Output()
	if err != nil {
		return nil, err
	}
	for d := jsontext.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		if err := json.UnmarshalDecode(d, &p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}
