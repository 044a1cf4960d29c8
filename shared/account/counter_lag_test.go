package account_test

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// lag is by how much the feeds of these tests are late.
const lag = 10 * time.Second

// late is a feed that shows a commit when it is that old. Its positions are names that say nothing, and its changes lie in shards: those of one
// item are in order, and no others.
type late struct {
	table.Feed
	now    func() time.Time
	rand   *rand.Rand
	at     string
	shards [3][]table.Change
	given  map[string][3]int
	lost   bool // the next position is not known any more
}

func newLate(w *counting, seed uint64) *late {
	return &late{Feed: w.Feed, now: w.Now, rand: rand.New(rand.NewPCG(seed, 5)), given: map[string][3]int{"": {}}}
}

func (f *late) Changes(ctx context.Context, after string, limit int) (out []table.Change, next string, err error) {
	for {
		list, next, err := f.Feed.Changes(ctx, f.at, 1000)
		if err != nil {
			return nil, after, err
		}
		if f.at = next; len(list) == 0 {
			break
		}
		for _, c := range list {
			it := c.After
			if it == nil {
				it = c.Before
			}
			h := fnv.New32()
			_, _ = h.Write([]byte(it.PK + it.SK))
			n := h.Sum32() % 3
			f.shards[n] = append(f.shards[n], c)
		}
	}
	v, known := f.given[after]
	if !known || f.lost && after != "" {
		f.lost = false
		return nil, after, fault.New(fault.Internal, "position_unknown")
	}
	next = after
	for len(out) < limit {
		var open []int
		for n, at := range v {
			if at < len(f.shards[n]) && !f.shards[n][at].At.Add(lag).After(f.now()) {
				open = append(open, n)
			}
		}
		if open == nil {
			break
		}
		n := open[f.rand.IntN(len(open))]
		c := f.shards[n][v[n]]
		v[n]++
		next = strconv.FormatUint(f.rand.Uint64(), 36)
		f.given[next], c.Position = v, next
		out = append(out, c)
	}
	return out, next, nil
}

// lagging has the counters follow the late feed, with the allowance; the pause is of the clock.
func (w *counting) lagging(f table.Feed, allowance time.Duration) (pauses *int) {
	pauses = new(int)
	w.Counters = account.NewCounters(w.Table, f).Lagging(allowance, func(ctx context.Context, d time.Duration) error {
		*pauses++
		w.Clock.Add(d)
		return ctx.Err()
	})
	return pauses
}

// settled holds that the counts are right when the feed has shown all.
func (w *counting) settled(t testing.TB) string {
	t.Helper()
	w.Clock.Add(lag)
	w.turns(t)
	got, _, err := w.Stored(t.Context(), w.row.ID)
	must(t, err)
	want, err := account.Brute(t.Context(), w.Table, w.row.ID)
	must(t, err)
	return cmp.Diff(want, got)
}

// TestRecountOfALateFeed: an account that a recount reads and that the feed does not show yet counts once, when the recount allows for it. Without
// the allowance it counts twice.
func TestRecountOfALateFeed(t *testing.T) {
	for allowance, right := range map[time.Duration]bool{lag: true, 0: false} {
		w := newCounting(t)
		pauses := w.lagging(newLate(w, 1), allowance)
		pick := picker(rand.New(rand.NewPCG(21, 21)))
		for range 20 {
			w.act(t, pick)
		}
		w.recount(t)
		if d := w.settled(t); (d == "") != right {
			t.Errorf("an allowance of %v: counts differ (-want +got):\n%s", allowance, d)
		}
		if allowance == 0 {
			continue
		}
		w.equalRecount(t, true)
		*pauses = 0
		if w.recount(t); *pauses != 0 {
			t.Errorf("%d pauses where everything agrees", *pauses)
		}
		w.act(t, pick)
		if w.recount(t); *pauses != 1 {
			t.Errorf("%d pauses for all owners of a change that is not shown", *pauses)
		}
		w.forget(t)
		*pauses = 0
		if w.recount(t); *pauses != 1 {
			t.Errorf("%d pauses to build the counts", *pauses)
		}
		if d := w.settled(t); d != "" {
			t.Errorf("counts differ (-want +got):\n%s", d)
		}
	}
}

