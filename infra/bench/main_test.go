package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/steward-crm/steward/infra/bench/measure"
	"github.com/steward-crm/steward/infra/bench/workload"
)

// TestEnginesAgree: on 1,000 accounts every engine answers each check, page and count as the oracle does. Each measurement checks its own
// answers.
func TestEnginesAgree(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		w, r := workload.Make(seed, 1000), rand.New(rand.NewPCG(seed, 1))
		plan := measure.Prepare(w, measure.Questions(w, r, 2000), measure.Cases(w, r, 64), time.Millisecond)
		for _, e := range engines {
			x := e.make()
			if _, err := plan.Run(e.name, x); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			x.Close()
		}
	}
}
