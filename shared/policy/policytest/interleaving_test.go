package policytest_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/steward-crm/steward/shared/table/local"
)

// TestEveryInterleaving is I3 without chance: a request is stopped before each of its calls of the table in turn, one to three changes are
// made, and it goes on. What it answers must have been so at some instant.
func TestEveryInterleaving(t *testing.T) {
	for name, course := range races {
		t.Run(name, func(t *testing.T) {
			c := newContest(t)
			n := 0
			for start := range course {
				for changes := 1; changes <= 3; changes++ {
					for _, list := range []bool{false, true} {
						for at := 1; c.stopped(t, course, start, at, changes, list, atOnce); at++ {
							n++
						}
					}
				}
			}
			t.Logf("%d interleavings", n)
		})
	}
}

// stopped runs one read that is stopped before its nth call, and demands that the answer is so. It answers false when there is no such call.
func (c *contest) stopped(t *testing.T, course []rights, start, at, changes int, list bool, so func([]rights, bool) bool) bool {
	t.Helper()
	if err := c.to(t.Context(), course[start]); err != nil {
		t.Fatal(err)
	}
	states := []rights{c.now}
	var calls atomic.Int64
	c.Faults.Before = func(local.Call) error {
		if calls.Add(1) != int64(at) {
			return nil
		}
		for i := range changes {
			to := course[(start+1+i)%len(course)]
			if err := c.to(t.Context(), to); err != nil {
				t.Error(err)
			}
			states = append(states, to)
		}
		return nil
	}
	seen, err := c.read(t.Context(), list, nil)
	c.Faults.Before = nil
	if err != nil {
		t.Fatal(err)
	}
	if !so(states, seen) {
		t.Errorf("stopped before call %d for %v: answered %v", at, states, seen)
	}
	return len(states) > 1
}

// atOnce: one instant explains the answer.
func atOnce(states []rights, seen bool) bool {
	return slices.ContainsFunc(states, func(r rights) bool { return r.allow() == seen })
}

// TestUserThenAccount says where I3 ends: who asks is judged as of the beginning of the request and the account as of its reading, two
// instants in this order. So an account that is shared with somebody in the instant after they lost their role may still be answered to a
// request of theirs that is under way, and to none that begins later.
func TestUserThenAccount(t *testing.T) {
	course := []rights{{true, false, true, false}, {true, false, true, true}, {true, false, true, false}, {true, true, true, false}}
	c := newContest(t)
	inTurn := func(states []rights, seen bool) bool {
		for i, user := range states {
			for _, acct := range states[i:] {
				if seen == (user.Active && user.Holds && user.Views && acct.Granted) {
					return true
				}
			}
		}
		return false
	}
	for start := range course {
		for changes := 1; changes <= 3; changes++ {
			for _, list := range []bool{false, true} {
				for at := 1; c.stopped(t, course, start, at, changes, list, inTurn); at++ {
				}
			}
		}
	}
}
