package measure

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/steward-crm/steward/infra/bench/engine"
	"github.com/steward-crm/steward/infra/bench/oracle"
	"github.com/steward-crm/steward/infra/bench/workload"
)

// Page is how many accounts a first page has.
const Page = 50

// Figure is one measured time. Estimated says that the work was cut short, and the time is that of the part done times what is left.
type Figure struct {
	Took      time.Duration
	Estimated bool
}

// Result is what was measured of one engine over one workload.
type Result struct {
	Engine   string
	Load     time.Duration
	PerCount float64 // bytes of heap that Load kept, for each account
	Checks   []Figure
	Allocs   []float64 // of each check
	Pages    []Figure
	Counts   []Figure
}

// Plan is what every engine is asked.
type Plan struct {
	World     *workload.World
	Questions []Question
	Cases     []Case
	People    []Person
	Visible   [][]workload.AccountID // of each person, by the oracle
	Budget    time.Duration          // of each measurement
}

// Run loads the engine, has it agree with the oracle, and measures it. Close is the caller's.
func (p *Plan) Run(name string, e engine.Engine) (*Result, error) {
	out := &Result{Engine: name}
	before := Heap()
	stop := watch()
	if err := e.Load(p.World); err != nil {
		return nil, fmt.Errorf("%s: load: %w", name, err)
	}
	out.Load = stop()
	out.PerCount = max(0, float64(Heap())-float64(before)) / float64(len(p.World.Accounts))
	if err := Agree(p.World, e, p.Questions); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := p.checks(e, out); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, who := range p.People {
		page, err := p.list(e, who.User, p.Visible[i], Page)
		if err != nil {
			return nil, fmt.Errorf("%s: first page of the %s: %w", name, who.Name, err)
		}
		count, err := p.list(e, who.User, p.Visible[i], len(p.World.Accounts))
		if err != nil {
			return nil, fmt.Errorf("%s: count of the %s: %w", name, who.Name, err)
		}
		out.Pages, out.Counts = append(out.Pages, page), append(out.Counts, count)
	}
	return out, nil
}

// Heap is how many bytes are alive.
func Heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (p *Plan) checks(e engine.Engine, out *Result) error {
	for _, c := range p.Cases {
		want := c.Name != "miss"
		at := -1
		took, allocs, err := Timed(p.Budget, func(int) error {
			if at++; at == len(c.Questions) {
				at = 0
			}
			q := c.Questions[at] // the remainder of a division would take longer than some checks
			switch got, err := e.Check(q.User, q.Do, q.Account); {
			case err != nil:
				return err
			case got != want:
				return fmt.Errorf("user %d, %s, account %d: answered %t", q.User, q.Do, q.Account, got)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		out.Checks, out.Allocs = append(out.Checks, Figure{Took: took}), append(out.Allocs, allocs)
	}
	return nil
}

// Timed repeats f within the budget, in rounds of a sixteenth of it or more, and gives the time of one and how often one allocates. Of the
// rounds the one counts that a quarter of them beat.
func Timed(budget time.Duration, f func(i int) error) (took time.Duration, allocs float64, err error) {
	const rounds = 8
	var a, b runtime.MemStats
	var each []float64
	for end, n, i := time.Now().Add(budget), 1, 0; len(each) == 0 || time.Now().Before(end); {
		runtime.ReadMemStats(&a)
		stop := watch()
		for range n {
			if err := f(i); err != nil {
				return 0, 0, err
			}
			i++
		}
		spent := stop()
		runtime.ReadMemStats(&b)
		if spent < budget/(2*rounds) && time.Now().Before(end) {
			n *= 2 // still finding out how many fill a round
			continue
		}
		each, allocs = append(each, float64(spent)/float64(n)), float64(b.Mallocs-a.Mallocs)/float64(n)
	}
	slices.Sort(each)
	return time.Duration(math.Round(each[len(each)/4])), allocs, nil
}

// list measures the first n of a person's accounts; with n that of all accounts it is the count. Whatever is found must be what the oracle
// found.
func (p *Plan) list(e engine.Engine, u workload.UserID, visible []workload.AccountID, n int) (Figure, error) {
	if l, ok := e.(engine.Lister); ok {
		return p.asked(l, u, visible, n)
	}
	// The engine has no lists: all accounts are checked in order until n are found.
	need := len(p.World.Newest)
	if n < len(visible) {
		need = slices.Index(p.World.Newest, visible[n-1]) + 1
	}
	walk := func(until time.Time) (looked int, err error) {
		var found []workload.AccountID
		for size := Page; looked < need && time.Now().Before(until); size = min(2*size, 2048) {
			among := p.World.Newest[looked:min(looked+size, need)]
			some, err := filter(e, u, among, n-len(found))
			if err != nil {
				return 0, err
			}
			found, looked = append(found, some...), looked+len(among)
		}
		if !slices.Equal(found, p.among(visible, looked)) {
			return 0, fmt.Errorf("%d accounts found among %d are not the oracle's", len(found), looked)
		}
		return looked, nil
	}
	stop := watch()
	looked, err := walk(time.Now().Add(p.Budget))
	spent := stop()
	if err != nil {
		return Figure{}, err
	}
	if looked < need {
		return Figure{Took: time.Duration(float64(spent) * float64(need) / float64(looked)), Estimated: true}, nil
	}
	if spent > p.Budget/2 {
		return Figure{Took: spent}, nil
	}
	took, _, err := Timed(p.Budget-spent, func(int) error {
		_, err := walk(time.Now().Add(time.Minute))
		return err
	})
	return Figure{Took: took}, err
}

// among gives those of the visible accounts that are among the n newest of all.
func (p *Plan) among(visible []workload.AccountID, n int) []workload.AccountID {
	if n == 0 {
		return nil
	}
	last := p.World.Accounts[p.World.Newest[n-1]].Updated
	older := slices.IndexFunc(visible, func(id workload.AccountID) bool { return p.World.Accounts[id].Updated < last })
	if older < 0 {
		return visible
	}
	return visible[:older]
}

func (p *Plan) asked(l engine.Lister, u workload.UserID, visible []workload.AccountID, n int) (Figure, error) {
	ask := func(int) error {
		got, err := l.FirstPage(u, n)
		if err == nil && !slices.Equal(got, visible[:min(n, len(visible))]) {
			err = fmt.Errorf("the page %v is not the oracle's", got)
		}
		return err
	}
	if n == len(p.World.Accounts) {
		ask = func(int) error {
			got, err := l.Count(u)
			if err == nil && got != len(visible) {
				err = fmt.Errorf("counted %d, the oracle %d", got, len(visible))
			}
			return err
		}
	}
	took, _, err := Timed(p.Budget, ask)
	return Figure{Took: took}, err
}

// filter gives those of the accounts that the user may view, n at most.
func filter(e engine.Engine, u workload.UserID, among []workload.AccountID, n int) ([]workload.AccountID, error) {
	if f, ok := e.(engine.Filterer); ok {
		return f.Filter(u, among, n)
	}
	var out []workload.AccountID
	for _, id := range among {
		ok, err := e.Check(u, workload.View, id)
		if err != nil {
			return nil, err
		}
		if ok {
			if out = append(out, id); len(out) == n {
				break
			}
		}
	}
	return out, nil
}

// Prepare draws the questions and asks the oracle for the lists.
func Prepare(w *workload.World, questions []Question, cases []Case, budget time.Duration) *Plan {
	p := &Plan{World: w, Questions: questions, Cases: cases, People: People(w), Budget: budget}
	for _, who := range p.People {
		p.Visible = append(p.Visible, oracle.Visible(w, who.User))
	}
	return p
}
