// Package budget measures what only Steward is asked, and holds Steward's figures against what its design allows it. It knows Steward's engine
// and the results of the others; it judges no answers, because package measure has done so.
package budget

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/steward-crm/steward/infra/bench/engine/steward"
	"github.com/steward-crm/steward/infra/bench/measure"
)

// Row is a figure beside what it may be at most.
type Row struct {
	What     string
	Measured string
	Budget   string // "" for none
	Met      bool
}

// Rows are the figures of one size.
type Rows struct {
	plan  *measure.Plan
	rows  []Row
	pages []page // of each person
}

// page is what a person's first page takes: one of measure.Page, and one of few, which is full even where a person sees few accounts.
type page struct{ full, small time.Duration }

// Of gives the rows of a plan.
func Of(p *measure.Plan) *Rows { return &Rows{plan: p, pages: make([]page, len(p.People))} }

func (r *Rows) free(what, measured string) {
	r.rows = append(r.rows, Row{What: what, Measured: measured})
}

func (r *Rows) most(what, measured, budget string, met bool) {
	r.rows = append(r.rows, Row{what, measured, budget, met})
}

// The budgets of the design.
const (
	check    = 100 * time.Nanosecond
	paging   = time.Millisecond
	count    = time.Millisecond
	memory   = 150 // bytes an account
	previews = 200 * time.Millisecond
	requests = 16
	units    = 12
	growth   = 2
)

// ahead is how many times as long others take for a check, at least, each in the model that its manual teaches.
var ahead = map[string]float64{"cedar-go": 90, "casbin": 450, "openfga": 6000}

// Results adds what was measured of Steward, the first of the results, and of the others beside it.
func (r *Rows) Results(results []*measure.Result) {
	one := results[0]
	for i, c := range r.plan.Cases {
		took, allocs := one.Checks[i].Took, one.Allocs[i]
		r.most("check, "+c.Name, fmt.Sprintf("%d ns, %.0f allocations", took.Nanoseconds(), allocs), "100 ns, 0", took <= check && allocs < 0.5)
	}
	for _, other := range results[1:] {
		worst, of := 0.0, ""
		for i, c := range r.plan.Cases {
			if times := float64(other.Checks[i].Took) / float64(max(one.Checks[i].Took, 1)); of == "" || times < worst {
				worst, of = times, c.Name
			}
		}
		library, variant, _ := strings.Cut(other.Engine, ",")
		what, measured := "check against "+other.Engine+", the least ("+of+")", fmt.Sprintf("×%.0f", worst)
		if most := ahead[library]; variant == "" && most > 0 {
			r.most(what, measured, fmt.Sprintf("×%.0f", most), worst >= most)
		} else {
			r.free(what, measured)
		}
	}
	for i, who := range r.plan.People {
		r.most("page of 50, local store, "+who.Name, measure.Short(one.Pages[i].Took), "1 ms", one.Pages[i].Took <= paging)
		r.pages[i].full = one.Pages[i].Took
	}
	for i, who := range r.plan.People {
		r.most("count, "+who.Name, measure.Short(one.Counts[i].Took), "1 ms", one.Counts[i].Took <= count)
	}
}

// Engine measures the loaded engine. What changes it comes last.
func (r *Rows) Engine(ctx context.Context, e *steward.Engine) error {
	for _, step := range []func(context.Context, *steward.Engine) error{r.memory, r.compiling, r.previews, r.small, r.byStatus, r.distant, r.changing} {
		if err := step(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// Table writes the rows in Markdown.
func (r *Rows) Table(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSteward at %d accounts against the budgets of the design:\n\n| what | measured | budget | |\n|---|--:|--:|---|\n", len(r.plan.World.Accounts))
	for _, x := range r.rows {
		verdict := ""
		switch {
		case x.Budget == "":
		case x.Met:
			verdict = "met"
		default:
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", x.What, x.Measured, x.Budget, verdict)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// Growth compares the pages of the smallest and the largest size. Only full pages are held against the budget: one that is not has more to show
// in the larger tenant, and says what each account that is shown takes.
func Growth(out io.Writer, sizes []*Rows) error {
	if len(sizes) < 2 {
		return nil
	}
	a, b := sizes[0], sizes[len(sizes)-1]
	var t strings.Builder
	fmt.Fprintf(&t, "\nHow a first page grows from %d to %d accounts:\n\n| whose, and how many it shows | times | budget | |\n|---|--:|--:|---|\n",
		len(a.plan.World.Accounts), len(b.plan.World.Accounts))
	for i, who := range a.plan.People {
		for _, kind := range []struct {
			most     int
			from, to time.Duration
		}{{few, a.pages[i].small, b.pages[i].small}, {measure.Page, a.pages[i].full, b.pages[i].full}} {
			shown, later := min(kind.most, len(a.plan.Visible[i])), min(kind.most, len(b.plan.Visible[i]))
			times := float64(kind.to) / float64(max(kind.from, 1))
			switch {
			case shown < later:
				each := times * float64(max(shown, 1)) / float64(later)
				fmt.Fprintf(&t, "| %s, %d and %d | ×%.2f, each account ×%.2f | | not full |\n", who.Name, shown, later, times, each)
			case times > growth:
				fmt.Fprintf(&t, "| %s, %d | ×%.2f | ×%d | **missed** |\n", who.Name, shown, times, growth)
			default:
				fmt.Fprintf(&t, "| %s, %d | ×%.2f | ×%d | met |\n", who.Name, shown, times, growth)
			}
		}
	}
	_, err := io.WriteString(out, t.String())
	return err
}
