package job_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

const kind = "things.do"

// desk is a table, a clock and a store of jobs over them.
type desk struct {
	t      *testing.T
	now    time.Time
	mu     sync.Mutex
	faults local.Faults
	table  *local.Store
	ids    *id.Source
	jobs   *job.Store
	tenant id.Tenant
}

func open(t *testing.T) *desk {
	d := &desk{t: t, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	d.table = localtest.OpenFaulty(t, d.clock, &d.faults)
	d.ids = id.NewSource(d.clock, rand.Reader)
	d.jobs = job.New(d.table, d.ids, d.clock)
	d.tenant = id.New[id.Tenant](d.ids)
	return d
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

func (d *desk) worker(r job.Runner) *job.Worker {
	w := job.NewWorker(d.jobs, d.table, slog.New(slog.DiscardHandler))
	w.Handle(kind, r)
	return w
}

func (d *desk) stage(due time.Time) id.Job {
	d.t.Helper()
	c := change.New(principal.System(d.tenant, "things.ask", d.clock()), d.ids, d.clock())
	j, err := d.jobs.Stage(c, d.tenant, kind, map[string]string{"thing": "one"}, due)
	if err != nil {
		d.t.Fatal(err)
	}
	c.Record(audit.Event{Target: string(j)})
	if err := c.Commit(d.t.Context(), d.table); err != nil {
		d.t.Fatal(err)
	}
	return j
}

func (d *desk) run(w *job.Worker) int {
	d.t.Helper()
	n, err := w.RunDue(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func (d *desk) get(j id.Job) job.Job {
	d.t.Helper()
	got, err := d.jobs.Get(d.t.Context(), d.tenant, j)
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

func TestJobRunsOnceWhenDue(t *testing.T) {
	d := open(t)
	ran := 0
	w := d.worker(func(_ context.Context, r *job.Run) error {
		ran++
		var p struct {
			Thing string `json:"thing"`
		}
		if err := r.Payload(&p); err != nil || p.Thing != "one" {
			t.Errorf("payload %+v, %v", p, err)
		}
		return nil
	})
	j := d.stage(d.now.Add(time.Minute))
	if d.run(w) != 0 || ran != 0 {
		t.Fatal("ran before it was due")
	}
	d.pass(time.Minute)
	if d.run(w) != 1 || ran != 1 || d.run(w) != 0 {
		t.Fatalf("ran %d times", ran)
	}
	got := d.get(j)
	if got.Status != job.Done || got.Error != "" || !got.EndedAt.Equal(d.now) {
		t.Fatalf("%+v", got)
	}
	d.pass(job.Kept + time.Second)
	if _, err := d.jobs.Get(t.Context(), d.tenant, j); !fault.Is(err, "not_found") {
		t.Fatalf("a done job after 30 days: %v", err)
	}
}

func TestJobOfAnotherTenantIsNotFound(t *testing.T) {
	d := open(t)
	j := d.stage(d.now)
	if _, err := d.jobs.Get(t.Context(), id.New[id.Tenant](d.ids), j); !fault.Is(err, "not_found") {
		t.Fatal(err)
	}
}

func TestJobThatTheChangeDoesNotCommitDoesNotExist(t *testing.T) {
	d := open(t)
	c := change.New(principal.System(d.tenant, "things.ask", d.now), d.ids, d.now)
	if _, err := d.jobs.Stage(c, d.tenant, kind, struct{}{}, d.now); err != nil {
		t.Fatal(err)
	}
	c.Check(key.Tenant(d.tenant), table.Present, fault.New(fault.Conflict, "no_tenant"))
	c.Record(audit.Event{})
	if err := c.Commit(t.Context(), d.table); !fault.Is(err, "no_tenant") {
		t.Fatal(err)
	}
	if d.run(d.worker(func(context.Context, *job.Run) error { return nil })) != 0 {
		t.Fatal("a job of a change that never happened ran")
	}
}

func TestFaults(t *testing.T) {
	passing := fault.New(fault.Unavailable, "notify_unavailable")
	for _, row := range []struct {
		name     string
		err      error
		attempts int // until it has failed; 0: never
	}{
		{"unavailable is tried for more than an hour", passing, job.MaxAttempts},
		{"exhausted likewise", fault.New(fault.Exhausted, "rate_limited"), job.MaxAttempts},
		{"a locked key likewise", fault.New(fault.Locked, "key_unavailable"), job.MaxAttempts},
		{"an internal fault a few times", errors.New("boom"), job.MaxUnknown},
		{"a conflict fails at once", fault.New(fault.Conflict, "user_exists"), 1},
		{"an invalid request fails at once", fault.New(fault.Invalid, "undeliverable"), 1},
		{"a wait never fails", job.Later(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := open(t)
			ran, gaveUp := 0, 0
			w := d.worker(func(_ context.Context, r *job.Run) error {
				ran++
				if r.GivesUp(row.err) {
					gaveUp = ran
				}
				return row.err
			})
			j := d.stage(d.now)
			begun := d.now
			for range 40 {
				d.run(w)
				if got := d.get(j); got.Ended() {
					break
				}
				d.pass(max(d.get(j).Due.Sub(d.now), 0))
			}
			got := d.get(j)
			if row.attempts == 0 {
				if got.Status != job.Queued || got.Attempts != 0 || ran != 40 {
					t.Fatalf("%+v after %d runs", got, ran)
				}
				return
			}
			if ran != row.attempts || gaveUp != ran || got.Status != job.Failed || got.Error != fault.Of(row.err).Code {
				t.Fatalf("ran %d times, gave up at %d, %+v", ran, gaveUp, got)
			}
			if row.attempts == job.MaxAttempts && d.now.Sub(begun) < 45*time.Minute {
				t.Fatalf("gave up after %s", d.now.Sub(begun))
			}
			d.pass(10 * job.Kept)
			if got := d.get(j); got.Status != job.Failed {
				t.Fatal("a failed job must stay visible")
			}
			page, _, err := audit.Events(t.Context(), d.table, d.tenant, audit.Filter{Action: "jobs.fail"}, begun, d.now, "", 10)
			if err != nil || len(page) != 1 || page[0].Target != string(j) {
				t.Fatalf("audit: %+v, %v", page, err)
			}
		})
	}
}

func TestPanicIsAFaultOfTheJobAlone(t *testing.T) {
	d := open(t)
	w := d.worker(func(context.Context, *job.Run) error { panic("oh") })
	j := d.stage(d.now)
	d.run(w)
	if got := d.get(j); got.Status != job.Queued || got.Error != "internal" || got.Attempts != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestPausesGrowAndDiffer(t *testing.T) {
	d := open(t)
	w := d.worker(func(context.Context, *job.Run) error { return fault.New(fault.Unavailable, "busy") })
	a, b := d.stage(d.now), d.stage(d.now)
	same := true
	last := time.Duration(0)
	for n := range 8 {
		d.run(w)
		pause := d.get(a).Due.Sub(d.now)
		same = same && d.get(a).Due.Equal(d.get(b).Due)
		full := job.FirstPause << n
		if pause < full*3/4 || pause > full*5/4 || pause <= last {
			t.Fatalf("pause %d is %s", n, pause)
		}
		last = pause
		d.pass(2 * pause)
	}
	if same {
		t.Fatal("two jobs that failed together come back together each time")
	}
}

func TestStateSurvivesAndStepsTakeEffectOnce(t *testing.T) {
	d := open(t)
	type state struct {
		N int `json:"n"`
	}
	mark := func(n int) table.Key { return key.Setting(d.tenant, "step"+string(rune('0'+n))) }
	fail := true
	w := d.worker(func(ctx context.Context, r *job.Run) error {
		var s state
		if err := r.State(&s); err != nil {
			return err
		}
		for s.N < 3 {
			if s.N == 2 && fail {
				fail = false
				return fault.New(fault.Unavailable, "busy")
			}
			next := state{s.N + 1}
			err := r.Step(ctx, &next, job.Progress{Done: next.N, Total: 3, Step: "x"}, func(c *change.Set) error {
				c.Put(table.Item{Key: mark(s.N), Doc: []byte(`{}`)}, table.Absent, errors.New("twice"))
				c.Record(audit.Event{})
				return nil
			})
			if err != nil {
				return err
			}
			s = next
		}
		return nil
	})
	j := d.stage(d.now)
	d.run(w)
	if got := d.get(j); got.Status != job.Queued || got.Progress.Done != 2 || got.Progress.Total != 3 || got.Attempts != 1 {
		t.Fatalf("%+v", got)
	}
	d.pass(time.Minute)
	d.run(w)
	if got := d.get(j); got.Status != job.Done || got.Progress.Done != 3 {
		t.Fatalf("%+v", got)
	}
}

// TestStepLosesToATakeover: a worker that slept through its lease must have no effect any more, not even a last one.
func TestStepLosesToATakeover(t *testing.T) {
	d := open(t)
	second := d.worker(func(context.Context, *job.Run) error { return nil })
	stolen := key.Setting(d.tenant, "stolen")
	var err error
	first := d.worker(func(ctx context.Context, r *job.Run) error {
		d.pass(job.LeaseFor + time.Second)
		if d.run(second) != 1 {
			t.Error("the lease ended and nobody took over")
		}
		err = r.Step(ctx, nil, job.Progress{}, func(c *change.Set) error {
			c.Put(table.Item{Key: stolen, Doc: []byte(`{}`)}, table.Absent, nil)
			c.Record(audit.Event{})
			return nil
		})
		if e := r.Save(ctx, nil, job.Progress{}); !fault.Is(e, "job_lost") {
			t.Errorf("save: %v", e)
		}
		return err
	})
	j := d.stage(d.now)
	d.run(first)
	if !fault.Is(err, "job_lost") {
		t.Fatal(err)
	}
	if items, _ := d.table.Get(t.Context(), stolen); len(items) != 0 {
		t.Fatal("a worker without the lease took effect")
	}
	if got := d.get(j); got.Status != job.Done {
		t.Fatalf("the end that the second worker wrote was overwritten: %+v", got)
	}
}

func TestALeaseKeepsOthersOut(t *testing.T) {
	d := open(t)
	other := d.worker(func(context.Context, *job.Run) error { t.Error("ran twice at once"); return nil })
	w := d.worker(func(context.Context, *job.Run) error {
		d.pass(job.LeaseFor - time.Second)
		if d.run(other) != 0 {
			t.Error("taken over before the lease ended")
		}
		return nil
	})
	d.stage(d.now)
	d.run(w)
}

func TestManyWorkersRunEachJobOnce(t *testing.T) {
	d := open(t)
	var mu sync.Mutex
	runs := map[id.Job]int{}
	var jobs []id.Job
	for range 20 {
		jobs = append(jobs, d.stage(d.now))
	}
	var all sync.WaitGroup
	for range 4 {
		w := d.worker(func(_ context.Context, r *job.Run) error {
			mu.Lock()
			defer mu.Unlock()
			runs[r.Job.ID]++
			return nil
		})
		all.Go(func() {
			if _, err := w.RunDue(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, j := range jobs {
		if runs[j] != 1 {
			t.Errorf("%s ran %d times", j, runs[j])
		}
	}
}

// TestLostRepliesOfEveryCommit loses the reply of each commit of a run in turn: the work is done once all the same.
func TestLostRepliesOfEveryCommit(t *testing.T) {
	for n := range 8 {
		d := open(t)
		var effects int
		w := d.worker(func(ctx context.Context, r *job.Run) error {
			var done bool
			if err := r.State(&done); err != nil || done {
				return err
			}
			done = true
			return r.Step(ctx, &done, job.Progress{Done: 1, Total: 1}, func(c *change.Set) error {
				c.Put(table.Item{Key: key.Setting(d.tenant, d.ids.ULID()), Doc: []byte(`{}`)}, table.Absent, nil)
				c.Record(audit.Event{Action: "things.do"})
				return nil
			})
		})
		j := d.stage(d.now)
		count := 0
		d.faults.After = func(c local.Call) error {
			if c.Op != "commit" {
				return nil
			}
			if count++; count == n+1 {
				return local.Lost()
			}
			return nil
		}
		for range 4 {
			d.run(w)
			d.pass(job.LeaseFor + time.Minute)
		}
		d.faults.After = nil
		page, _, err := audit.Events(t.Context(), d.table, d.tenant, audit.Filter{Action: "things.do"}, d.now.Add(-time.Hour), d.now, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		if effects = len(page); effects != 1 || d.get(j).Status != job.Done {
			t.Fatalf("commit %d: %d effects, %+v", n, effects, d.get(j))
		}
	}
}

func TestAJobWhoseRunsNeverComeBackFails(t *testing.T) {
	d := open(t)
	j := d.stage(d.now)
	dead := false
	d.faults.Before = func(c local.Call) error {
		if dead && c.Op != "query" {
			return local.Throttled()
		}
		return nil
	}
	ran := 0
	w := d.worker(func(context.Context, *job.Run) error { ran++; dead = true; return nil }) // the process dies here
	for range job.MaxAttempts + 1 {
		_, _ = w.RunDue(t.Context())
		dead = false
		d.pass(job.LeaseFor + time.Second)
	}
	if got := d.get(j); ran != job.MaxAttempts || got.Status != job.Failed || got.Error != "job_attempts_exhausted" {
		t.Fatalf("ran %d times: %+v", ran, got)
	}
}

func TestOtherKindsAreLeftToOthers(t *testing.T) {
	d := open(t)
	w := job.NewWorker(d.jobs, d.table, slog.New(slog.DiscardHandler))
	j := d.stage(d.now)
	if d.run(w) != 0 || d.get(j).Status != job.Queued {
		t.Fatal("a kind without a runner was touched")
	}
	defer func() {
		if recover() == nil {
			t.Error("two runners of one kind")
		}
	}()
	w.Handle(kind, nil)
	w.Handle(kind, nil)
}

func TestWithdraw(t *testing.T) {
	d := open(t)
	withdraw := func(j id.Job) error {
		return change.Run(t.Context(), d.table, principal.System(d.tenant, "things.stop", d.clock()), d.ids, d.clock, func(c *change.Set) error {
			if err := d.jobs.Withdraw(t.Context(), c, d.tenant, j); err != nil || c.Empty() {
				return err
			}
			c.Record(audit.Event{Target: string(j)})
			return nil
		})
	}
	j := d.stage(d.now)
	w := d.worker(func(context.Context, *job.Run) error {
		if err := withdraw(j); !fault.Is(err, "job_running") {
			t.Errorf("while it runs: %v", err)
		}
		return fault.New(fault.Unavailable, "busy")
	})
	d.run(w)
	if err := withdraw(j); err != nil {
		t.Fatal(err)
	}
	d.pass(time.Hour)
	if d.run(w) != 0 {
		t.Fatal("a withdrawn job ran")
	}
	if err := withdraw(j); err != nil {
		t.Fatalf("a second time: %v", err)
	}
}

func TestList(t *testing.T) {
	d := open(t)
	var want []id.Job
	for range 5 {
		want = append(want, d.stage(d.now.Add(time.Hour)))
	}
	slices.Reverse(want)
	var got []id.Job
	for after := ""; ; {
		page, next, err := d.jobs.List(t.Context(), d.tenant, 2, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range page {
			got = append(got, j.ID)
		}
		if after = next; after == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	if page, _, _ := d.jobs.List(t.Context(), id.New[id.Tenant](d.ids), 10, ""); len(page) != 0 {
		t.Fatal("another tenant sees them")
	}
}

func TestPayloadIsStoredPlain(t *testing.T) {
	d := open(t)
	j := d.stage(d.now)
	items, err := d.table.Get(t.Context(), key.Job(d.tenant, j))
	if err != nil || !strings.Contains(string(items[0].Doc), `"payload":{"thing":"one"}`) || len(items[0].Sealed) != 0 {
		t.Fatal("the stored form changed: jobs of older processes could not be read")
	}
}

// TestRun holds the loop: work is found when it is due and when it is staged, a stop lets go of what runs, and nothing stays behind.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := localtest.Open(t, time.Now)
		ids := id.NewSource(time.Now, rand.Reader)
		jobs := job.New(m, ids, time.Now)
		tenant := id.New[id.Tenant](ids)
		stage := func(due time.Time) id.Job {
			c := change.New(principal.System(tenant, "things.ask", time.Now()), ids, time.Now())
			j, err := jobs.Stage(c, tenant, kind, struct{}{}, due)
			if err != nil {
				t.Fatal(err)
			}
			c.Record(audit.Event{})
			if err := c.Commit(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			return j
		}
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		var ran []time.Duration
		begun := time.Now()
		w := job.NewWorker(jobs, m, slog.New(slog.DiscardHandler))
		hang := false
		w.Handle(kind, func(ctx context.Context, r *job.Run) error {
			mu.Lock()
			ran = append(ran, time.Since(begun).Truncate(100*time.Millisecond))
			mu.Unlock()
			if hang {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		ended := make(chan struct{})
		go func() { defer close(ended); _ = w.Run(ctx) }()
		time.Sleep(time.Second)
		stage(time.Now())
		stage(time.Now().Add(7 * time.Second))
		time.Sleep(30 * time.Second)
		hang = true
		last := stage(time.Now())
		time.Sleep(time.Second)
		stop()
		<-ended
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(ran, []time.Duration{time.Second, 8 * time.Second, 31 * time.Second}) {
			t.Fatalf("ran at %v", ran)
		}
		got, err := jobs.Get(t.Context(), tenant, last)
		if err != nil || got.Status != job.Queued || got.Attempts != 0 || got.Due.After(time.Now()) {
			t.Fatalf("a stop must let go at once and cost no attempt: %+v, %v", got, err)
		}
	})
}
