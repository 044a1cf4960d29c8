// Command bench compares the Lambda binaries with one that does nothing, in the same run: the processor time from the start of the process to
// its first question for work, what an invocation without I/O costs, and the memory after many. Ratios are to be trusted, not times.
//
//	make build bench-lambda
//
// The start includes the one read that a function warms its connection with, answered from this process, without TLS. Which functions there are,
// and their environment, say template.yaml and the stacks that it nests. All binaries are as the linker wrote them.
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
)

// The budgets of the design, section 11. It would except the start of functions that validate telephone numbers; since tables stand for the
// library (decisions 0018, 0022), none is excepted.
const (
	maxStart, maxStartAny = 2.0, 2.3 // for binaries with no client but DynamoDB's, and for any
	maxBinary, maxZip     = 11.0, 4.0
	maxMemory             = 16.0
	maxInvoke             = 1.6
)

// noClients are the binaries that link no client of AWS but perhaps DynamoDB's.
var noClients = []string{"docs", "health"}

// bare are what the functions are compared with: one that does nothing, by which they are judged; the same in the environment that functions have;
// and, in it, one that does no more than link the clients that most have and read once.
var bare = []struct {
	name, binary string
	deployed     bool
}{{"hello", "hello", false}, {"hello as deployed", "hello", true}, {"clients as deployed", "clients", true}}

func main() {
	starts := flag.Int("starts", 11, "starts of each binary; the median counts")
	invokes := flag.Int("invokes", 2000, "invocations of each binary")
	dist := flag.String("dist", "dist", "folder of make build, for the sizes")
	only := flag.String("only", "", "binaries to measure, separated by commas; empty: all")
	turns := flag.Bool("turns", true, "start the binaries in turn, not each so often in a row")
	flag.Parse()
	if err := run(*starts, *invokes, *dist, *only, *turns, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-lambda: "+err.Error())
		os.Exit(1)
	}
}

// measured is what was found of one binary.
type measured struct {
	subject
	begun       int             // starts so far
	starts      []time.Duration // processor time of all but the first
	invoke      time.Duration
	memory      float64 // MB resident
	binary, zip float64 // MB, of linux/arm64; 0: not built
}

func (m *measured) start() time.Duration {
	slices.Sort(m.starts)
	return m.starts[len(m.starts)/2]
}

func run(starts, invokes int, dist, only string, turns bool, w io.Writer) error {
	dir, err := os.MkdirTemp("", "steward-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	builds := [][]string{{"run", "./infra/lambda/build", "--arch", "host", "--no-zip", "--out", dir}}
	for _, b := range bare {
		builds = append(builds, []string{"build", "-trimpath", "-ldflags", "-s -w", "-tags", "lambda.norpc", "-o", filepath.Join(dir, b.binary, "bootstrap"), "./infra/lambda/bench/" + b.binary})
	}
	for _, c := range builds {
		build := exec.Command("go", c...)
		build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		if err := build.Run(); err != nil {
			return err
		}
	}
	subjects, err := subjects()
	if err != nil {
		return err
	}
	var all []*measured
	for _, s := range subjects {
		if only == "" || s.bare || slices.Contains(strings.Split(only, ","), s.name) {
			s.path = filepath.Join(dir, s.binary, "bootstrap")
			all = append(all, &measured{subject: s})
		}
	}
	for _, m := range order(all, starts+1, turns) {
		p, err := start(&m.subject)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if m.begun++; m.begun > 1 { // the first is the machine's own
			m.starts = append(m.starts, p.first)
		}
		if m.begun == starts+1 {
			m.invoke, m.memory, err = p.work(m.event, invokes)
		}
		p.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	for _, m := range all {
		m.binary, m.zip = size(filepath.Join(dist, m.name, "bootstrap")), size(filepath.Join(dist, m.name+".zip"))
	}
	return report(all, w)
}

// order is that of the starts: the binaries in turn, beginning with another one each time, or all of one binary and then those of the next. In turn
// none finds in the caches what its last start left there, as in a cold start, and a machine that is busy for a while is busy for all: ratios differ
// by a twentieth from run to run. One after another they differ by a third.
func order(all []*measured, starts int, turns bool) (out []*measured) {
	for i := range len(all) * starts {
		if turns {
			out = append(out, all[(i+i/len(all))%len(all)])
		} else {
			out = append(out, all[i/starts])
		}
	}
	return out
}

func size(path string) float64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0 // not built
	}
	return float64(fi.Size()) / 1e6
}

func report(all []*measured, w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "binary\tstart ms\t× hello\tinvoke µs\t× hello\tRSS MB\tbinary MB\tzip MB\t  missed\t")
	for _, m := range all {
		start, invoke := float64(m.start())/float64(all[0].start()), float64(m.invoke)/float64(all[0].invoke)
		limit := maxStartAny
		if slices.Contains(noClients, m.name) {
			limit = maxStart
		}
		var over []string
		say := func(bad bool, what string) {
			if bad {
				over = append(over, what)
			}
		}
		say(start > limit, fmt.Sprintf("start %.1f", limit))
		say(invoke > maxInvoke && !m.asks, fmt.Sprintf("invoke %.1f", maxInvoke))
		say(m.memory > maxMemory, fmt.Sprintf("memory %.0f", maxMemory))
		say(m.binary > maxBinary, fmt.Sprintf("binary %.0f", maxBinary))
		say(m.zip > maxZip, fmt.Sprintf("zip %.0f", maxZip))
		verdict := cmp.Or(strings.Join(over, ", "), "none: all met")
		if m.asks {
			verdict += "; its invocation asks AWS"
		}
		if m.bare {
			verdict = "to compare with"
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.0f\t%.2f\t%.1f\t%.2f\t%.2f\t  %s\t\n", m.name, float64(m.start())/1e6, start,
			float64(m.invoke)/1e3, invoke, m.memory, m.binary, m.zip, verdict)
	}
	return t.Flush()
}
