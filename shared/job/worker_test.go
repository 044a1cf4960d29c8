package job_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// TestStepLosesToATakeover: a worker that slept through its lease must have no effect any more, not even a last one.
func TestStepLosesToATakeover(t *testing.T) {
	d := open(t)
	second := d.worker(func(context.Context, *job.Run) error { return nil })
	stolen := key.Setting(d.tenant, "stolen")
	var err error
	first := d.worker(func(ctx context.Context, r *job.Run) error {
		d.Add(job.LeaseFor + time.Second)
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
		if e := r.Follow(ctx, nil, "things.follow", nil); !fault.Is(e, "job_lost") {
			t.Errorf("follow: %v", e)
		}
		return err
	})
	j := d.stage(d.Now())
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
	if err := d.jobs.EachDue(t.Context(), func(j job.Job) error { return errors.New(j.Kind) }); err != nil {
		t.Fatalf("a worker without the lease was followed: %v", err)
	}
}

func TestALeaseKeepsOthersOut(t *testing.T) {
	d := open(t)
	other := d.worker(func(context.Context, *job.Run) error { t.Error("ran twice at once"); return nil })
	w := d.worker(func(context.Context, *job.Run) error {
		d.Add(job.LeaseFor - time.Second)
		if d.run(other) != 0 {
			t.Error("taken over before the lease ended")
		}
		return nil
	})
	d.stage(d.Now())
	d.run(w)
}

func TestManyWorkersRunEachJobOnce(t *testing.T) {
	d := open(t)
	var mu sync.Mutex
	runs := map[id.Job]int{}
	var jobs []id.Job
	for range 20 {
		jobs = append(jobs, d.stage(d.Now()))
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
		j := d.stage(d.Now())
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
			d.Add(job.LeaseFor + time.Minute)
		}
		d.faults.After = nil
		page, _, err := audit.Events(t.Context(), d.table, d.tenant, audit.Filter{Action: "things.do"}, d.Now().Add(-time.Hour), d.Now(), "", 10)
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
	j := d.stage(d.Now())
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
		d.Add(job.LeaseFor + time.Second)
	}
	if got := d.get(j); ran != job.MaxAttempts || got.Status != job.Failed || got.Error != "job_attempts_exhausted" {
		t.Fatalf("ran %d times: %+v", ran, got)
	}
}

// TestOtherKindsAreLeftToOthers: what a worker has no runner for stays due for the worker that has, however it is named to this one, and is never
// lost in silence.
func TestOtherKindsAreLeftToOthers(t *testing.T) {
	d := open(t)
	var said strings.Builder
	w := job.NewWorker(d.jobs, d.table, slog.New(slog.NewTextHandler(&said, nil)))
	j := d.stage(d.Now())
	if d.run(w) != 0 || d.get(j).Status != job.Queued || said.Len() > 0 {
		t.Fatal("a kind without a runner was touched")
	}
	if err := w.RunOne(t.Context(), d.tenant, j); err != nil || d.get(j).Status != job.Queued || !strings.Contains(said.String(), string(j)) {
		t.Fatalf("%v; the log says %q", err, said.String())
	}
	var due []id.Job
	if err := d.jobs.EachDue(t.Context(), func(j job.Job) error { due = append(due, j.ID); return nil }); err != nil || !slices.Equal(due, []id.Job{j}) {
		t.Fatalf("due are %v, %v", due, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("two runners of one kind")
		}
	}()
	w.Handle(kind, nil)
	w.Handle(kind, nil)
}

// TestFollow: a job hands over to another in the commit that says so. Wherever the process loses its store, before a commit or after it, one follows.
func TestFollow(t *testing.T) {
	type handed struct {
		Over bool `json:"over"`
	}
	for _, after := range []bool{false, true} {
		for n := range 6 {
			d := open(t)
			followed := map[id.Job]bool{}
			w := d.worker(func(ctx context.Context, r *job.Run) error {
				var s handed
				if err := r.State(&s); err != nil || s.Over {
					return err
				}
				return r.Follow(ctx, handed{true}, "things.follow", map[string]string{"thing": "two"})
			})
			w.Handle("things.follow", func(_ context.Context, r *job.Run) error {
				followed[r.Job.ID] = true
				var p map[string]string
				if err := r.Payload(&p); err != nil || p["thing"] != "two" || r.Job.Tenant != d.tenant {
					t.Errorf("%+v, %v", r.Job, err)
				}
				return nil
			})
			j := d.stage(d.Now())
			d.faults.DieAt(n+1, after)
			_, _ = w.RunDue(t.Context())
			d.faults.Before, d.faults.After = nil, nil
			for range 3 {
				d.Add(job.LeaseFor + time.Minute)
				d.run(w)
			}
			if got := d.get(j); got.Status != job.Done || len(followed) != 1 {
				t.Errorf("death %d, after %v: %s, followed by %d jobs", n+1, after, got.Status, len(followed))
			}
		}
	}
}

// TestFollowersCount: a job has ended when the one that it handed over to has, fails as that one does, and is withdrawn with it.
func TestFollowersCount(t *testing.T) {
	for name, row := range map[string]struct {
		answer error
		ended  bool
		code   string
	}{
		"it waits":   {fault.New(fault.Unavailable, "busy"), false, ""},
		"it failed":  {fault.New(fault.Invalid, "undeliverable"), true, "undeliverable"},
		"it is done": {nil, true, ""},
	} {
		d := open(t)
		var first id.Job
		outcome := func(when string, ended bool, code string) {
			t.Helper()
			if e, c, err := d.jobs.Outcome(t.Context(), d.tenant, first); err != nil || e != ended || c != code {
				t.Errorf("%s, %s: ended %v, code %q, %v", name, when, e, c, err)
			}
		}
		w := d.worker(func(ctx context.Context, r *job.Run) error { return r.Follow(ctx, nil, "things.follow", nil) })
		w.Handle("things.follow", func(context.Context, *job.Run) error {
			outcome("it runs", false, "")
			if err := d.withdraw(first); !fault.Is(err, "job_running") {
				t.Errorf("withdrawn while the follower runs: %v", err)
			}
			return row.answer
		})
		first = d.stage(d.Now())
		outcome("before", false, "")
		d.run(w)
		outcome("after", row.ended, row.code)
		if err := d.withdraw(first); err != nil {
			t.Error(err)
		}
		if page, _, err := d.jobs.List(t.Context(), d.tenant, 10, ""); err != nil || len(page) != 0 {
			t.Errorf("%s: %d jobs are left, %v", name, len(page), err)
		}
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
		var hang atomic.Bool
		w.Handle(kind, func(ctx context.Context, r *job.Run) error {
			mu.Lock()
			ran = append(ran, time.Since(begun).Truncate(100*time.Millisecond))
			mu.Unlock()
			if hang.Load() {
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
		hang.Store(true)
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
