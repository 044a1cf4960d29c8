// Package change is one user-visible change on its way to the table: the writes, the audit event and whatever else must stand or fall
// together. A noun reads, decides and stages into a Set; it does not commit. Whoever runs the operation (edge for a request, job for a
// step) commits the Set once. So the same code gives three things: the real call, the dry run (every condition checked, nothing
// written), and the run-again when a premise moved in between.
package change

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// ErrMoved says that a premise of the change no longer holds: read again, decide again, stage again.
var ErrMoved = errors.New("change: a premise moved")

// Set collects one change. It belongs to one goroutine.
type Set struct {
	Who    principal.Principal
	Now    time.Time
	ids    *id.Source
	writes []table.Write
	other  []error // what to answer when the write's condition fails; nil: ErrMoved
	events []audit.Event
	last   []func([]table.Write) ([]table.Write, error)
	after  []func(context.Context) error
}

// New returns an empty set for who acts.
func New(who principal.Principal, ids *id.Source, now time.Time) *Set {
	return &Set{Who: who, Now: now.UTC().Truncate(time.Millisecond), ids: ids}
}

// IDs makes the ids of what the change creates.
func (s *Set) IDs() *id.Source { return s.ids }

// Put stages an item. If the condition fails, Commit answers otherwise; nil means that the premise moved and the operation runs again.
func (s *Set) Put(it table.Item, c table.Cond, otherwise error) { s.stage(table.Put(it, c), otherwise) }

// Delete stages a removal.
func (s *Set) Delete(k table.Key, c table.Cond, otherwise error) {
	s.stage(table.Delete(k, c), otherwise)
}

// Check stages a condition on an item that is not written.
func (s *Set) Check(k table.Key, c table.Cond, otherwise error) {
	s.stage(table.Check(k, c), otherwise)
}

func (s *Set) stage(w table.Write, otherwise error) {
	s.writes, s.other = append(s.writes, w), append(s.other, otherwise)
}

// Record stages the audit event of the change. A change that writes anything records at least one.
func (s *Set) Record(e audit.Event) {
	e.Fill(s.Who, id.New[id.Event](s.ids), s.Now)
	s.events = append(s.events, e)
}

// Last stages writes that tell of all others: f is given what was staged by Put, Delete and Check, when the set is complete. If a condition of
// theirs fails, a premise moved.
func (s *Set) Last(f func(staged []table.Write) ([]table.Write, error)) { s.last = append(s.last, f) }

// After stages an effect outside the table: it runs once, right after the commit, in this process. It is a short cut and no more: an
// effect that must happen has a job in the same Set, which finds it done or does it.
func (s *Set) After(effect func(context.Context) error) { s.after = append(s.after, effect) }

// Empty reports that nothing is staged: an edit that changes nothing.
func (s *Set) Empty() bool { return len(s.writes) == 0 && len(s.events) == 0 }

// Writes are the staged writes with the events, in order, and with what tells of them.
func (s *Set) Writes() ([]table.Write, error) {
	out := slices.Clone(s.writes)
	for i := range s.events {
		w, err := s.events[i].Write()
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	for _, f := range s.last {
		more, err := f(s.writes)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// Commit writes the set under a token of its own making. A failed condition answers what the write was staged with, or ErrMoved.
func (s *Set) Commit(ctx context.Context, t table.Table) error {
	if s.Empty() {
		return nil
	}
	if len(s.events) == 0 {
		return fault.New(fault.Internal, "change_without_event")
	}
	writes, err := s.Writes()
	if err != nil {
		return err
	}
	return s.verdict(t.Commit(ctx, s.token(), writes...))
}

// Verify judges every condition of the set and writes nothing: the dry run.
func (s *Set) Verify(ctx context.Context, t table.Table) error {
	checks := make([]table.Write, 0, len(s.writes))
	for _, w := range s.writes {
		checks = append(checks, table.Check(w.Item.Key, w.If))
	}
	if len(checks) == 0 {
		return nil
	}
	return s.verdict(t.Commit(ctx, s.token(), checks...))
}

// Effects runs what was staged by After. The first error ends it; the jobs in the set will see to the rest.
func (s *Set) Effects(ctx context.Context) error {
	for _, f := range s.after {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) verdict(err error) error {
	failed, ok := errors.AsType[*table.ConditionFailed](err)
	if !ok {
		return err
	}
	for _, f := range failed.Failed {
		if f.Write >= len(s.other) || s.other[f.Write] == nil {
			return ErrMoved
		}
	}
	return s.other[failed.Failed[0].Write]
}

// token names this commit and no other: ids of one source never repeat, and a second attempt of an operation is a new Set.
func (s *Set) token() string {
	h := sha256.Sum256([]byte(s.ids.ULID()))
	return hex.EncodeToString(h[:16])
}

// Run stages and commits until the premises hold still, at most five times: for work that no request carries. stage gets a fresh Set
// each time. Effects run after the commit.
func Run(ctx context.Context, t table.Table, who principal.Principal, ids *id.Source, now func() time.Time, stage func(*Set) error) error {
	for range 5 {
		s := New(who, ids, now())
		if err := stage(s); err != nil {
			return err
		}
		err := s.Commit(ctx, t)
		if errors.Is(err, ErrMoved) {
			continue
		}
		if err != nil {
			return err
		}
		return s.Effects(ctx)
	}
	return fault.New(fault.Unavailable, "busy").After(time.Second)
}
