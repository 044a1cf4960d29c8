// Command phones writes the tables that package phone reads numbers by, from the metadata that the library phonenumbers carries: plans.txt, the
// numbering plan of each region and of each calling code that belongs to none, and codes.txt, the regions of each calling code. With --check it
// writes nothing and exits with status 1 when one is not what the library says. What package phone takes for granted of the tables is checked
// here, so that metadata of a kind it has not met stops the generator and not a request.
package main

import (
	"bytes"
	"errors"
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
		fmt.Fprintln(os.Stderr, "phones: "+err.Error())
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	plans, codes, err := tables()
	if err != nil {
		return err
	}
	var wrong []error
	for name, want := range map[string][]byte{"plans.txt": plans, "codes.txt": codes} {
		path := filepath.Join(root, "shared", "phone", name)
		got, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(got, want):
		case check:
			wrong = append(wrong, fmt.Errorf("%s is out of date; run make generate", path))
		default:
			wrong = append(wrong, os.WriteFile(path, want, 0o644))
		}
	}
	return errors.Join(wrong...)
}
