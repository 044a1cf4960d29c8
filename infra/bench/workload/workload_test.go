package workload_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// TestMake holds what the tables of the benchmark say about the workload.
func TestMake(t *testing.T) {
	w := workload.Make(1, 10_000)
	if !reflect.DeepEqual(w, workload.Make(1, 10_000)) {
		t.Error("the same seed made another tenant")
	}
	levels := map[int8]int{}
	for _, u := range w.Users {
		levels[u.Depth]++
	}
	if len(w.Users) != 1000 || len(levels) != 5 || levels[0] != 1 {
		t.Errorf("%d users on the levels %v", len(w.Users), levels)
	}
	if n := len(w.Parents); n < 60 || n > 100 {
		t.Errorf("%d departments", n)
	}
	if len(w.Roles) != 12 {
		t.Errorf("%d roles", len(w.Roles))
	}
	shared, team, home, seen := 0, 0, 0, map[int64]bool{}
	for _, a := range w.Accounts {
		seen[a.Updated] = true
		if a.Share.May != workload.Nothing {
			shared++
		}
		if a.Department == w.Users[a.Owner].Department {
			home++
		}
		for _, m := range a.Team {
			if m.May != workload.Nothing {
				team++
			}
		}
	}
	if len(seen) != len(w.Accounts) {
		t.Error("two accounts were updated at the same time")
	}
	if shared < 150 || shared > 250 || team < 14_000 || team > 16_000 || home < 8_500 {
		t.Errorf("%d shared, %d team members, %d in their owner's department", shared, team, home)
	}
	if !slices.IsSortedFunc(w.Newest, func(a, b workload.AccountID) int { return int(w.Accounts[b].Updated - w.Accounts[a].Updated) }) {
		t.Error("Newest is not in order")
	}
}
