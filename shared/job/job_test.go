package job_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/clocktest"
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
	t *testing.T
	*clocktest.Clock
	faults local.Faults
	table  *local.Store
	ids    *id.Source
	jobs   *job.Store
	tenant id.Tenant
}

func open(t *testing.T) *desk {
	d := &desk{t: t, Clock: clocktest.At(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))}
	d.table = localtest.OpenFaulty(t, d.Now, &d.faults)
	d.ids = id.NewSource(d.Now, rand.Reader)
	d.jobs = job.New(d.table, d.ids, d.Now)
	d.tenant = id.New[id.Tenant](d.ids)
	return d
}

func (d *desk) worker(r job.Runner) *job.Worker {
	w := job.NewWorker(d.jobs, d.table, slog.New(slog.DiscardHandler))
	w.Handle(kind, r)
	return w
}

func (d *desk) stage(due time.Time) id.Job {
	d.t.Helper()
	c := change.New(principal.System(d.tenant, "things.ask", d.Now()), d.ids, d.Now())
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
	j := d.stage(d.Now().Add(time.Minute))
	if d.run(w) != 0 || ran != 0 {
		t.Fatal("ran before it was due")
	}
	d.Add(time.Minute)
	if d.run(w) != 1 || ran != 1 || d.run(w) != 0 {
		t.Fatalf("ran %d times", ran)
	}
	got := d.get(j)
	if got.Status != job.Done || got.Error != "" || !got.EndedAt.Equal(d.Now()) {
		t.Fatalf("%+v", got)
	}
	d.Add(job.Kept + time.Second)
	if _, err := d.jobs.Get(t.Context(), d.tenant, j); !fault.Is(err, "not_found") {
		t.Fatalf("a done job after 30 days: %v", err)
	}
}

func TestJobOfAnotherTenantIsNotFound(t *testing.T) {
	d := open(t)
	j := d.stage(d.Now())
	if _, err := d.jobs.Get(t.Context(), id.New[id.Tenant](d.ids), j); !fault.Is(err, "not_found") {
		t.Fatal(err)
	}
}

func TestJobThatTheChangeDoesNotCommitDoesNotExist(t *testing.T) {
	d := open(t)
	c := change.New(principal.System(d.tenant, "things.ask", d.Now()), d.ids, d.Now())
	if _, err := d.jobs.Stage(c, d.tenant, kind, struct{}{}, d.Now()); err != nil {
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
			j := d.stage(d.Now())
			begun := d.Now()
			for range 40 {
				d.run(w)
				if got := d.get(j); got.Ended() {
					break
				}
				d.Add(max(d.get(j).Due.Sub(d.Now()), 0))
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
			if row.attempts == job.MaxAttempts && d.Now().Sub(begun) < 45*time.Minute {
				t.Fatalf("gave up after %s", d.Now().Sub(begun))
			}
			d.Add(10 * job.Kept)
			if got := d.get(j); got.Status != job.Failed {
				t.Fatal("a failed job must stay visible")
			}
			page, _, err := audit.Events(t.Context(), d.table, d.tenant, audit.Filter{Action: "jobs.fail"}, begun, d.Now(), "", 10)
			if err != nil || len(page) != 1 || page[0].Target != string(j) {
				t.Fatalf("audit: %+v, %v", page, err)
			}
		})
	}
}

func TestPanicIsAFaultOfTheJobAlone(t *testing.T) {
	d := open(t)
	w := d.worker(func(context.Context, *job.Run) error { panic("oh") })
	j := d.stage(d.Now())
	d.run(w)
	if got := d.get(j); got.Status != job.Queued || got.Error != "internal" || got.Attempts != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestPausesGrowAndDiffer(t *testing.T) {
	d := open(t)
	w := d.worker(func(context.Context, *job.Run) error { return fault.New(fault.Unavailable, "busy") })
	a, b := d.stage(d.Now()), d.stage(d.Now())
	same := true
	last := time.Duration(0)
	for n := range 8 {
		d.run(w)
		pause := d.get(a).Due.Sub(d.Now())
		same = same && d.get(a).Due.Equal(d.get(b).Due)
		full := job.FirstPause << n
		if pause < full*3/4 || pause > full*5/4 || pause <= last {
			t.Fatalf("pause %d is %s", n, pause)
		}
		last = pause
		d.Add(2 * pause)
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
	j := d.stage(d.Now())
	d.run(w)
	if got := d.get(j); got.Status != job.Queued || got.Progress.Done != 2 || got.Progress.Total != 3 || got.Attempts != 1 {
		t.Fatalf("%+v", got)
	}
	d.Add(time.Minute)
	d.run(w)
	if got := d.get(j); got.Status != job.Done || got.Progress.Done != 3 {
		t.Fatalf("%+v", got)
	}
}

func (d *desk) withdraw(j id.Job) error {
	ctx := d.t.Context()
	return change.Run(ctx, d.table, principal.System(d.tenant, "things.stop", d.Now()), d.ids, d.Now, func(c *change.Set) error {
		if err := d.jobs.Withdraw(ctx, c, d.tenant, j); err != nil || c.Empty() {
			return err
		}
		c.Record(audit.Event{Target: string(j)})
		return nil
	})
}

func TestWithdraw(t *testing.T) {
	d := open(t)
	withdraw := d.withdraw
	j := d.stage(d.Now())
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
	d.Add(time.Hour)
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
		want = append(want, d.stage(d.Now().Add(time.Hour)))
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
	j := d.stage(d.Now())
	items, err := d.table.Get(t.Context(), key.Job(d.tenant, j))
	if err != nil || !strings.Contains(string(items[0].Doc), `"payload":{"thing":"one"}`) || len(items[0].Sealed) != 0 {
		t.Fatal("the stored form changed: jobs of older processes could not be read")
	}
}
