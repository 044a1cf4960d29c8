package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/platform"
)

// told are the operations that commands of a story call by themselves.
var told = map[string][]string{
	"onboard": {"webhooks.onboarding", "onboarding.get", "auth.signIn", "auth.challenge", "me.get"},
	"webhook": {"webhooks.onboarding"},
}

// TestEveryOperationIsTold: each operation is called by a story, on the local process and on the Lambda binaries, where its function's role judges
// what it asks AWS for. A call that is to be refused does not count.
func TestEveryOperationIsTold(t *testing.T) {
	called := map[string]bool{}
	routes := functions.All(&platform.Platform{})
	scripts, err := filepath.Glob(filepath.Join("testdata", "stories", "*.txt"))
	if err != nil || len(scripts) < 10 {
		t.Fatalf("%d stories, %v", len(scripts), err)
	}
	for _, s := range scripts {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		last := "" // called, and not refused so far
		for line := range strings.Lines(string(b)) {
			words := strings.Fields(line)
			if len(words) > 0 && strings.HasPrefix(words[0], "[") {
				words = words[1:] // a condition
			}
			switch {
			case len(words) == 0:
			case words[0] == "status" && !strings.HasPrefix(words[1], "2"):
				last = ""
			case words[0] == "call" && len(words) > 2:
				called[last] = true
				last = operationOf(routes, words[1], words[2])
			case words[0] == "await" && len(words) > 2:
				called[operationOf(routes, words[1], words[2])] = true
			}
			if len(words) > 0 {
				for _, o := range told[words[0]] {
					called[o] = true
				}
			}
		}
		called[last] = true
	}
	delete(called, "")
	var missing []string
	for _, r := range routes {
		if !called[r.Operation] {
			missing = append(missing, r.Operation)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no story calls %v; %d are called", missing, len(called))
	}
}

// operationOf finds the operation of a request as a script has it; "": there is none.
func operationOf(routes []edge.Route, method, target string) string {
	path, _, _ := strings.Cut(strings.Trim(target, `'"`), "?")
	if r := edgetest.RouteOf(routes, method, path); r != nil {
		return r.Operation
	}
	return ""
}
