package measure_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/steward-crm/steward/infra/bench/measure"
	"github.com/steward-crm/steward/infra/bench/oracle"
	"github.com/steward-crm/steward/infra/bench/workload"
)

// answers is the engine of a function.
type answers func(u workload.UserID, do workload.Action, id workload.AccountID) bool

func (answers) Load(*workload.World) error { return nil }
func (answers) Close()                     {}
func (f answers) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	return f(u, do, id), nil
}

// in answers as the oracle would in another world.
func in(w *workload.World) answers {
	return func(u workload.UserID, do workload.Action, id workload.AccountID) bool {
		return oracle.Check(w, u, do, id)
	}
}

// TestAgreeFinds: the questions tell an engine with one mistake from the oracle.
func TestAgreeFinds(t *testing.T) {
	w := workload.Make(1, 1000)
	questions := measure.Questions(w, rand.New(rand.NewPCG(1, 1)), 2000)
	if err := measure.Agree(w, in(w), questions); err != nil {
		t.Fatalf("the oracle does not agree with itself: %v", err)
	}
	full := changed(w, func(w *workload.World) { eachRole(w, ownAll) })
	for mistake, wrong := range map[string]answers{
		"no shares":                         in(changed(w, func(w *workload.World) { eachAccount(w, func(a *workload.Account) { a.Share = workload.Share{} }) })),
		"only the first of the team":        in(changed(w, func(w *workload.World) { eachAccount(w, func(a *workload.Account) { clear(a.Team[1:]) }) })),
		"reading on the team edits":         in(changed(w, func(w *workload.World) { eachAccount(w, widenTeam) })),
		"departments have none below":       in(changed(w, func(w *workload.World) { fill(w.Parents, workload.Nowhere) })),
		"everybody reports to the director": in(changed(w, flatten)),
		"only the first role counts":        in(changed(w, func(w *workload.World) { eachUser(w, func(u *workload.User) { u.Roles = u.Roles[:1] }) })),
		"the scope of one action for all":   in(changed(w, func(w *workload.World) { eachRole(w, widenRole) })),
		"no superior of an owner": func(u workload.UserID, do workload.Action, id workload.AccountID) bool {
			a := w.Accounts[id]
			return oracle.Check(w, u, do, id) && (a.Department == w.Users[u].Department || w.Users[a.Owner].Manager != u)
		},
		"a grant adds an action": func(u workload.UserID, do workload.Action, id workload.AccountID) bool {
			return oracle.Check(w, u, do, id) || oracle.Check(full, u, do, id) && !oracle.ByScope(full, u, do, id)
		},
	} {
		if err := measure.Agree(w, wrong, questions); err == nil {
			t.Errorf("%s: not noticed", mistake)
		}
	}
}

func changed(w *workload.World, change func(*workload.World)) *workload.World {
	other := &workload.World{
		Users: slices.Clone(w.Users), Parents: slices.Clone(w.Parents), Roles: slices.Clone(w.Roles), Accounts: slices.Clone(w.Accounts),
	}
	change(other)
	return other
}

func fill[T any](s []T, x T) {
	for i := range s {
		s[i] = x
	}
}

func eachAccount(w *workload.World, change func(*workload.Account)) {
	for i := range w.Accounts {
		change(&w.Accounts[i])
	}
}

func eachUser(w *workload.World, change func(*workload.User)) {
	for i := range w.Users {
		change(&w.Users[i])
	}
}

func eachRole(w *workload.World, change func(*workload.Role)) {
	for i := range w.Roles {
		change(&w.Roles[i])
	}
}

func widenTeam(a *workload.Account) {
	for i := range a.Team {
		if a.Team[i].May == workload.MayRead {
			a.Team[i].May = workload.MayEdit
		}
	}
}

func widenRole(r *workload.Role) { fill(r.Scopes[:], slices.Max(r.Scopes[:])) }

func ownAll(r *workload.Role) {
	for do := range r.Scopes {
		r.Scopes[do] = max(r.Scopes[do], workload.Own)
	}
}

func flatten(w *workload.World) {
	eachUser(w, func(u *workload.User) { u.Manager = min(u.Manager, 0) })
}
