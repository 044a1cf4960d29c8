package account_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// TestCountersAreARecount: whatever is done, in whatever order, with turns and recounts taken anywhere between, what the counters say at the end is what
// reading every account says.
func TestCountersAreARecount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newCounting(t)
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "pick") }
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch pick(5) {
			case 0:
				_, err := w.Advance(t.Context(), w.Now())
				must(t, err)
			case 1:
				if pick(3) == 0 {
					w.recount(t)
				}
			default:
				w.act(t, pick)
			}
		}
		w.turns(t)
		w.equalRecount(t, true)
	})
}

// TestCountersSurviveEveryDeath: the process dies at every step of every turn in turn, before a commit or after it, and a new one goes on. Each change
// counts once.
func TestCountersSurviveEveryDeath(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(3, 3)))
	died := errors.New("died")
	for step := range 60 {
		for range 3 {
			w.act(t, pick)
		}
		n := 0
		die := func(local.Call) error {
			if n++; n == 1+step%6 {
				return died
			}
			return nil
		}
		if step%2 == 0 {
			w.Faults.Before = die
		} else {
			n = step % 6 // the one commit of a turn, done, its answer lost
			w.Faults.After = die
		}
		_, err := w.Advance(t.Context(), w.Now())
		if step%12 < 2 && !errors.Is(err, died) {
			t.Fatalf("step %d did not die: %v", step, err)
		}
		w.Faults.Before, w.Faults.After = nil, nil
		w.Counters = account.NewCounters(w.Table, w.Feed)
	}
	w.turns(t)
	w.equalRecount(t, true)
}

// TestCountersOfTwoProcesses: two processes take turns and recount while others write, and each change counts once.
func TestCountersOfTwoProcesses(t *testing.T) {
	w := newCounting(t)
	var work, writes sync.WaitGroup
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	defer stop()
	for range 2 {
		c := account.NewCounters(w.Table, w.Feed)
		work.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.Advance(context.WithoutCancel(ctx), w.Now()); err != nil {
					t.Error(err)
				}
				// It may give way to the other process too often: then it is busy, and says so.
				if _, err := c.Recount(context.WithoutCancel(ctx), w.row.ID, w.Now()); err != nil && !fault.Is(err, "busy") {
					t.Error(err)
				}
			}
		})
	}
	writes.Go(func() {
		pick := picker(rand.New(rand.NewPCG(4, 4)))
		for range 150 {
			w.act(t, pick)
		}
	})
	writes.Wait()
	stop()
	work.Wait()
	w.turns(t)
	w.equalRecount(t, true)
}

// TestTurnsDoNotOverlap: a process that has read its turn and then stands still, while another goes on past it, does not take the position back, whatever
// was in its turn: an account, or nothing that counts.
func TestTurnsDoNotOverlap(t *testing.T) {
	for name, counts := range map[string]bool{"an account": true, "nothing that counts": false} {
		t.Run(name, func(t *testing.T) {
			w := newCounting(t)
			pick := picker(rand.New(rand.NewPCG(17, 17)))
			w.act(t, pick)
			w.turns(t)
			w.Clock.Add(2 * time.Minute) // from when a turn with nothing to count is taken, too
			w.Commit(t, table.Put(item(t, key.Control("NOISE", "1"), map[string]any{}), table.Always))
			if counts {
				w.act(t, pick)
			}
			late := account.NewCounters(w.Table, w.Feed)
			stood := false
			w.Faults.Before = func(c local.Call) error {
				if c.Op != "commit" || stood {
					return nil
				}
				stood = true
				for range 3 {
					w.act(t, pick)
				}
				w.turns(t)
				return nil
			}
			_, err := late.Advance(t.Context(), w.Now())
			must(t, err)
			w.Faults.Before = nil
			if !stood {
				t.Fatal("the turn was not taken: the test is broken")
			}
			w.turns(t)
			w.equalRecount(t, true)
		})
	}
}

// TestCountersOfOldData: accounts older than the feed are counted by the first recount, in bounded calls, while others write at every step of
// it; until it is through the counts are not taken for complete.
func TestCountersOfOldData(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(5, 5)))
	for range 60 {
		w.act(t, pick)
	}
	w.turns(t)
	w.forget(t)
	w.act(t, pick)
	w.turns(t)
	if _, complete, err := w.Stored(t.Context(), w.row.ID); err != nil || complete {
		t.Fatalf("complete without the old accounts: %v", err)
	}
	w.meddle(pick)
	w.recount(t)
	w.Faults.Before = nil
	w.turns(t)
	w.equalRecount(t, true)
}

// TestRecountMendsDrift: counts that are wrong, for whatever reason, are right after a recount, though others write at every step of it.
func TestRecountMendsDrift(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(6, 6)))
	for range 60 {
		w.act(t, pick)
	}
	w.turns(t)
	w.equalRecount(t, true)
	for _, u := range w.users[:3] {
		w.Edit(t, account.CounterShardOf(w.row.ID, u), func(doc map[string]any) {
			rows := doc["t"].([]any)
			row := rows[0].(map[string]any)
			row["n"] = row["n"].(float64) + 7
			if len(rows) > 1 {
				doc["t"] = rows[1:]
			}
		})
	}
	got, _, err := w.Stored(t.Context(), w.row.ID)
	must(t, err)
	want, err := account.Brute(t.Context(), w.Table, w.row.ID)
	must(t, err)
	if maps.Equal(got, want) {
		t.Fatal("nothing drifted: the test is broken")
	}
	w.meddle(pick)
	w.recount(t)
	w.Faults.Before = nil
	w.turns(t)
	w.equalRecount(t, true)
}

