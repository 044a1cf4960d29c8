package local

import (
	"errors"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// Call is one call of the store, as a fault sees it.
type Call struct {
	Op     string // get, query, commit, scan or changes
	Token  string // of a commit
	Writes []table.Write
	Keys   []table.Key
	Query  *table.Query
}

// Faults makes the store misbehave in the ways DynamoDB may, call by call. The functions are called from many goroutines at once; a nil
// one does nothing. They are asked after the limits were checked.
type Faults struct {
	// Before is asked before each call. An error ends the call with nothing done: Throttled, Conflict, or any other.
	Before func(Call) error
	// After is asked when a commit has been applied and is durable. An error is answered in place of nil: Lost, the lost reply.
	After func(Call) error
	// Stale says whether an index query sees the state at FreezeIndexes instead of the current one. nil: while frozen, all do.
	Stale func(table.Query) bool
}

var (
	errThrottled = errors.New("local: throttled (injected)")
	errConflict  = errors.New("local: conflict with another transaction (injected)")
	errLost      = errors.New("local: reply lost (injected)")
)

// Throttled is what a call answers that the store has no capacity for.
func Throttled() error { return unavailable(errThrottled) }

// Conflict is what a commit answers that met another one on the same items too often.
func Conflict() error { return unavailable(errConflict) }

// Lost is what a call answers whose reply did not arrive.
func Lost() error { return unavailable(errLost) }

// DieAt makes the store go silent at the n-th commit from now, before it or after it, as it does for a process that dies there: it answers nothing
// from then on. The answer tells whether it came to that. Before and After set to nil are another process.
func (f *Faults) DieAt(n int, after bool) (died func() bool) {
	var mu sync.Mutex
	commits, dead := 0, false
	f.Before = func(c Call) error {
		mu.Lock()
		defer mu.Unlock()
		if c.Op == "commit" && !dead {
			commits++
			dead = commits == n && !after
		}
		if dead {
			return Throttled()
		}
		return nil
	}
	f.After = func(Call) error {
		mu.Lock()
		defer mu.Unlock()
		if commits == n && after {
			dead = true
			return Lost()
		}
		return nil
	}
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return dead
	}
}

func (f *Faults) before(c Call) error {
	if f == nil || f.Before == nil {
		return nil
	}
	return f.Before(c)
}

func (f *Faults) after(c Call) error {
	if f == nil || f.After == nil {
		return nil
	}
	return f.After(c)
}

// frozen is the state that stale index queries see.
type frozen struct {
	mu sync.Mutex // a bbolt transaction serves one goroutine at a time
	tx *bolt.Tx
}

// FreezeIndexes makes index queries answer from the state of now until ThawIndexes, as if the indexes lagged behind. Only a store with
// Options.Faults can be frozen.
func (s *Store) FreezeIndexes() {
	if s.faults == nil {
		panic("local: FreezeIndexes without Options.Faults")
	}
	s.ThawIndexes()
	tx, err := s.db.Load().Begin(false)
	if err != nil {
		panic("local: " + err.Error())
	}
	s.frozen.mu.Lock()
	defer s.frozen.mu.Unlock()
	s.frozen.tx = tx
}

// ThawIndexes lets index queries see the current state again.
func (s *Store) ThawIndexes() {
	s.frozen.mu.Lock()
	defer s.frozen.mu.Unlock()
	if s.frozen.tx != nil {
		_ = s.frozen.tx.Rollback()
		s.frozen.tx = nil
	}
}

func (s *Store) stale(q table.Query) bool {
	if s.faults == nil {
		return false
	}
	s.frozen.mu.Lock()
	defer s.frozen.mu.Unlock()
	return s.frozen.tx != nil && (s.faults.Stale == nil || s.faults.Stale(q))
}

func (f *frozen) view(read func(*bolt.Tx) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tx == nil {
		return Throttled() // thawed between the question and the read
	}
	return read(f.tx)
}
