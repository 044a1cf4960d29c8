package measure

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Table writes the results of one size as two tables in Markdown: the figures, and how many times those of the first engine they are.
func Table(out io.Writer, p *Plan, results []*Result) error {
	cells := []string{"engine"}
	for _, c := range p.Cases {
		cells = append(cells, "check "+c.Name+", ns (allocations)")
	}
	var lists []string
	for _, what := range []string{"page of 50", "count"} {
		for i, who := range p.People {
			lists = append(lists, fmt.Sprintf("%s, %s (sees %s)", what, who.Name, thousands(float64(len(p.Visible[i])))))
		}
	}
	cells = append(append(cells, lists...), "B/account", "load")
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s accounts, %d users, %d departments, %d roles\n\n", thousands(float64(len(p.World.Accounts))), len(p.World.Users), len(p.World.Parents), len(p.World.Roles))
	head(&b, cells)
	for _, r := range results {
		cells := []string{r.Engine}
		for i, f := range r.Checks {
			cells = append(cells, f.text(func(d time.Duration) string { return fmt.Sprintf("%s (%.0f)", thousands(float64(d)), r.Allocs[i]) }))
		}
		for _, f := range append(r.Pages[:len(r.Pages):len(r.Pages)], r.Counts...) {
			cells = append(cells, f.text(Short))
		}
		row(&b, append(cells, thousands(r.PerCount), Short(r.Load)))
	}
	ratios(&b, p, results, lists)
	_, err := io.WriteString(out, b.String())
	return err
}

func ratios(b *strings.Builder, p *Plan, results []*Result, lists []string) {
	if len(results) < 2 {
		return
	}
	one := results[0]
	fmt.Fprintf(b, "\nTimes %s, in the same run:\n\n", one.Engine)
	cells := []string{"engine"}
	for _, c := range p.Cases {
		cells = append(cells, "check "+c.Name)
	}
	head(b, append(cells, lists...))
	for _, r := range results[1:] {
		cells := []string{r.Engine}
		base, mine := one.all(), r.all()
		for i, f := range mine {
			times := float64(f.Took) / float64(max(base[i].Took, 1))
			f.Took = 0
			cells = append(cells, f.text(func(time.Duration) string { return "×" + thousands(times) }))
		}
		row(b, cells)
	}
}

func (r *Result) all() []Figure {
	out := append(r.Checks[:len(r.Checks):len(r.Checks)], r.Pages...)
	return append(out, r.Counts...)
}

func (f Figure) text(write func(time.Duration) string) string {
	if f.Estimated {
		return "~" + write(f.Took)
	}
	return write(f.Took)
}

func head(b *strings.Builder, cells []string) {
	row(b, cells)
	b.WriteString("|---|" + strings.Repeat("--:|", len(cells)-1) + "\n")
}

func row(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// Short writes a time with three digits.
func Short(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		word string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= unit.of {
			return digits(float64(d)/float64(unit.of)) + " " + unit.word
		}
	}
	return fmt.Sprintf("%d ns", d)
}

func digits(x float64) string {
	switch {
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return thousands(x)
}

// thousands writes a number without a fraction, one of less than ten with one digit of it.
func thousands(x float64) string {
	if x < 10 && x != float64(int(x)) {
		return fmt.Sprintf("%.1f", x)
	}
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
