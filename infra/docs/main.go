// Command docs writes the generated documents of this folder: errors.md, every code with its status and text, and api.md, every operation. With
// --check it writes nothing and exits with status 1 when one is not what the source says.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "only report what is out of date")
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "docs: "+err.Error())
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	errors, err := errorsPage(root)
	if err != nil {
		return err
	}
	api, err := apiPage()
	if err != nil {
		return err
	}
	for name, want := range map[string][]byte{"errors.md": errors, "api.md": api} {
		path := filepath.Join(root, "infra", "docs", name)
		got, err := os.ReadFile(path)
		if err == nil && bytes.Equal(got, want) {
			continue
		}
		if check {
			return fmt.Errorf("%s is out of date; run make generate", path)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			return err
		}
	}
	return nil
}