// TestCountersThatMissedChanges: who has not read the feed for longer than it keeps may have missed changes, and does not vouch for the counts before all
// are recounted; who has read it to its end goes on.
func TestCountersThatMissedChanges(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(7, 7)))
	for range 20 {
		w.act(t, pick)
	}
	w.turns(t)
	for range 3 { // a quiet day, with a look at the feed now and then
		w.Clock.Add(10 * time.Hour)
		w.turns(t)
	}
	w.act(t, pick)
	w.turns(t)
	w.equalRecount(t, true)
	w.Clock.Add(30 * time.Hour)
	w.act(t, pick)
	w.turns(t)
	w.equalRecount(t, false)
	w.recount(t)
	w.equalRecount(t, true)
}

// TestRecountThatMissesChanges: a round during which changes may have been missed does not vouch for the counts; the next one does.
func TestRecountThatMissesChanges(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(16, 16)))
	for range 20 {
		w.act(t, pick)
	}
	w.turns(t)
	reads := 0
	w.Faults.Before = func(c local.Call) error {
		if c.Op != "get" || !slices.ContainsFunc(c.Keys, func(k table.Key) bool { return key.AccountOf(w.row.ID, k) != "" }) {
			return nil
		}
		if reads++; reads == 2 {
			w.Clock.Add(30 * time.Hour)
			for range 5 { // with each of which the feed forgets old changes
				w.act(t, pick)
			}
			_, err := account.NewCounters(w.Table, w.Feed).Advance(t.Context(), w.Now())
			must(t, err)
		}
		return nil
	}
	w.recount(t)
	w.Faults.Before = nil
	if reads < 2 {
		t.Fatal("nothing came between: the test is broken")
	}
	w.equalRecount(t, false)
	w.recount(t)
	w.equalRecount(t, true)
}

// TestCountersGiveUp: a tenant whose counts do not fit is not counted, and is taken up again by a recount when they do.
func TestCountersGiveUp(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(8, 8)))
	w.act(t, pick)
	w.turns(t)
	w.equalRecount(t, true)
	w.Narrow(100, 1<<20)
	for range 20 {
		w.act(t, pick)
	}
	w.turns(t)
	w.recount(t)
	if _, complete, err := w.Stored(t.Context(), w.row.ID); err != nil || complete {
		t.Fatalf("complete without room: %v", err)
	}
	w.Narrow(300<<10, 1<<20)
	w.recount(t)
	w.turns(t)
	w.equalRecount(t, true)
}

// TestTurnsOfManyTenants: a turn takes as many changes as one commit has room for, and no tenant's accounts count for another.
func TestTurnsOfManyTenants(t *testing.T) {
	for name, short := range map[string]struct{ rounds, room int }{"of writes": {70, 3 << 20}, "of bytes": {10, 2_000}} {
		t.Run(name, func(t *testing.T) {
			first := newCounting(t)
			tenants := []*counting{first.neighbour(t), first.neighbour(t), first.neighbour(t)}
			pick := picker(rand.New(rand.NewPCG(9, 9)))
			for range 70 {
				for _, w := range tenants {
					w.act(t, pick)
				}
			}
			first.turns(t)
			reassign := func(n int) int {
				if n == 7 { // what to do: the owner, of many, is another
					return 4
				}
				return pick(n)
			}
			for range short.rounds {
				for _, w := range tenants {
					w.act(t, reassign)
				}
			}
			first.Narrow(300<<10, short.room)
			n, err := first.Advance(t.Context(), first.Now())
			must(t, err)
			if rest, err := first.Advance(t.Context(), first.Now()); n > 900 || rest < 2 || err != nil {
				t.Errorf("turns did %d changes and %d, %v: the room was never short", n, rest, err)
			}
			first.turns(t)
			for _, w := range tenants {
				w.equalRecount(t, true)
			}
		})
	}
}

// TestFollowRests: counters at the end of the feed write nothing, though others that follow it write their positions.
func TestFollowRests(t *testing.T) {
	w := newCounting(t)
	w.act(t, picker(rand.New(rand.NewPCG(1, 1))))
	w.turns(t)
	other := key.Control("FEED", "other")
	for n := range 20 {
		w.Commit(t, table.Put(item(t, other, map[string]any{"n": n}), table.Always))
		if n, err := w.Advance(t.Context(), w.Now()); n != 0 || err != nil {
			t.Fatalf("%d changes done with, %v", n, err)
		}
	}
	commits := 0
	w.Faults.After = func(local.Call) error { commits++; return nil }
	for n := range 1_000 { // but not for ever: what was read is read again each time
		w.Commit(t, table.Put(item(t, other, map[string]any{"n": n}), table.Always))
	}
	w.turns(t)
	if commits-1_000 < 1 || commits-1_000 > 8 {
		t.Errorf("%d turns for 1,000 changes that count nothing", commits-1_000)
	}
}
