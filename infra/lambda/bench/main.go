// Command bench compares the Lambda binaries with one that does nothing, in the same run: the processor time from the start of the process to
// its first question for work, what an invocation without I/O costs, and the memory after many. Ratios are to be trusted, not times.
//
//	make build bench-lambda
//
// The start includes the one read that a function warms its connection with, answered from this process, without TLS.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

// The budgets of the design, section 11. It would except the start of functions that validate telephone numbers; since tables stand for the
// library (decisions 0018, 0022), none is excepted.
const (
	maxStart, maxStartAny = 2.0, 2.3 // for binaries with DynamoDB and KMS only, and for any
	maxBinary, maxZip     = 11.0, 4.0
	maxMemory             = 16.0
	maxInvoke             = 1.6
)

func main() {
	starts := flag.Int("starts", 11, "starts of each binary; the median counts")
	invokes := flag.Int("invokes", 2000, "invocations of each binary")
	dist := flag.String("dist", "dist", "folder of make build, for the sizes")
	flag.Parse()
	if err := run(*starts, *invokes, *dist, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-lambda: "+err.Error())
		os.Exit(1)
	}
}

// measured is what was found of one binary.
type measured struct {
	name          string
	start, invoke time.Duration // processor time
	memory        float64       // MB resident
	binary, zip   float64       // MB, of linux/arm64; 0: not built
}

func run(starts, invokes int, dist string, w io.Writer) error {
	dir, err := os.MkdirTemp("", "steward-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, c := range [][]string{
		{"run", "./infra/lambda/build", "--arch", "host", "--no-zip", "--out", dir},
		{"build", "-trimpath", "-ldflags", "-s -w", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "hello", "bootstrap"), "./infra/lambda/bench/hello"},
	} {
		build := exec.Command("go", c...)
		build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		if err := build.Run(); err != nil {
			return err
		}
	}
	if _, err := measure(filepath.Join(dir, "hello", "bootstrap"), "hello", nil, starts, 100); err != nil { // the machine's own first time
		return err
	}
	bare, err := measure(filepath.Join(dir, "hello", "bootstrap"), "hello", nil, starts, invokes)
	if err != nil {
		return err
	}
	all := []measured{bare}
	for resource, routes := range functions.ByResource(&platform.Platform{}) {
		m, err := measure(filepath.Join(dir, resource, "bootstrap"), resource, quietest(routes), starts, invokes)
		if err != nil {
			return err
		}
		all = append(all, m)
	}
	m, err := measure(filepath.Join(dir, "stream", "bootstrap"), "stream", &edge.Route{Operation: "stream.changes"}, starts, invokes)
	if err != nil {
		return err
	}
	all = append(all, m)
	slices.SortFunc(all[1:], func(a, b measured) int { return cmp.Compare(a.name, b.name) })
	for i := range all {
		all[i].binary, all[i].zip = size(filepath.Join(dist, all[i].name, "bootstrap")), size(filepath.Join(dist, all[i].name+".zip"))
	}
	return report(all, bare, w)
}

// quietest is a route that answers an anonymous request without asking anybody: with 401, or for all to see.
func quietest(routes []edge.Route) *edge.Route {
	i := slices.IndexFunc(routes, func(r edge.Route) bool { return r.Method == "GET" })
	return &routes[max(i, 0)]
}

func size(path string) float64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0 // not built
	}
	return float64(fi.Size()) / 1e6
}

func report(all []measured, bare measured, w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "binary\tstart ms\t× hello\tinvoke µs\t× hello\tRSS MB\tbinary MB\tzip MB\t  missed\t")
	for _, m := range all {
		start, invoke := float64(m.start)/float64(bare.start), float64(m.invoke)/float64(bare.invoke)
		limit := maxStart
		if slices.Contains([]string{"auth", "jobs", "me", "stream", "webhooks"}, m.name) {
			limit = maxStartAny
		}
		var over []string
		say := func(bad bool, what string) {
			if bad {
				over = append(over, what)
			}
		}
		say(start > limit, fmt.Sprintf("start %.1f", limit))
		say(invoke > maxInvoke, fmt.Sprintf("invoke %.1f", maxInvoke))
		say(m.memory > maxMemory, fmt.Sprintf("memory %.0f", maxMemory))
		say(m.binary > maxBinary, fmt.Sprintf("binary %.0f", maxBinary))
		say(m.zip > maxZip, fmt.Sprintf("zip %.0f", maxZip))
		verdict := "none: all met"
		if len(over) > 0 {
			verdict = strings.Join(over, ", ")
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.0f\t%.2f\t%.1f\t%.2f\t%.2f\t  %s\t\n", m.name, float64(m.start)/1e6, start,
			float64(m.invoke)/1e3, invoke, m.memory, m.binary, m.zip, verdict)
	}
	return t.Flush()
}
