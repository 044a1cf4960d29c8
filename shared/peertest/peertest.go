// Package peertest lets a contract suite run against a stand-in that is known to be wrong about some of it. Such checks are left out by name,
// each with the place that covers it instead, and the run says which. A name that the suite does not have fails the run, so that a list
// cannot outlive its reason.
package peertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Lacks are the checks that a stand-in is wrong about: the check's name → what covers it instead.
type Lacks map[string]string

// Checks is what one run of a suite leaves out. Safe for concurrent use.
type Checks struct {
	lacks Lacks
	mu    sync.Mutex
	met   map[string]bool
}

// Begin returns the checks of a run that ends with t.
func Begin(t *testing.T, lacks ...Lacks) *Checks {
	c := &Checks{lacks: Lacks{}, met: map[string]bool{}}
	for _, l := range lacks {
		maps.Copy(c.lacks, l)
	}
	if len(c.lacks) > 0 {
		t.Cleanup(func() { c.report(t) })
	}
	return c
}

// Has reports whether the check is to run.
func (c *Checks) Has(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.met[name] = true
	_, lacks := c.lacks[name]
	return !lacks
}

func (c *Checks) report(t *testing.T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(c.lacks)) {
		if !c.met[name] && !t.Failed() {
			t.Errorf("the suite has no check %q", name)
		}
		lines = append(lines, fmt.Sprintf("%s: %s", name, c.lacks[name]))
	}
	t.Logf("%d checks left out, and what covers them:\n%s", len(lines), strings.Join(lines, "\n"))
}
