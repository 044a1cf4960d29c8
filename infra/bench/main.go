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

// engines are those that take part, Steward first: ratios are to it. Each other has its model as its manual teaches first, and then variants,
// which the part of the name after a comma tells apart.
var engines = []struct {
	name string
	make func() engine.Engine
}{
	{"steward", func() engine.Engine { return new(steward.Engine) }},
	{"cedar-go", func() engine.Engine { return cedar.Taught() }},
	{"cedar-go, sliced", func() engine.Engine { return cedar.Sliced() }},
	{"cedar-go, prepared", func() engine.Engine { return cedar.Prepared() }},
	{"casbin", func() engine.Engine { return casbin.Taught() }},
	{"casbin, prepared", func() engine.Engine { return casbin.Prepared() }},
	{"opa", func() engine.Engine { return opa.Taught() }},
	{"opa, prepared", func() engine.Engine { return opa.Prepared() }},
	{"openfga", func() engine.Engine { return openfga.Taught() }},
	{"openfga, prepared", func() engine.Engine { return openfga.Prepared() }},
}

// library is the name without the variant.
func library(name string) string {
	name, _, _ = strings.Cut(name, ",")
	return name
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
		if e.name == library(e.name) {
			names = append(names, e.name)
		}
	}
	sizes := flag.String("sizes", "10000,100000", "numbers of accounts, separated by commas; a million takes 3 GB of memory, 25 GB of disk and, with Steward alone, some ten minutes")
	only := flag.String("engines", strings.Join(names, ","), "engines to compare, each with all its models, separated by commas")
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
		if !slices.Contains(chosen, library(e.name)) {
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
- B/account is the heap that loading kept, that for the users among it; "casbin, prepared" reads the accounts where they are, and steward has
  most of theirs in its store.
- A name alone is the engine as its manual teaches: it is told who holds which role, what each role grants in which scope, who manages whom and
  which department is below which, in its own terms, and works the rest out when it is asked. Each engine's package names the pages followed.
  The budgets are judged by these rows.
- "prepared": the engine is handed what Steward compiles, each user's widest scope of each action and the organisation spelt out, so that it
  climbs no tree. Whoever uses the engine would have to write that, and keep it true at each change of a role or of the organisation.
- cedar-go evaluates every policy that it is handed: all 28, as in its own example. "sliced": the application looks up those of the action and
  of the user's roles by their scopes, as Cedar's best practices suggest of large stores, and hands it only these, one or two. So is "prepared".
- Steward's accounts are loaded by 32 goroutines through the nouns, a hundred writes to a commit, and then counted from what each user owns.
- Steward, cedar-go, casbin and OPA have the records in memory in the form that they decide on; finding and decoding them is no part of a check.
- The director's page is quicker with cedar-go, casbin and OPA because they only decide on 50 accounts handed to them in order. Steward's page
  loads who asks, finds the accounts in its indexes, reads each row strongly, decides, opens and masks it.
- No engine is asked for field masks. No decision is cached anywhere; casbin remembers which role links hold until one changes.
`
