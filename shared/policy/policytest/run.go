package policytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// Finding is a world that a system is wrong about.
type Finding struct {
	Seed   uint64   // of the world
	Nth    int      // which of the run it was, from 1
	Course []*World // the shortest course of worlds found that shows it: loaded, then changed; the last is wrong
	Err    error    // what the last of the course shows
}

func (f *Finding) Error() string {
	s := fmt.Sprintf("world %d (seed %d): %v\n", f.Nth, f.Seed, f.Err)
	for i, w := range f.Course {
		how := "loaded"
		if i > 0 {
			how = "then changed to"
		}
		s += fmt.Sprintf("%s %v", how, w)
	}
	return s
}

// Find asks as Run does, and gives the finding of the lowest world, or nil.
func Find(t testing.TB, open func(testing.TB) System, o Options) (*Finding, Tally) {
	t.Helper()
	workers := max(o.Workers, 1)
	systems := make([]System, workers)
	for i := range systems {
		systems[i] = open(t)
	}
	var mu sync.Mutex
	var sum Tally
	var first *Finding
	next := 0
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		if first != nil || next == o.Worlds {
			return 0
		}
		next++
		return next
	}
	var g sync.WaitGroup
	for _, sys := range systems {
		g.Go(func() {
			for n := take(); n != 0; n = take() {
				var tally Tally
				f := course(t.Context(), sys, o.Seed+uint64(n-1), o.Changes, &tally)
				mu.Lock()
				sum.add(tally)
				if f != nil && (first == nil || n < first.Nth) {
					f.Nth, first = n, f
				}
				mu.Unlock()
			}
		})
	}
	g.Wait()
	if first != nil {
		shrink(t.Context(), systems[0], first)
	}
	return first, sum
}

// course asks about one world and what becomes of it.
func course(ctx context.Context, sys System, seed uint64, changes int, n *Tally) *Finding {
	worlds := []*World{Generate(seed)}
	for i := range changes {
		worlds = append(worlds, Change(seed+uint64(i+1)<<32, worlds[i]))
	}
	n.Worlds++
	at, err := play(ctx, sys, worlds, n, true)
	if err == nil {
		return nil
	}
	return &Finding{Seed: seed, Course: worlds[:at+1], Err: err}
}

// play loads the first world, changes it to those that follow, and asks: about each, or about the last alone. It answers where it went wrong.
func play(ctx context.Context, sys System, worlds []*World, n *Tally, all bool) (int, error) {
	lag, lags := sys.(Lagger)
	for i, w := range worlds {
		var err error
		if i == 0 {
			err = sys.Load(ctx, w)
		} else {
			if lags {
				lag.Freeze()
			}
			err = sys.Change(ctx, w)
			if lags {
				if err == nil && (all || i == len(worlds)-1) {
					err = askLagging(ctx, sys, w, n)
				}
				lag.Thaw()
			}
		}
		if err == nil && (all || i == len(worlds)-1) {
			err = ask(ctx, sys, w, n)
		}
		if err != nil {
			var m *mismatch
			if !errors.As(err, &m) {
				err = fmt.Errorf("the system failed: %w", err)
			}
			return i, err
		}
	}
	return 0, nil
}
