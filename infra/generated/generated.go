// Package generated is what the commands that write files of the repository have in common: they write them, or with --check say which is out
// of date. It knows nothing of what is in the files.
package generated

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// Files gives what should be in each file, by its path from the repository's root.
type Files func(root string) (map[string][]byte, error)

// Main is the main of a command that writes the files. With --check it writes nothing. Its exit status is 1 when a file cannot be written, or is
// out of date. patterns name files that nothing but the command makes: one that is not among the files is removed.
func Main(name string, files Files, patterns ...string) {
	check := flag.Bool("check", false, "only report what is out of date")
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := Run(*root, *check, files, patterns...); err != nil {
		fmt.Fprintln(os.Stderr, name+": "+err.Error())
		os.Exit(1)
	}
}

// Run does what Main does, and answers everything that is wrong.
func Run(root string, check bool, files Files, patterns ...string) error {
	all, err := files(root)
	if err != nil {
		return err
	}
	var wrong []error
	for name, want := range all {
		path := filepath.Join(root, name)
		got, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(got, want):
		case check:
			wrong = append(wrong, fmt.Errorf("%s is out of date; run make generate", path))
		default:
			wrong = append(wrong, os.WriteFile(path, want, 0o644))
		}
	}
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			name, err := filepath.Rel(root, path)
			switch {
			case err != nil:
				return err
			case all[name] != nil:
			case check:
				wrong = append(wrong, fmt.Errorf("%s is made by nothing; run make generate", path))
			default:
				wrong = append(wrong, os.Remove(path))
			}
		}
	}
	return errors.Join(wrong...)
}
