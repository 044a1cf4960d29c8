package job

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// How a worker runs.
const (
	LeaseFor = 30 * time.Second      // how long a run holds its job without a step; a dead worker's job is taken over after it
	Parallel = 4                     // jobs that Run runs at once
	Settle   = 20 * time.Millisecond // the shortest time between two looks: a busy table wakes the worker with every commit
	LookAt   = 15 * time.Second      // the longest: the index of due jobs may lag behind the feed
)

// Worker runs due jobs. Any number of workers may share a table. Handle everything before Run or RunDue.
type Worker struct {
	store   *Store
	feed    table.Feed
	log     *slog.Logger
	runners map[string]Runner
}

// NewWorker returns a worker over the store. The feed wakes Run early; nil means that Run only looks from time to time.
func NewWorker(s *Store, feed table.Feed, log *slog.Logger) *Worker {
	return &Worker{store: s, feed: feed, log: log, runners: map[string]Runner{}}
}

// Handle binds a kind to its runner. Jobs of other kinds are left to other workers. A kind that is bound twice is a mistake: it panics.
func (w *Worker) Handle(kind string, r Runner) {
	if _, twice := w.runners[kind]; twice {
		panic("job: " + kind + " has two runners")
	}
	w.runners[kind] = r
}

// HandleAll binds each kind to its runner.
func (w *Worker) HandleAll(all ...map[string]Runner) {
	for _, runners := range all {
		for kind, r := range runners {
			w.Handle(kind, r)
		}
	}
}

// RunDue runs every job that is due, one after the other, each once, those included that the runs themselves stage; it answers how many
// it ran. Jobs that another worker holds are left out. A job that fails is no error of RunDue.
func (w *Worker) RunDue(ctx context.Context) (ran int, err error) {
	err = w.store.each(ctx, w.runs, func(j Job) error {
		ok, err := w.runOne(ctx, j)
		if ok {
			ran++
		}
		return err
	})
	return ran, err
}

// runs reports whether the worker has a runner of the kind.
func (w *Worker) runs(kind string) bool { return w.runners[kind] != nil }

// EachDue hands over every job that is due, of whatever kind, each once, those included that fall due meanwhile. The first error ends it.
func (s *Store) EachDue(ctx context.Context, do func(Job) error) error {
	return s.each(ctx, func(string) bool { return true }, do)
}

func (s *Store) each(ctx context.Context, wanted func(kind string) bool, do func(Job) error) error {
	seen := map[id.Job]bool{}
	for {
		due, _, err := s.look(ctx, s.now(), wanted, seen)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, j := range due {
			seen[j.ID] = true
			if err := do(j); err != nil {
				return err
			}
		}
	}
}

// RunOne runs the job if it is due and nobody holds it. Otherwise there is nothing to do, which is no error: whoever names a job may be late,
// or early, or name it twice. A job that fails is no error either, nor is one of a kind that this worker has no runner for: it stays due for the
// worker that has, and the log says so.
func (w *Worker) RunOne(ctx context.Context, t id.Tenant, j id.Job) error {
	got, err := w.store.Get(ctx, t, j)
	if fault.IsKind(err, fault.NotFound) {
		return nil
	}
	if err != nil || got.Ended() || got.Due.After(w.store.now()) {
		return err
	}
	if !w.runs(got.Kind) {
		w.log.Warn("job of another worker", "job", got.ID, "tenant", got.Tenant, "kind", got.Kind)
		return nil
	}
	_, err = w.runOne(ctx, got)
	return err
}

