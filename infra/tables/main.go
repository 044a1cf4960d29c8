// Command tables writes the tables that shared/password reads instead of linking the library which knows them: the words and keyboards of
// zxcvbn. With --check it writes nothing and exits with status 1 when one is not what the library says. The package's tests hold what it
// answers to what the library answers.
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
		fmt.Fprintln(os.Stderr, "tables: "+err.Error())
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	for name, table := range map[string]func() ([]byte, error){
		"password/words.txt":     words,
		"password/keyboards.txt": keyboards,
	} {
		want, err := table()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		path := filepath.Join(root, "shared", name)
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
