package budget_test

import (
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/infra/bench/budget"
	"github.com/steward-crm/steward/infra/bench/measure"
	"github.com/steward-crm/steward/infra/bench/workload"
)

// TestTheManualsModelIsJudged: the ratio of the issue is held against the engine as its manual teaches, and a variant is printed beside it.
func TestTheManualsModelIsJudged(t *testing.T) {
	result := func(name string, times ...time.Duration) *measure.Result {
		r := &measure.Result{Engine: name, Allocs: make([]float64, len(times))}
		for _, took := range times {
			r.Checks = append(r.Checks, measure.Figure{Took: took})
		}
		return r
	}
	rows := budget.Of(&measure.Plan{World: &workload.World{}, Cases: []measure.Case{{Name: "own"}, {Name: "miss"}}})
	rows.Results([]*measure.Result{
		result("steward", 10, 20),
		result("cedar-go", 1000, 1700), result("cedar-go, prepared", 2000, 4000), result("casbin", 10_000, 9000), result("opa", 5000, 10_000),
	})
	var out strings.Builder
	if err := rows.Table(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"| check against cedar-go, the least (miss) | ×85 | ×90 | **missed** |",
		"| check against cedar-go, prepared, the least (own) | ×200 |  |  |",
		"| check against casbin, the least (miss) | ×450 | ×450 | met |",
		"| check against opa, the least (own) | ×500 |  |  |",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in\n%s", line, &out)
		}
	}
}
