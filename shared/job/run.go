package job

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Runner does the work of one kind. Nil means done; Later means not yet; a fault that may pass makes the worker try again, with growing
// pauses; any other, or too many tries, and the job has failed. It may run again from any point, so effects outside the table must be
// safe to repeat, and effects inside go through Run.Step.
type Runner func(ctx context.Context, r *Run) error

// Limits of trying again. Attempts count since the job last got further.
const (
	MaxAttempts  = 20              // for faults that may pass: more than an hour with the pauses
	MaxUnknown   = 5               // for faults of kind Internal, which are mistakes more often than not
	FirstPause   = time.Second     // doubles with each attempt
	LongestPause = 5 * time.Minute //
)

// errLost says that another run holds the job now: this one must have no more effects.
var errLost = fault.New(fault.Unavailable, "job_lost")

type later struct {
	at      time.Time
	because error
}

func (l later) Error() string {
	s := "job: not before " + l.at.UTC().Format(time.RFC3339)
	if l.because != nil {
		s += ": " + l.because.Error()
	}
	return s
}

// Later is a Runner's answer for work that has to wait for something else. It costs no attempt.
func Later(at time.Time) error { return later{at: at} }

// Postpone is a Runner's answer for work that must not be given up, whatever stands in its way: the job runs again at the time, and
// shows the fault meanwhile.
func Postpone(at time.Time, because error) error { return later{at, because} }

// Run is one run of a job by the worker that holds its lease. It belongs to one goroutine.
type Run struct {
	Job   Job // as the last step left it; read only
	store *Store
	lease time.Duration
}

// Payload decodes what the job is to do.
func (r *Run) Payload(v any) error { return decode(r.Job.Payload, v) }

// State decodes how far the job came; v stays as it is on the first run.
func (r *Run) State(v any) error {
	if len(r.Job.State) == 0 {
		return nil
	}
	return decode(r.Job.State, v)
}

// Read is Payload and State at once.
func (r *Run) Read(payload, state any) error {
	if err := r.Payload(payload); err != nil {
		return err
	}
	return r.State(state)
}

// Now is the clock that leases are measured by.
func (r *Run) Now() time.Time { return r.store.now() }

// GivesUp reports whether the worker would fail the job for this fault in this run: the runner's chance to undo what it did.
func (r *Run) GivesUp(err error) bool {
	if err == nil || errors.As(err, &later{}) || errors.Is(err, errLost) || errors.Is(err, context.Canceled) {
		return false
	}
	switch fault.Of(err).Kind {
	case fault.Unavailable, fault.Exhausted, fault.Locked:
		return r.Job.Attempts >= MaxAttempts
	case fault.Internal:
		return r.Job.Attempts >= MaxUnknown
	}
	return true
}

// Step commits one step: what stage puts into the set and, in the same commit, the new state and progress of the job, with the lease
// prolonged. So the step takes effect once, however often the job runs, and not at all once another run holds the job. stage may run
// several times, each with a fresh set, whose principal is the system in the job's tenant; state is encoded after it ran. A stage that
// stages nothing only saves the state.
func (r *Run) Step(ctx context.Context, state any, p Progress, stage func(*change.Set) error) error {
	for range 5 {
		now := r.store.now().UTC()
		c := change.New(principal.System(r.Job.Tenant, r.Job.Kind, now), r.store.ids, now)
		if err := stage(c); err != nil {
			return err
		}
		if c.Empty() {
			return r.Save(ctx, state, p)
		}
		next, it, err := r.further(state, p)
		if err != nil {
			return err
		}
		c.Put(it, table.VersionIs(r.Job.Version), errLost)
		err = c.Commit(ctx, r.store.table)
		if errors.Is(err, change.ErrMoved) {
			continue
		}
		if err != nil {
			return err
		}
		r.Job = next
		return c.Effects(ctx)
	}
	return fault.New(fault.Unavailable, "busy").After(time.Second)
}

// Save keeps state and progress and prolongs the lease: for work whose effects lie outside the table.
func (r *Run) Save(ctx context.Context, state any, p Progress) error { return r.save(ctx, state, p) }

func (r *Run) save(ctx context.Context, state any, p Progress, more ...table.Write) error {
	next, it, err := r.further(state, p)
	if err != nil {
		return err
	}
	if err := r.store.commit(ctx, append(more, table.Put(it, table.VersionIs(r.Job.Version)))...); err != nil {
		return err
	}
	r.Job = next
	return nil
}

// Follow saves the state and, in the same commit, puts a job that goes on from here, due at once: there is one, however often this job runs,
// and none once another run holds it. What becomes of it becomes of this one: see Outcome and Withdraw. Like Save it records no event, because
// nothing that a tenant keeps changes.
func (r *Run) Follow(ctx context.Context, state any, kind string, payload any) error {
	j, writes, err := r.store.alone(r.Job.Tenant, kind, payload)
	if err != nil {
		return err
	}
	was := r.Job.Follower
	r.Job.Follower = j
	if err := r.save(ctx, state, Progress{}, writes...); err != nil {
		r.Job.Follower = was
		return err
	}
	return nil
}

// further is the job after a step: whoever got further starts counting attempts anew.
func (r *Run) further(state any, p Progress) (Job, table.Item, error) {
	next := r.Job
	b, err := json.Marshal(state, json.Deterministic(true))
	if err != nil {
		return next, table.Item{}, fault.New(fault.Internal, "internal").Because(err)
	}
	next.State, next.Progress = b, p
	next.Attempts, next.Error = 1, ""
	next.Due = r.store.now().Add(r.lease).UTC()
	it, err := next.item()
	next.Version++
	return next, it, err
}

// commit writes what belongs to the job's own book-keeping: no event, because nothing that a tenant keeps changes. A reply that was
// lost is asked for again under the same token; a failed condition means that another run holds the job.
func (s *Store) commit(ctx context.Context, writes ...table.Write) error {
	token := s.ids.ULID()
	var err error
	for range 3 {
		err = s.table.Commit(ctx, token, writes...)
		if !fault.IsKind(err, fault.Unavailable) {
			break
		}
	}
	if _, ok := errors.AsType[*table.ConditionFailed](err); ok {
		return errLost
	}
	return err
}

// reread finds the job as the table has it, when this run still holds it: a step whose reply was lost may have raised its version.
func (s *Store) reread(ctx context.Context, t id.Tenant, j id.Job, lease string) (Job, error) {
	items, err := s.table.Get(ctx, key.Job(t, j))
	if err != nil {
		return Job{}, err
	}
	if len(items) == 0 {
		return Job{}, errLost
	}
	got, err := fromItem(items[0])
	if err != nil {
		return Job{}, err
	}
	if got.Status != Running || got.Lease != lease {
		return Job{}, errLost
	}
	return got, nil
}

func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v, json.RejectUnknownMembers(true)); err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	return nil
}