// TestCountersOfALateFeed: whatever is done, with turns and recounts anywhere between, over a feed of shards that is late: each change counts once.
func TestCountersOfALateFeed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newCounting(t)
		f := newLate(w, rapid.Uint64().Draw(rt, "order"))
		w.lagging(f, lag)
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "pick") }
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch pick(8) {
			case 0:
				_, err := w.Advance(t.Context(), w.Now())
				must(t, err)
			case 1:
				w.recount(t)
			case 2:
				w.Clock.Add(time.Duration(pick(12)) * time.Second)
			case 3:
				w.lagging(f, lag) // another process
			case 4:
				f.lost = pick(4) == 0
				_, err := w.Advance(t.Context(), w.Now())
				must(t, err)
				f.lost = false
			default:
				w.act(t, pick)
			}
		}
		w.Clock.Add(lag)
		w.turns(t)
		w.recount(t) // what lost its place is wrong until then, and not taken for complete
		w.turns(t)
		w.equalRecount(t, true)
	})
}

// TestLateAsOf: counts of a late feed are as of a time that is not later than what they hold, and not much earlier.
func TestLateAsOf(t *testing.T) {
	w := newCounting(t)
	f := newLate(w, 3)
	w.lagging(f, lag)
	var made []time.Time
	s := w.again().TrustCounters()
	create := func(int) int { return 0 }
	counted := 0
	for step := range 60 {
		if step%4 != 3 {
			w.act(t, create)
			made = append(made, w.Now())
		}
		w.Clock.Add(time.Duration(step%7) * 3 * time.Second)
		w.turns(t)
		if step%5 == 0 { // long enough for a turn that finds nothing to say so
			w.Clock.Add(70 * time.Second)
			w.turns(t)
			w.Clock.Add(70 * time.Second)
			w.turns(t)
		}
		n := w.counted(t, s, w.boss, account.Query{})
		if n.AsOf.IsZero() {
			continue
		}
		counted++
		before := 0
		for _, at := range made {
			if !at.After(n.AsOf) {
				before++
			}
		}
		if n.Value < before || n.Value > len(made) || n.AsOf.After(w.Now().Add(-lag)) || w.Now().Sub(n.AsOf) > 2*time.Minute {
			t.Errorf("step %d, at %v: %+v; %d accounts were made by then, %d by now", step, w.Now(), n, before, len(made))
		}
	}
	if counted < 40 {
		t.Errorf("%d counts by the counters: the test is broken", counted)
	}
}

// TestDeathsOverALateFeed: an invocation dies at every step in turn, before a commit or after it, another goes on, and one that was late does its
// work once more. Each change counts once.
func TestDeathsOverALateFeed(t *testing.T) {
	w := newCounting(t)
	f := newLate(w, 7)
	pick := picker(rand.New(rand.NewPCG(25, 25)))
	died := errors.New("died")
	deaths := 0
	for step := range 80 {
		for range 2 {
			w.act(t, pick)
		}
		w.Clock.Add(time.Duration(step%4) * 4 * time.Second)
		w.lagging(f, lag)
		late := account.NewCounters(w.Table, f).Lagging(lag, func(context.Context, time.Duration) error { w.Clock.Add(lag); return nil })
		n := 0
		die := func(c local.Call) error {
			if n++; n == 1+step%17 {
				if step%3 == 0 { // and another does all of it before this one dies, or goes on
					f := *w.Faults
					*w.Faults = local.Faults{}
					must(t, late.Work(t.Context(), w.Now))
					*w.Faults = f
				}
				if step%2 == 0 {
					return died
				}
			}
			return nil
		}
		if step%5 < 3 {
			w.Faults.Before = die
		} else {
			w.Faults.After = die // done, its answer lost
		}
		if step%11 == 0 {
			w.Clock.Add(time.Hour) // a round
		}
		if err := w.Work(t.Context(), w.Now); err != nil {
			if deaths++; !errors.Is(err, died) && !fault.Is(err, "busy") {
				t.Fatalf("step %d: %v", step, err)
			}
		}
		*w.Faults = local.Faults{}
	}
	if deaths < 10 {
		t.Errorf("%d deaths: the test is broken", deaths)
	}
	w.lagging(f, lag)
	if d := w.settled(t); d != "" {
		t.Errorf("counts differ (-want +got):\n%s", d)
	}
}

