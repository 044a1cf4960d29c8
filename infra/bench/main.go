// Command bench compares Steward's permission engine with others on one made-up tenant: in one process, in one run, over the same data, after
// all have given the same answers. It prints tables in Markdown.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steward-crm/steward/infra/bench/budget"
	"github.com/steward-crm/steward/infra/bench/engine"
	"github.com/steward-crm/steward/infra/bench/engine/casbin"
	"github.com/steward-crm/steward/infra/bench/engine/cedar"
	"github.com/steward-crm/steward/infra/bench/engine/opa"
	"github.com/steward-crm/steward/infra/bench/engine/openfga"
	"github.com/steward-crm/steward/infra/bench/engine/steward"
	"github.com/steward-crm/steward/infra/bench/measure"
	"github.com/steward-crm/steward/infra/bench/workload"
)

// engines are those that take part, Steward first: ratios are to it.
var engines = []struct {
	name string
	make func() engine.Engine
}{
	{"steward", func() engine.Engine { return new(steward.Engine) }},
	{"cedar-go", func() engine.Engine { return new(cedar.Engine) }},
	{"casbin", func() engine.Engine { return new(casbin.Engine) }},
	{"opa", func() engine.Engine { return new(opa.Engine) }},
	{"openfga", func() engine.Engine { return new(openfga.Engine) }},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var names []string
	for _, e := range engines {
		names = append(names, e.name)
	}
	sizes := flag.String("sizes", "10000,100000", "numbers of accounts, separated by commas; a million takes 3 GB of memory, 25 GB of disk and, with Steward alone, some ten minutes")
	only := flag.String("engines", strings.Join(names, ","), "engines to compare, separated by commas")
	seed := flag.Uint64("seed", 1, "seed of the workload")
	keep := flag.String("keep", "", "folder in which Steward's loaded stores stay, for the next run of the same code; empty: none stays")
	each := flag.Duration("budget", 300*time.Millisecond, "time for each measurement")
	flag.Parse()
	chosen := strings.Split(*only, ",")
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return fmt.Errorf("no engine %q: there are %s", name, strings.Join(names, ", "))
		}
	}
	all := compared{keep: *keep}
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1000 || n > 10_000_000 {
			return fmt.Errorf("%q is no number of accounts from 1000 to 10000000", size)
		}
		if err := all.compare(n, *seed, *each, chosen); err != nil {
			return err
		}
	}
	if err := budget.Growth(os.Stdout, all.sizes); err != nil {
		return err
	}
	_, err := fmt.Print(notes)
	return err
}

// compared are the sizes that were compared, with Steward's figures.
type compared struct {
	keep  string // Steward's folder for stores
	sizes []*budget.Rows
}

func (c *compared) compare(n int, seed uint64, each time.Duration, chosen []string) error {
	w, r := workload.Make(seed, n), rand.New(rand.NewPCG(seed, 1))
	plan := measure.Prepare(w, measure.Questions(w, r, 2000), measure.Cases(w, r, 256), each)
	var results []*measure.Result
	rows := budget.Of(plan)
	for _, e := range engines {
		if !slices.Contains(chosen, e.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%d accounts: %s\n", n, e.name)
		x := e.make()
		if s, ok := x.(*steward.Engine); ok {
			s.Keep = c.keep
		}
		result, err := examine(plan, e.name, x, rows)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	if err := measure.Table(os.Stdout, plan, results); err != nil || results[0].Engine != engines[0].name {
		return err
	}
	c.sizes = append(c.sizes, rows)
	rows.Results(results)
	return rows.Table(os.Stdout)
}

// examine measures one engine, and of Steward what the others are not asked.
func examine(plan *measure.Plan, name string, e engine.Engine, rows *budget.Rows) (*measure.Result, error) {
	defer e.Close()
	result, err := plan.Run(name, e)
	if s, ok := e.(*steward.Engine); ok && err == nil {
		err = rows.Engine(context.Background(), s)
	}
	return result, err
}

const notes = `
How to read the tables.
- Every engine gave the oracle's answer to 2,000 random checks, and to each check, page and count that was timed: one that differs once is
  not measured at all.
- Times are those on the wall or of the process's processors, whichever is shorter, so that a busy machine changes them little.
- ~ marks an estimate: the time of what was done within the budget, times what is left. The others were measured whole.
- cedar-go, casbin and OPA have no lists: the accounts are handed to them in the order of the page, in batches where they take those, until
  50 are found (page) or none is left (count). They are spared the sorting. OpenFGA lists all objects in no order; they are sorted afterwards.
- OpenFGA runs in this process, without network, over a store in memory with indexes, because its own looks through every tuple.
- B/account is the heap that loading kept, that for the users among it; casbin and steward read the accounts where they are.
- Every engine is given each user's widest scope of each action and the organisation spelt out, so that none climbs a tree.
- Steward's accounts are loaded by 32 goroutines through the nouns, a hundred writes to a commit, and then counted from what each user owns.
- No engine is asked for field masks. No decision is cached anywhere.
`
