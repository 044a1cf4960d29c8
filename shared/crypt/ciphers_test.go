package crypt_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestNoBrokenCiphers: no source of the module that ships imports a cipher or a hash that is broken, under whatever name.
func TestNoBrokenCiphers(t *testing.T) {
	broken := map[string]bool{
		"crypto/des": true, "crypto/rc4": true, "crypto/md5": true, "crypto/dsa": true,
		"golang.org/x/crypto/blowfish": true, "golang.org/x/crypto/tea": true, "golang.org/x/crypto/md4": true,
	}
	seen := 0
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") && e.Name() != "../.." && e.Name() != ".." {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		for _, spec := range f.Imports {
			if p, err := strconv.Unquote(spec.Path.Value); err != nil || broken[p] {
				t.Errorf("%s imports %s", path, spec.Path.Value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 30 {
		t.Errorf("looked at %d files only: the walk is broken", seen)
	}
}
