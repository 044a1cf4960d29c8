// Package measure asks engines the same questions, compares their answers with the oracle's, and only then takes times. It knows engines by
// their interface alone.
package measure

import (
	"fmt"
	"math/rand/v2"

	"github.com/steward-crm/steward/infra/bench/engine"
	"github.com/steward-crm/steward/infra/bench/oracle"
	"github.com/steward-crm/steward/infra/bench/workload"
)

// Question is one check.
type Question struct {
	User    workload.UserID
	Do      workload.Action
	Account workload.AccountID
}

// Questions draws n checks: a fifth of anybody about anything, and a fifth each of those who stand in some relation to the account, so that
// allowed and denied are both frequent: its owner and their superiors, its team, the department that it is shared to, its own departments.
func Questions(w *workload.World, r *rand.Rand, n int) []Question {
	out := make([]Question, n)
	for i := range out {
		q := Question{workload.UserID(r.IntN(len(w.Users))), workload.Action(r.IntN(int(workload.ActionCount))), workload.AccountID(r.IntN(len(w.Accounts)))}
		a := w.Accounts[q.Account]
		switch i % 5 {
		case 0:
			q.User = a.Owner
			for range r.IntN(4) {
				if m := w.Users[q.User].Manager; m != workload.Nobody {
					q.User = m
				}
			}
		case 1:
			if m := a.Team[r.IntN(len(a.Team))]; m.May != workload.Nothing {
				q.User = m.User
			}
		case 2:
			for range 1000 { // one account in fifty is shared
				if a = w.Accounts[q.Account]; a.Share.May != workload.Nothing {
					q.User = somebody(w, r, a.Share.Department)
					break
				}
				q.Account = workload.AccountID(r.IntN(len(w.Accounts)))
			}
		case 3:
			d := a.Department
			for range r.IntN(3) {
				if p := w.Parents[d]; p != workload.Nowhere {
					d = p
				}
			}
			q.User = somebody(w, r, d)
		}
		out[i] = q
	}
	return out
}

// somebody of the department; anybody when chance does not find one.
func somebody(w *workload.World, r *rand.Rand, d workload.DepartmentID) (u workload.UserID) {
	for range 4 * len(w.Parents) {
		if u = workload.UserID(r.IntN(len(w.Users))); w.Users[u].Department == d {
			break
		}
	}
	return u
}

// Agree asks the engine all questions; an answer other than the oracle's is an error.
func Agree(w *workload.World, e engine.Engine, questions []Question) error {
	for _, q := range questions {
		want := oracle.Check(w, q.User, q.Do, q.Account)
		switch got, err := e.Check(q.User, q.Do, q.Account); {
		case err != nil:
			return err
		case got != want:
			return fmt.Errorf("user %d, %s, account %d: the engine says %t, the oracle %t", q.User, q.Do, q.Account, got, want)
		}
	}
	return nil
}

// Case is a kind of check that is timed apart.
type Case struct {
	Name      string
	Questions []Question
}

// Cases draws the timed checks, up to n of each, all of viewing.
func Cases(w *workload.World, r *rand.Rand, n int) []Case {
	widest := w.Chart().Widest
	own := func(u workload.UserID) bool { return widest[u][workload.View] == workload.Own }
	draw := func(name string, pick func(a workload.Account) workload.UserID, fits func(Question) bool) Case {
		c := Case{Name: name}
		for tries := 0; tries < 1000*n && len(c.Questions) < n; tries++ {
			q := Question{Do: workload.View, Account: workload.AccountID(r.IntN(len(w.Accounts)))}
			if q.User = pick(w.Accounts[q.Account]); q.User != workload.Nobody && fits(q) {
				c.Questions = append(c.Questions, q)
			}
		}
		return c
	}
	scope := func(q Question) bool { return oracle.ByScope(w, q.User, q.Do, q.Account) }
	return []Case{
		draw("own", func(a workload.Account) workload.UserID { return a.Owner }, func(q Question) bool { return own(q.User) }),
		draw("report's", func(a workload.Account) workload.UserID { return w.Users[a.Owner].Manager },
			func(q Question) bool { return widest[q.User][workload.View] == workload.Reports }),
		draw("team", func(a workload.Account) workload.UserID {
			if m := a.Team[0]; m.May != workload.Nothing {
				return m.User
			}
			return workload.Nobody
		}, func(q Question) bool { return own(q.User) && !scope(q) }),
		draw("miss", func(workload.Account) workload.UserID { return workload.UserID(r.IntN(len(w.Users))) },
			func(q Question) bool { return own(q.User) && !oracle.Check(w, q.User, q.Do, q.Account) }),
		draw("director's", func(workload.Account) workload.UserID { return 0 }, scope),
	}
}

// Person is a user whose list is timed.
type Person struct {
	Name string
	User workload.UserID
}

// People are a salesperson of the lowest level who sees their own, a manager of the third who sees their reports', and the director.
func People(w *workload.World) []Person {
	widest := w.Chart().Widest
	first := func(depth int8, s workload.Scope) workload.UserID {
		for u, x := range w.Users {
			if x.Depth == depth && widest[u][workload.View] == s {
				return workload.UserID(u)
			}
		}
		return 0
	}
	return []Person{{"salesperson", first(4, workload.Own)}, {"manager", first(2, workload.Reports)}, {"director", 0}}
}
