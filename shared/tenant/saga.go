package tenant

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Run is a run of the onboarding's job. Package job's Run is one, but for the form of Step.
type Run interface {
	Payload(v any) error
	State(v any) error
	// Step commits what stage stages with the job's new state; see package job.
	Step(ctx context.Context, state any, done, total int, name string, stage func(*change.Set) error) error
	// Save keeps the state alone.
	Save(ctx context.Context, state any, done, total int, name string) error
	// GivesUp reports whether the job would fail for good with the error.
	GivesUp(err error) bool
	// Later makes the error that asks for another run, not before the time.
	Later(at time.Time) error
	// Postpone is Later for want of anything better: the error is kept and reported.
	Postpone(at time.Time, because error) error
	Now() time.Time
}

// The pauses of the saga.
const (
	lookAgain = 200 * time.Millisecond // at a job that it waits for
	tryLater  = 5 * time.Minute        // at what the job would give up on, and may not: undoing, and events that were held
)

// adminRole is the template of the first administrator's role.
const adminRole = "administrator"

// payload is what the job is told.
type payload struct {
	Onboarding id.Onboarding `json:"onboardingId"`
}

// state is how far a saga came. It holds ids and keys of items only.
type state struct {
	Done   int                `json:"done"`            // steps whose commit stands
	Made   [][]table.Key      `json:"made"`            // by step: the items that it made, for undoing it
	Jobs   []id.Job           `json:"jobs,omitempty"`  // that the administrator's step staged
	Roles  map[string]id.Role `json:"roles,omitempty"` // by template
	Admin  id.User            `json:"admin,omitempty"`
	Failed string             `json:"failed,omitempty"` // code of the fault: the saga is being undone
	Step   string             `json:"step,omitempty"`   // where it failed
	Ended  bool               `json:"ended,omitempty"`  // the onboarding's record has its end
}

// work is a saga in this run.
type work struct {
	onboarding Onboarding
	request    Created
	state      state
}

// step is one step of the saga. do stages it into a set whose actor is the system in the tenant; waits is asked before do and answers an
// error while something outside has to happen first.
type step struct {
	name  string
	do    func(s *Store, ctx context.Context, w *work, next *state, c *change.Set) error
	waits func(s *Store, ctx context.Context, r Run, w *work) error
}

// steps is the saga, in order. Undoing a step removes the items that it made; see undo.go for what goes beyond.
var steps = []step{
	{name: "tenant", do: (*Store).makeRow},
	{name: "key", do: (*Store).makeKey},
	{name: "roles", do: (*Store).makeRoles},
	{name: "company", do: (*Store).makeCompany},
	{name: "administrator", do: (*Store).makeAdmin},
	{name: "invitation", waits: (*Store).waitForInvitation},
	{name: "active", do: (*Store).activate},
}

// Onboard runs the onboarding that the job was staged for, from where the last run left it. A step is committed together with the job's
// state, so it takes effect once however often the job runs. When a step cannot be done for good, the steps before it are undone. The
// job itself is never given up: it ends when the tenant is active, or everything undone.
func (s *Store) Onboard(ctx context.Context, r Run) error {
	err := s.onboard(ctx, r)
	if r.GivesUp(err) {
		return r.Postpone(r.Now().Add(tryLater), err)
	}
	return err
}

func (s *Store) onboard(ctx context.Context, r Run) error {
	w := &work{}
	var p payload
	if err := r.Payload(&p); err != nil {
		return err
	}
	if err := r.State(&w.state); err != nil {
		return err
	}
	var err error
	if w.onboarding, err = s.Onboarding(ctx, p.Onboarding); err != nil {
		return err
	}
	if w.state.Failed == "" {
		if err = s.forward(ctx, r, w); r.GivesUp(err) {
			w.state.Failed, w.state.Step = fault.Of(err).Code, steps[w.state.Done].name
			err = r.Save(ctx, &w.state, w.state.Done, len(steps), "undo")
		}
		if err != nil {
			return err
		}
	}
	if w.state.Failed != "" {
		return s.undo(ctx, r, w)
	}
	return s.replay(ctx, r, w)
}

// forward takes the steps that are left.
func (s *Store) forward(ctx context.Context, r Run, w *work) error {
	if w.state.Done == len(steps) {
		return nil
	}
	if err := s.openRequest(ctx, w); err != nil {
		return err
	}
	for w.state.Done < len(steps) {
		st := steps[w.state.Done]
		if st.waits != nil {
			if err := st.waits(s, ctx, r, w); err != nil {
				return err
			}
		}
		if err := s.take(ctx, r, w, st); err != nil {
			return err
		}
	}
	return nil
}

