package main

import (
	"path/filepath"
	"testing"

	"github.com/steward-crm/steward/infra/stacks/deployed"
)

func readTemplate(t *testing.T, file string) deployed.Document {
	t.Helper()
	d, err := deployed.ReadTemplate(file)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// templates are all of the deployment, the root first.
func templates(t *testing.T) (all []deployed.Document) {
	t.Helper()
	files, err := filepath.Glob("../*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d stacks: %v", len(files), err)
	}
	for _, f := range append([]string{"../../template.yaml"}, files...) {
		all = append(all, readTemplate(t, f))
	}
	return all
}
