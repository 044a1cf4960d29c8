package generated_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/steward-crm/steward/infra/generated"
)

// TestRun: what is missing, changed or left over is found by a check, which touches nothing, and mended by a run.
func TestRun(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := func(string) (map[string][]byte, error) {
		return map[string][]byte{"api-a.yaml": []byte("a"), "b.txt": []byte("b")}, nil
	}
	run := func(check bool) error { return generated.Run(root, check, files, "api-*.yaml") }
	for what, spoil := range map[string]func(){
		"missing":   func() { _ = os.Remove(filepath.Join(root, "b.txt")) },
		"changed":   func() { write("b.txt", "c") },
		"left over": func() { write("api-old.yaml", "a") },
	} {
		if err := run(false); err != nil {
			t.Fatal(err)
		}
		if err := run(true); err != nil {
			t.Errorf("just made: %v", err)
		}
		spoil()
		for range 2 { // it touches nothing
			if run(true) == nil {
				t.Errorf("%s: not found", what)
			}
		}
		if err := errors.Join(run(false), run(true)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	broken := errors.New("broken")
	if err := generated.Run(root, false, func(string) (map[string][]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("no files: %v", err)
	}
}
