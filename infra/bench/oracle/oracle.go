// Package oracle answers every question about a workload by the words of its meaning, one role and one grant after the other, with nothing
// prepared and nothing remembered. It is slow on purpose: what the engines answer is compared with it.
package oracle

import (
	"cmp"
	"slices"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// Check says whether the user may do the action on the account.
func Check(w *workload.World, u workload.UserID, do workload.Action, id workload.AccountID) bool {
	return ByScope(w, u, do, id) || (ByRoles(w, u, do) && byGrant(w, u, do, id))
}

// ByRoles says whether some role of the user grants the action at all.
func ByRoles(w *workload.World, u workload.UserID, do workload.Action) bool {
	for _, role := range w.Users[u].Roles {
		if w.Roles[role].Scopes[do] != workload.None {
			return true
		}
	}
	return false
}

// ByScope says whether the scope of some role reaches the account: the answer that is left when record grants do not count.
func ByScope(w *workload.World, u workload.UserID, do workload.Action, id workload.AccountID) bool {
	for _, role := range w.Users[u].Roles {
		if reaches(w, u, w.Roles[role].Scopes[do], w.Accounts[id]) {
			return true
		}
	}
	return false
}

func reaches(w *workload.World, u workload.UserID, s workload.Scope, a workload.Account) bool {
	switch s {
	case workload.Own:
		return a.Owner == u
	case workload.Reports:
		return reaches(w, u, workload.Own, a) || reportsTo(w, a.Owner, u)
	case workload.Department:
		return reaches(w, u, workload.Reports, a) || a.Department == w.Users[u].Department
	case workload.Subtree:
		return reaches(w, u, workload.Department, a) || below(w, a.Department, w.Users[u].Department)
	}
	return s == workload.All
}

func reportsTo(w *workload.World, u, boss workload.UserID) bool {
	for m := w.Users[u].Manager; m != workload.Nobody; m = w.Users[m].Manager {
		if m == boss {
			return true
		}
	}
	return false
}

func below(w *workload.World, d, top workload.DepartmentID) bool {
	for p := w.Parents[d]; p != workload.Nowhere; p = w.Parents[p] {
		if p == top {
			return true
		}
	}
	return false
}

func byGrant(w *workload.World, u workload.UserID, do workload.Action, id workload.AccountID) bool {
	a := w.Accounts[id]
	for _, m := range a.Team {
		if m.May.Covers(do) && m.User == u {
			return true
		}
	}
	return a.Share.May.Covers(do) && a.Share.Department == w.Users[u].Department
}

// First is the first page of n that the user may view, newest update first.
func First(w *workload.World, u workload.UserID, n int) []workload.AccountID {
	out := make([]workload.AccountID, 0, n)
	for _, id := range w.Newest {
		if len(out) < n && Check(w, u, workload.View, id) {
			out = append(out, id)
		}
		if len(out) == n {
			break
		}
	}
	return out
}

// Visible lists all accounts that the user may view, newest update first.
func Visible(w *workload.World, u workload.UserID) []workload.AccountID {
	var out []workload.AccountID
	for id := range w.Accounts {
		if Check(w, u, workload.View, workload.AccountID(id)) {
			out = append(out, workload.AccountID(id))
		}
	}
	slices.SortFunc(out, func(a, b workload.AccountID) int {
		return cmp.Compare(w.Accounts[b].Updated, w.Accounts[a].Updated)
	})
	return out
}
