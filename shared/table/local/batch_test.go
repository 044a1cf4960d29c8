package local_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

// gate is a clock that can stop the writer, which looks at it once a batch, before it judges anything.
type gate struct {
	*clocktest.Clock
	shut    atomic.Bool
	reached chan struct{}
	open    chan struct{}
}

func (g *gate) Now() time.Time {
	if g.shut.CompareAndSwap(true, false) {
		close(g.reached)
		<-g.open
	}
	return g.Clock.Now()
}

// TestBatch stops the writer at one commit, queues others behind it, and lets it go: they are one bbolt transaction, and still each is
// judged against what the ones before it left.
func TestBatch(t *testing.T) {
	g := &gate{Clock: newClock(), reached: make(chan struct{}), open: make(chan struct{})}
	s, err := local.Open(filepath.Join(t.TempDir(), "table.db"), local.Options{Now: g.Now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	counted := s.Transactions()

	var wait sync.WaitGroup
	answers := map[string]*error{}
	say := func(ctx context.Context, what, token string, w ...table.Write) {
		answer := new(error)
		answers[what] = answer
		wait.Go(func() { *answer = s.Commit(ctx, token, w...) })
	}
	queue := func(ctx context.Context, what, token string, w ...table.Write) { // while the writer is stopped
		before := s.Queued()
		say(ctx, what, token, w...)
		for s.Queued() == before {
			runtime.Gosched()
		}
	}
	put := func(sk string, c table.Cond) table.Write { return table.Put(bareItem(sk), c) }

	g.shut.Store(true)
	say(t.Context(), "first", "first", put("first", table.Absent))
	<-g.reached
	cut, cancel := context.WithCancel(t.Context())
	queue(t.Context(), "a", "a", put("a", table.Absent), put("a2", table.Absent))
	queue(t.Context(), "a said twice", "a", put("a", table.Absent), put("a2", table.Absent))
	queue(t.Context(), "a with other writes", "a", put("b", table.Absent))
	queue(t.Context(), "a by another token", "c", put("a", table.Absent), put("d", table.Absent))
	queue(t.Context(), "on top of a", "e", put("a", table.VersionIs(1)))
	queue(cut, "cut", "f", put("cut", table.Absent))
	queue(t.Context(), "deletes a", "g", table.Delete(bareItem("a").Key, table.VersionIs(2)))
	queue(t.Context(), "a anew", "h", put("a", table.Absent))
	for i := range 30 {
		sk := fmt.Sprint("n", i)
		queue(t.Context(), sk, sk, put(sk, table.Absent))
	}
	cancel()
	close(g.open)
	wait.Wait()

	for what, err := range answers {
		switch what {
		case "a with other writes":
			if !fault.Is(*err, "token_reused") {
				t.Errorf("%s: %v", what, *err)
			}
		case "a by another token":
			f, ok := errors.AsType[*table.ConditionFailed](*err)
			if !ok || len(f.Failed) != 1 || f.Failed[0].Item == nil || f.Failed[0].Item.Version != 1 {
				t.Errorf("%s: %v", what, *err)
			}
		case "cut":
			if !errors.Is(*err, context.Canceled) {
				t.Errorf("%s: %v", what, *err)
			}
		default:
			if *err != nil {
				t.Errorf("%s: %v", what, *err)
			}
		}
	}
	items, err := s.Get(t.Context(), bareItem("a").Key, bareItem("a2").Key, bareItem("b").Key, bareItem("d").Key, bareItem("cut").Key, bareItem("n29").Key)
	if err != nil || len(items) != 3 || items[0].Version != 1 || items[1].SK != "a2" || items[2].SK != "n29" {
		t.Errorf("%v, %v", items, err)
	}
	if n := s.Transactions() - counted; n != 2 {
		t.Errorf("%d bbolt transactions: the first by itself, then one for all the others", n)
	}
	list, _, err := s.Changes(t.Context(), "", 1000)
	if err != nil || len(list) != 1+2+1+1+1+30 {
		t.Errorf("%d changes, %v", len(list), err)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFailedSync has the disk answer an error for a transaction that it has written. Nobody can know then; the file is opened anew, and
// the same call completes, once.
func TestFailedSync(t *testing.T) {
	s := localtest.OpenFaulty(t, newClock().Now, &local.Faults{})
	s.FailSync(errors.New("input/output error"))
	s.FreezeIndexes()
	for i := range 3 {
		err := s.Commit(t.Context(), "token", table.Put(bareItem("a"), table.Absent))
		if want := i == 0; fault.Is(err, "table_unavailable") != want || !want && err != nil {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
	items, err := s.Get(t.Context(), bareItem("a").Key)
	if err != nil || len(items) != 1 || items[0].Version != 1 {
		t.Errorf("%v, %v", items, err)
	}
	if list, _, err := s.Changes(t.Context(), "", 10); err != nil || len(list) != 1 {
		t.Errorf("%d changes, %v", len(list), err)
	}
}
