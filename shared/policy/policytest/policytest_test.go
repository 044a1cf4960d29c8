package policytest_test

import (
	"flag"
	"runtime"
	"testing"

	"github.com/steward-crm/steward/shared/policy/policytest"
)

// What make conformance sets: as many worlds as one has the patience for, from another seed.
var (
	worlds = flag.Int("worlds", 1000, "how many random worlds the policy alone is asked about, at most 1,000,000")
	seed   = flag.Uint64("seed", 1, "of the first world")
)

// TestPolicy holds policy and the compiling of access to the oracle (I4, I6, I7; R01–R08, A16–A18, A22, A25).
func TestPolicy(t *testing.T) {
	policytest.Run(t, func(testing.TB) policytest.System { return &pure{} }, policytest.Options{
		Worlds: max(1, min(*worlds, 1_000_000)/share), Changes: 2, Seed: *seed, Workers: runtime.GOMAXPROCS(0),
	})
}
