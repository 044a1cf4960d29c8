package queues_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/steward-crm/steward/functions/messages"
	"github.com/steward-crm/steward/functions/queues"
	"github.com/steward-crm/steward/functions/work"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
)

// TestEveryKindWaitsWhereItsWorkerLooks: each kind of job that a noun names is run by one worker, and waits in that worker's queue.
func TestEveryKindWaitsWhereItsWorkerLooks(t *testing.T) {
	p := &platform.Platform{} // runners hold its parts and use none before they run
	run := map[string][]queues.Queue{}
	for q, all := range map[queues.Queue][]map[string]job.Runner{queues.Jobs: work.Runners(p), queues.Messages: messages.Runners(p)} {
		for _, runners := range all {
			for kind := range runners {
				run[kind] = append(run[kind], q)
			}
		}
	}
	named := kinds(t)
	if len(named) < 6 {
		t.Errorf("found the kinds %v only", named)
	}
	for _, kind := range named {
		if len(run[kind]) != 1 || run[kind][0] != queues.Of(kind) {
			t.Errorf("%s is run from %v and waits in %s", kind, run[kind], queues.Of(kind))
		}
		delete(run, kind)
	}
	for kind, from := range run {
		t.Errorf("%s, run from %v, is the constant Job… of no noun: this test does not see who stages it", kind, from)
	}
}

// kinds gives the values of the nouns' constants Job….
func kinds(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("../../shared/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Job") || len(spec.Values) != 1 {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				kind, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, kind)
			}
			return true
		})
	}
	slices.Sort(all)
	return all
}
