// Package job keeps long or delayed work: one item a job, staged into the very commit of the change that asks for it, so no work is
// lost and none is done for a change that never happened. A worker claims a due job by a lease, runs it, and saves how far it came
// with each step's own commit; when the worker dies, the lease ends and another takes over where the last step stood. So a job runs
// at least once, and each of its steps takes effect once.
//
// The package knows nothing of what a job does: a kind is bound to its Runner in routes and mains. Payload and state hold ids and
// counters, never secrets or personal data: they are stored in plain.
package job

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Status is where a job is: queued → running → done or failed; back to queued when a run ends before the work does.
type Status string

// The statuses. Done and failed are final.
const (
	Queued  Status = "queued"
	Running Status = "running"
	Done    Status = "done"
	Failed  Status = "failed"
)

// Kept is how long a done job can be looked up. A failed one stays until someone has dealt with it.
const Kept = 30 * 24 * time.Hour

// Progress says how far a job came. Total is 0 while it is not known.
type Progress struct {
	Done  int    `json:"done"`
	Total int    `json:"total"`
	Step  string `json:"step,omitempty"` // name of the step that is next, for people
}

// Job is one piece of work.
type Job struct {
	ID        id.Job         `json:"id"`
	Tenant    id.Tenant      `json:"tenantId,omitempty"` // "" for work of the system
	Kind      string         `json:"kind"`               // the operation that runs it, such as users.invite
	Status    Status         `json:"status"`
	Creator   id.User        `json:"creatorId,omitempty"` // who asked for it; "" for the system
	Payload   jsontext.Value `json:"payload"`             // what to do: ids only
	State     jsontext.Value `json:"state,omitempty"`     // how far it came: ids and counters only
	Progress  Progress       `json:"progress"`
	Due       time.Time      `json:"due"`                // when it runs next; while it runs, when its lease ends
	Lease     string         `json:"lease,omitempty"`    // names the run that holds it
	Attempts  int            `json:"attempts"`           // runs since it last got further
	Error     string         `json:"error,omitempty"`    // code of the last fault
	Follower  id.Job         `json:"follower,omitempty"` // the job that goes on from it
	CreatedAt time.Time      `json:"createdAt"`          //
	EndedAt   time.Time      `json:"endedAt,omitzero"`   // when it was done or failed
	Version   int64          `json:"-"`                  // of its item
}

// Ended reports that nothing will happen to the job any more.
func (j *Job) Ended() bool { return j.Status == Done || j.Status == Failed }

// Store stages jobs and reads them.
type Store struct {
	table table.Table
	ids   *id.Source
	now   func() time.Time
}

// New returns a store over the table.
func New(t table.Table, ids *id.Source, now func() time.Time) *Store {
	return &Store{table: t, ids: ids, now: now}
}

// Stage adds a job to the change: it exists when the change does. The payload is stored in plain, so it holds ids only. A due time that
// is zero or past means at once; t is "" for work that no tenant has yet. The change's principal is the job's creator.
func (s *Store) Stage(c *change.Set, t id.Tenant, kind string, payload any, due time.Time) (id.Job, error) {
	b, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		return "", fault.New(fault.Internal, "internal").Because(err)
	}
	if due.Before(c.Now) {
		due = c.Now
	}
	j := Job{
		ID: id.New[id.Job](c.IDs()), Tenant: t, Kind: kind, Status: Queued, Creator: c.Who.User,
		Payload: b, Due: due.UTC(), CreatedAt: c.Now,
	}
	it, err := j.item()
	if err != nil {
		return "", err
	}
	c.Put(it, table.Absent, nil)
	return j.ID, nil
}

// Start puts a job of the system that no change asks for, due at once, in a commit of its own: for what walks over the rows and finds
// something missing. It records no event, because nothing that a tenant keeps changes.
func (s *Store) Start(ctx context.Context, t id.Tenant, kind string, payload any) error {
	_, writes, err := s.alone(t, kind, payload)
	if err != nil {
		return err
	}
	return s.commit(ctx, writes...)
}

// alone are the writes of a new job of the system.
func (s *Store) alone(t id.Tenant, kind string, payload any) (id.Job, []table.Write, error) {
	now := s.now()
	c := change.New(principal.System(t, kind, now), s.ids, now)
	j, err := s.Stage(c, t, kind, payload, now)
	if err != nil {
		return "", nil, err
	}
	writes, err := c.Writes()
	return j, writes, err
}

