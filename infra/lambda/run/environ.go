package main

import (
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// writeEnviron writes the functions' environment as sam local takes it, with AWS at the address. The file appears whole.
func writeEnviron(name string, d *deployment, aws string) error {
	near := *d
	near.endpoint = aws
	near.queue = strings.Replace(d.queue, d.endpoint, aws, 1)
	vars := map[string]string{}
	for _, e := range near.environ() {
		k, v, _ := strings.Cut(e, "=")
		vars[k] = v
	}
	b, err := json.Marshal(map[string]any{"Parameters": vars}, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