// Run runs due jobs until the context ends, then lets go of those that run: they stay due. It looks when the table changes, when the
// next job falls due, and every LookAt. A table that is out of order for now is looked at again, so the answer is always nil.
func (w *Worker) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, Parallel)
	freed := make(chan struct{}, 1)
	for ctx.Err() == nil {
		var changed <-chan struct{}
		if w.feed != nil {
			changed = w.feed.Changed() // before looking, so that no commit slips in between
		}
		due, next, err := w.store.look(ctx, w.store.now(), w.runs, nil)
		if err != nil && ctx.Err() == nil {
			w.log.Error("jobs cannot be read", "error", err.Error())
		}
		for _, j := range due {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			claimed, err := w.claim(ctx, j)
			if err != nil {
				<-slots
				continue
			}
			running.Go(func() {
				w.execute(ctx, claimed)
				<-slots
				select {
				case freed <- struct{}{}:
				default:
				}
			})
		}
		wait := LookAt
		if !next.IsZero() {
			wait = min(wait, max(next.Sub(w.store.now()), Settle))
		}
		pause(ctx, Settle)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-freed:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// look finds the jobs of the wanted kinds that are due and not in seen, and when the next one will be. The index nominates, the strong read
// decides.
func (s *Store) look(
	ctx context.Context, now time.Time, wanted func(kind string) bool, seen map[id.Job]bool,
) (due []Job, next time.Time, err error) {
	q := table.Query{Index: table.G4, PK: key.DueJobs, Limit: table.MaxGet}
	for {
		page, err := s.table.Query(ctx, q)
		if err != nil {
			return nil, next, err
		}
		var keys []table.Key
		for _, it := range page.Items {
			keys = append(keys, it.Key)
		}
		if len(keys) == 0 {
			return due, next, nil
		}
		items, err := s.table.Get(ctx, keys...)
		if err != nil {
			return nil, next, err
		}
		future := false
		for _, it := range items {
			j, err := fromItem(it)
			if err != nil {
				return nil, next, err
			}
			switch {
			case !wanted(j.Kind) || j.Ended() || seen[j.ID]:
			case j.Due.After(now):
				future = true
				if next.IsZero() || j.Due.Before(next) {
					next = j.Due
				}
			default:
				due = append(due, j)
			}
		}
		// The index is in order of time: behind a job of the future there are only others.
		if q.Cursor = page.Cursor; future || q.Cursor == "" || len(due) >= table.MaxGet {
			return due, next, nil
		}
	}
}

// runOne claims and runs a job; false when another worker was quicker.
func (w *Worker) runOne(ctx context.Context, j Job) (bool, error) {
	claimed, err := w.claim(ctx, j)
	if errors.Is(err, errLost) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	w.execute(ctx, claimed)
	return true, ctx.Err()
}

// claim takes the lease, on the version that was read.
func (w *Worker) claim(ctx context.Context, j Job) (*Run, error) {
	j.Status, j.Lease = Running, w.store.ids.ULID()
	j.Attempts++
	j.Due = w.store.now().Add(LeaseFor).UTC()
	it, err := j.item()
	if err != nil {
		return nil, err
	}
	if err := w.store.commit(ctx, table.Put(it, table.VersionIs(j.Version))); err != nil {
		return nil, err
	}
	j.Version++
	return &Run{Job: j, store: w.store, lease: LeaseFor}, nil
}

// execute runs a claimed job and writes down how it ended. If that cannot be written the lease ends by itself.
func (w *Worker) execute(ctx context.Context, r *Run) {
	lease := r.Job.Lease
	var err error
	if r.Job.Attempts > MaxAttempts {
		err = fault.New(fault.Conflict, "job_attempts_exhausted") // its last run neither got further nor came back
	} else {
		err = w.call(ctx, r)
	}
	stopping := ctx.Err() != nil
	end := context.WithoutCancel(ctx)
	j, again := w.store.reread(end, r.Job.Tenant, r.Job.ID, lease)
	if again != nil {
		w.report(r.Job, again)
		return
	}
	r.Job = j
	if err := w.store.finish(end, r, err, stopping); err != nil {
		w.report(r.Job, err)
		return
	}
	if err != nil {
		w.report(r.Job, err)
	}
}

func (w *Worker) call(ctx context.Context, r *Run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "internal").Because(fmt.Errorf("job panicked: %v", p))
		}
	}()
	return w.runners[r.Job.Kind](ctx, r)
}

func (w *Worker) report(j Job, err error) {
	var wait later
	if errors.As(err, &wait) {
		if err = wait.because; err == nil {
			return
		}
	}
	w.log.Warn("job did not finish", "job", j.ID, "tenant", j.Tenant, "kind", j.Kind, "attempts", j.Attempts,
		"code", fault.Of(err).Code, "error", err.Error())
}

// finish writes the end of a run: done, failed with an audit event, or queued again.
func (s *Store) finish(ctx context.Context, r *Run, err error, stopping bool) error {
	now := s.now().UTC()
	j := r.Job
	j.Lease = ""
	var wait later
	switch {
	case err == nil:
		j.Status, j.EndedAt, j.Error = Done, now, ""
	case stopping:
		j.Status, j.Due = Queued, now
		j.Attempts--
	case errors.As(err, &wait):
		j.Status, j.Due = Queued, wait.at.UTC()
		j.Attempts--
		if wait.because != nil {
			j.Error = fault.Of(wait.because).Code
		}
	case r.GivesUp(err):
		j.Status, j.EndedAt, j.Error = Failed, now, fault.Of(err).Code
	default:
		j.Status, j.Error = Queued, fault.Of(err).Code
		j.Due = now.Add(max(pauseFor(j), fault.Of(err).RetryAfter)).UTC()
	}
	it, err := j.item()
	if err != nil {
		return err
	}
	if j.Status != Failed || j.Tenant == "" {
		return s.commit(ctx, table.Put(it, table.VersionIs(j.Version)))
	}
	c := change.New(principal.System(j.Tenant, "jobs.fail", now), s.ids, now)
	c.Put(it, table.VersionIs(j.Version), errLost)
	c.Record(audit.Event{Target: string(j.ID), Note: j.Kind + " " + j.Error})
	return c.Commit(ctx, s.table)
}

// pauseFor grows with the attempts and differs from job to job, so that what failed together does not come back together. The spread is
// taken from the job's id: it needs no randomness and a test can foretell it.
func pauseFor(j Job) time.Duration {
	d := LongestPause
	if n := j.Attempts - 1; n < 9 {
		d = min(d, FirstPause<<max(n, 0))
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", j.ID, j.Attempts)
	return d*3/4 + d*time.Duration(h.Sum32()%1000)/2000
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