// Get reads a job now. A job that does not exist in the tenant is NotFound not_found.
func (s *Store) Get(ctx context.Context, t id.Tenant, j id.Job) (Job, error) {
	items, err := s.table.Get(ctx, key.Job(t, j))
	if err != nil {
		return Job{}, err
	}
	if len(items) == 0 {
		return Job{}, fault.New(fault.NotFound, "not_found")
	}
	return fromItem(items[0])
}

// List gives a tenant's jobs, newest first, and where the next page begins. It reads an index, so the newest may be missing for a
// moment; what it answers was read strongly.
func (s *Store) List(ctx context.Context, t id.Tenant, limit int, after string) ([]Job, string, error) {
	page, err := s.table.Query(ctx, table.Query{
		Index: table.G1, PK: key.JobsOf(t, "").PK, Reverse: true, Limit: limit, Cursor: after,
	})
	if err != nil || len(page.Items) == 0 {
		return nil, page.Cursor, err
	}
	keys := make([]table.Key, len(page.Items))
	for i, it := range page.Items {
		keys[i] = it.Key
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, "", err
	}
	jobs := make([]Job, 0, len(items))
	for _, it := range items {
		j, err := fromItem(it)
		if err != nil {
			return nil, "", err
		}
		jobs = append(jobs, j)
	}
	return jobs, page.Cursor, nil
}

// Outcome reports whether a job and those that follow it have ended, and the code of the fault that one of them failed with. One that is not
// there any more has ended.
func (s *Store) Outcome(ctx context.Context, t id.Tenant, j id.Job) (ended bool, code string, err error) {
	for j != "" {
		got, err := s.Get(ctx, t, j)
		if fault.IsKind(err, fault.NotFound) {
			return true, "", nil
		}
		switch {
		case err != nil || !got.Ended():
			return false, "", err
		case got.Status == Failed:
			return true, got.Error, nil
		}
		j = got.Follower
	}
	return true, "", nil
}

// Withdraw stages the removal of a job that no longer has a purpose, and of those that follow it, so that no run of them begins or takes effect
// after the change. One that is running right now is Unavailable job_running: ask again when its lease has ended. One that is gone is fine.
func (s *Store) Withdraw(ctx context.Context, c *change.Set, t id.Tenant, j id.Job) error {
	for j != "" {
		was, err := s.Get(ctx, t, j)
		if fault.IsKind(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if was.Status == Running && c.Now.Before(was.Due) {
			return fault.New(fault.Unavailable, "job_running").After(was.Due.Sub(c.Now))
		}
		c.Delete(key.Job(t, j), table.VersionIs(was.Version), nil)
		j = was.Follower
	}
	return nil
}

// item is what the table stores. Only a job that waits, or whose lease may end, stands in the index of due jobs.
func (j *Job) item() (table.Item, error) {
	doc, err := json.Marshal(j, json.Deterministic(true))
	if err != nil {
		return table.Item{}, fault.New(fault.Internal, "internal").Because(err)
	}
	it := table.Item{Key: key.Job(j.Tenant, j.ID), Doc: doc, Index: map[table.Index]table.IndexKey{}}
	if j.Tenant != "" {
		it.Index[table.G1] = key.JobsOf(j.Tenant, j.ID)
	}
	if !j.Ended() {
		it.Index[table.G4] = key.JobDue(j.Due, j.ID)
	}
	if j.Status == Done {
		it.Expires = j.EndedAt.Add(Kept)
	}
	return it, nil
}

// Waiting reads the job that the item is, if it is one that waits to be run. One that runs is not: its lease may end, which a look finds.
func Waiting(it *table.Item) (Job, bool, error) {
	if it == nil || it.Index[table.G4].PK != key.DueJobs {
		return Job{}, false, nil
	}
	j, err := fromItem(*it)
	return j, err == nil && j.Status == Queued, err
}

func fromItem(it table.Item) (Job, error) {
	var j Job
	if err := json.Unmarshal(it.Doc, &j); err != nil {
		return Job{}, fault.New(fault.Internal, "internal").Because(err)
	}
	j.Version = it.Version
	return j, nil
}