// TestCountersThatLostTheirPlace: counters whose position the feed does not know any more begin again, and vouch for nothing before all is
// recounted.
func TestCountersThatLostTheirPlace(t *testing.T) {
	w := newCounting(t)
	f := newLate(w, 4)
	w.lagging(f, lag)
	pick := picker(rand.New(rand.NewPCG(22, 22)))
	for range 20 {
		w.act(t, pick)
	}
	if d := w.settled(t); d != "" {
		t.Fatal(d)
	}
	w.equalRecount(t, true)
	f.lost = true
	w.act(t, pick)
	w.Clock.Add(lag)
	w.turns(t)
	if _, complete, err := w.Stored(t.Context(), w.row.ID); err != nil || complete {
		t.Errorf("complete: %v, %v", complete, err)
	}
	w.recount(t)
	w.equalRecount(t, true)
}

// TestLateCountersThatSlept: changes of some shard may be lost when the counters have slept, though others, of just after and of just now, show
// that nothing is.
func TestLateCountersThatSlept(t *testing.T) {
	for seed := range uint64(8) { // which shard shows itself first is chance
		w := newCounting(t)
		w.lagging(newLate(w, seed), lag)
		pick := picker(rand.New(rand.NewPCG(23, seed)))
		w.act(t, pick)
		w.settled(t)
		w.equalRecount(t, true)
		w.act(t, pick)
		w.Clock.Add(22 * time.Hour)
		w.act(t, pick)
		w.Clock.Add(lag)
		w.turns(t)
		w.equalRecount(t, false)
	}
}

// TestWork: a process that is started again and again, and never has the time for all, recounts every tenant, each once in an hour.
func TestWork(t *testing.T) {
	first := newCounting(t)
	all := []*counting{first, first.neighbour(t), first.neighbour(t)}
	pick := picker(rand.New(rand.NewPCG(24, 24)))
	for range 30 {
		for _, w := range all {
			w.act(t, pick)
		}
	}
	first.turns(t)
	for _, w := range all {
		w.forget(t)
	}
	read := map[string]int{}
	work := func(most int) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		first.Faults.Before = func(c local.Call) error {
			for _, w := range all {
				if len(c.Keys) > 0 && key.AccountOf(w.row.ID, c.Keys[0]) != "" {
					read[string(w.row.ID)]++
				}
			}
			if n++; n > most {
				cancel()
				return context.Canceled
			}
			return nil
		}
		defer func() { first.Faults.Before = nil }()
		must(t, account.NewCounters(first.Table, first.Feed).Work(ctx, first.Now))
	}
	for range 20 {
		work(400) // calls: enough for one tenant, and not for three
	}
	for _, w := range all {
		w.equalRecount(t, true)
	}
	clear(read)
	if work(1 << 20); len(read) > 0 {
		t.Errorf("within the hour %v were read again", read)
	}
	first.Clock.Add(time.Hour)
	work(1 << 20)
	if len(read) != len(all) {
		t.Errorf("after an hour %v of %d tenants were read", read, len(all))
	}
	died := errors.New("died")
	first.Clock.Add(time.Hour)
	first.Faults.Before = func(c local.Call) error {
		if len(c.Keys) > 0 && key.AccountOf(all[0].row.ID, c.Keys[0]) != "" {
			return died
		}
		return nil
	}
	if err := account.NewCounters(first.Table, first.Feed).Work(t.Context(), first.Now); !errors.Is(err, died) {
		t.Errorf("a tenant that cannot be read: %v", err)
	}
}