// take commits one step: its own items, the record's next step, the event and the job's state.
func (s *Store) take(ctx context.Context, r Run, w *work, st step) error {
	var next state
	var on Onboarding
	err := r.Step(ctx, &next, w.state.Done+1, len(steps), after(w.state.Done), func(c *change.Set) error {
		as(c, w.onboarding.Tenant)
		next = w.state
		next.Made = append(next.Made[:len(next.Made):len(next.Made)], nil)
		var err error
		if on, err = s.Onboarding(ctx, w.onboarding.ID); err != nil {
			return err
		}
		if st.do != nil {
			if err := st.do(s, ctx, w, &next, c); err != nil {
				return err
			}
		}
		if next.Made[w.state.Done], err = made(c); err != nil {
			return err
		}
		next.Done++
		on.Step = after(w.state.Done)
		if next.Done == len(steps) {
			on.Status, on.EndedAt, on.sealed = principal.TenantActive, c.Now, nil
		}
		if err := on.put(c); err != nil {
			return err
		}
		c.Record(audit.Event{Action: JobOnboard, Target: string(on.Tenant), Note: st.name})
		return nil
	})
	if err != nil {
		return err
	}
	w.state, w.onboarding = next, on
	return nil
}

// after names the step that follows the n-th; the last one is followed by being active.
func after(n int) string { return steps[min(n+1, len(steps)-1)].name }

// made gives the keys of the items that the set creates. What it changes on a version it has read was there before.
func made(c *change.Set) ([]table.Key, error) {
	writes, err := c.Writes()
	if err != nil {
		return nil, err
	}
	var keys []table.Key
	for _, w := range writes {
		if w.Op == table.OpPut && w.If.Kind != table.CondVersion && !key.IsAuditEvent(w.Item.Key) {
			keys = append(keys, w.Item.Key)
		}
	}
	return keys, nil
}

func (s *Store) openRequest(ctx context.Context, w *work) error {
	if len(w.onboarding.sealed) == 0 {
		return fault.New(fault.Internal, "internal")
	}
	k, err := s.vault(ctx)
	if err != nil {
		return err
	}
	b, err := k.Open(requestPlace(w.onboarding.ID), w.onboarding.sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &w.request); err != nil {
		return internal(err)
	}
	return nil
}

func (s *Store) makeRow(_ context.Context, w *work, _ *state, c *change.Set) error {
	d := &w.request
	limit, _ := UserLimit(d.Plan)
	row := principal.Tenant{
		ID: w.onboarding.Tenant, Slug: d.Slug, ExternalID: d.ExternalID, Status: principal.TenantProvisioning, Plan: d.Plan,
		AuthzVer: 1, OrgVer: 1, CfgVer: 1, Shards: 1, Strays: true, UserLimit: limit, CreatedAt: c.Now,
		Settings: principal.Settings{
			Locale: d.Locale, Region: region(d.Locale), PasswordMinLength: 12, RequiredAccountFields: []string{"name", "email", "phone"},
		},
	}
	it := table.Item{Key: key.Tenant(row.ID), Index: map[table.Index]table.IndexKey{table.G1: key.Tenants(row.ID)}}
	return put(c, it, row, table.Absent)
}

func (s *Store) makeKey(ctx context.Context, w *work, _ *state, c *change.Set) error {
	items, err := s.crypt.NewTenant(ctx, w.onboarding.Tenant)
	if err != nil {
		return err
	}
	for _, it := range items {
		c.Put(it, table.Absent, nil)
	}
	return nil
}

func (s *Store) makeRoles(ctx context.Context, w *work, next *state, c *change.Set) (err error) {
	next.Roles, err = s.roles.StagePredefined(ctx, c, w.onboarding.Tenant)
	return err
}

func (s *Store) makeCompany(ctx context.Context, w *work, _ *state, c *change.Set) error {
	return s.companies.PutCompany(ctx, c, w.onboarding.Tenant, w.request.Company)
}

func (s *Store) makeAdmin(ctx context.Context, w *work, next *state, c *change.Set) error {
	row, version, err := s.row(ctx, w.onboarding.Tenant)
	if err != nil {
		return err
	}
	role, ok := w.state.Roles[adminRole]
	if !ok {
		return fault.New(fault.Internal, "internal")
	}
	if next.Admin, err = s.admins.Invite(ctx, c, row, version, w.request.Admin, role, w.request.Locale); err != nil {
		return err
	}
	writes, err := c.Writes()
	if err != nil {
		return err
	}
	next.Jobs = nil
	for _, x := range writes {
		if x.Item.Index[table.G4].PK == key.DueJobs {
			next.Jobs = append(next.Jobs, id.Job(x.Item.Index[table.G1].SK))
		}
	}
	return nil
}

// waitForInvitation ends when the administrator has an identity and the mail is on its way, or never can be.
func (s *Store) waitForInvitation(ctx context.Context, r Run, w *work) error {
	for _, j := range w.state.Jobs {
		ended, code, err := s.jobs.Outcome(ctx, w.onboarding.Tenant, j)
		switch {
		case err != nil:
			return err
		case !ended:
			return r.Later(r.Now().Add(lookAgain))
		case code != "":
			return fault.New(fault.Conflict, code)
		}
	}
	return nil
}

func (s *Store) activate(ctx context.Context, w *work, _ *state, c *change.Set) error {
	row, version, err := s.row(ctx, w.onboarding.Tenant)
	if err != nil {
		return err
	}
	return access.Raise(c, row, version, func(t *principal.Tenant) { t.Status = principal.TenantActive })
}
