// Command stacks writes the CloudFormation stacks that hold functions: infra/api-<domain>.yaml from the route table, a Lambda function for each
// operation with a role, a log group and an alarm of its own, and its route on the HTTP API; and infra/workers.yaml. With --check it writes nothing and exits with
// status 1 when one is not what the source says. What a role may do stands in package rights; all other stacks are written by hand.
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
		fmt.Fprintln(os.Stderr, "stacks: "+err.Error())
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	all, err := stacks()
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	if files[filepath.Join(root, "infra", "workers.yaml")], err = renderWorkers(); err != nil {
		return err
	}
	for i := range all {
		if files[filepath.Join(root, "infra", "api-"+all[i].Domain+".yaml")], err = all[i].render(); err != nil {
			return err
		}
	}
	var wrong []error
	for path, want := range files {
		got, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(got, want):
		case check:
			wrong = append(wrong, fmt.Errorf("%s is out of date; run make generate", path))
		default:
			wrong = append(wrong, os.WriteFile(path, want, 0o644))
		}
	}
	old, err := filepath.Glob(filepath.Join(root, "infra", "api-*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range old {
		switch {
		case files[path] != nil:
		case check:
			wrong = append(wrong, fmt.Errorf("%s is of no domain; run make generate", path))
		default:
			wrong = append(wrong, os.Remove(path))
		}
	}
	return errors.Join(wrong...)
}
