// Package policytest is the conformance suite of Steward's permission rules. It makes random tenants and random changes of them, puts every
// question to an implementation, and demands the answer of an oracle that goes by the words of the rules (design §6, decisions 0007 and
// 0010) and knows nothing of the implementation.
//
// # To test an implementation
//
// Give it the methods of System and run the suite:
//
//	func TestMine(t *testing.T) {
//		policytest.Run(t, func(t testing.TB) policytest.System { return newMine(t) }, policytest.Options{Worlds: 1000, Changes: 2})
//	}
//
// A World is plain data, and marshals to JSON for an implementation in another language. Load takes one in; Change says what became of it,
// and every question from then on is about the new one: a change is in force on the next request. How much of a world the implementation
// stores, compiles or keeps is its own affair.
//
// # What is asked, in each world and again after each change
//
//   - check: every user, every account, 15 pairs of module and action, two of them undeclared; and about an account that is nowhere
//   - get: what is viewed is shown, all else is not there; each field whole, masked or absent as the roles say
//   - list: exactly what check lets view, newest update first, of one update time the higher id; pages of 1, 3 and 50 put together are that list
//   - count: the length of the list
//   - fields: the access of each user to each field, for view, create and edit
//
// An implementation that has more is asked more: see Explainer, Searcher, Viewers, ContactReader, Attempter and Lagger.
//
// # When answers differ
//
// The failure names the seed, prints the question, both answers and the smallest world, or the shortest course of worlds, that the suite
// found by leaving things out one by one. Options{Seed: …, Worlds: 1} asks the same again.
package policytest

import (
	"context"
	"fmt"
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// System is an implementation under test. An error from a method fails the run: a user who may do nothing has answers of no, of nothing and
// of zero, not errors.
type System interface {
	// Load makes the world the tenant that all questions are about. Whatever was loaded before is asked about no more.
	Load(ctx context.Context, w *World) error
	// Change turns the tenant into the world: the one that Load or the last Change gave, with some things changed and time gone on.
	Change(ctx context.Context, w *World) error

	// Check answers whether the user may do the action of the module on the account: of the modules contact and note, on those of the account,
	// as far as that module's rights go.
	Check(ctx context.Context, q Question) (bool, error)
	// Get shows the account to the user; false when they may not see it, or there is none.
	Get(ctx context.Context, u id.User, a id.Account) (Row, bool, error)
	// Page gives up to limit accounts of the user's list from the position on that the last page named as next, "" at the start and at the end.
	Page(ctx context.Context, u id.User, after string, limit int) (rows []Listed, next string, err error)
	// Count gives the length of the user's list.
	Count(ctx context.Context, u id.User) (int, error)
	// Field gives the user's access to a field of the module when doing the action.
	Field(ctx context.Context, u id.User, m policy.Module, a policy.Action, field string) (policy.Access, error)
}

// Listed is an account in a list. Row is how the list shows it; nil in an implementation whose lists show ids alone.
type Listed struct {
	ID  id.Account
	Row Row
}

// Explainer also says which rule spoke: 1 hard denial, 2 may do, 3 on which, 4 a default or a grant, 5 a denial.
type Explainer interface {
	Explain(ctx context.Context, q Question) (Verdict, error)
}

// Searcher also lists by filters, in the order of the list. refused: the user is not shown a field of the filter, or not whole.
type Searcher interface {
	Search(ctx context.Context, u id.User, f Filter) (rows []Listed, refused bool, err error)
}

// Viewers also says who can see an account, in the order of their ids.
type Viewers interface {
	WhoCanSee(ctx context.Context, a id.Account) ([]id.User, error)
}

// ContactReader also shows an account's contacts in their order, or false.
type ContactReader interface {
	Contacts(ctx context.Context, u id.User, a id.Account) ([]Row, bool, error)
}

// Attempter also tries operations, without keeping what they did: account.edit, and contact.create, which needs the sight of the account and
// of its having contacts besides.
type Attempter interface {
	Attempt(ctx context.Context, q Question) (bool, error)
}

// Lagger can make what it nominates lists from stand still while the truth moves on, as an index that lags. Such a list may miss what is
// new; it may never show what the user may no longer see, nor a row twice or out of order.
type Lagger interface {
	Freeze()
	Thaw()
}

// Options say how much to ask.
type Options struct {
	Worlds  int    // at least 1
	Changes int    // of each world
	Seed    uint64 // of the first world; those after it have the numbers that follow
	Workers int    // how many systems are opened and asked side by side; 0 is one
}

// Tally is what was asked.
type Tally struct {
	Worlds, States, Questions int
	Allowed, Denied           [6]int // of the checks, by the rule that spoke
}

// String says it in words.
func (n Tally) String() string {
	return fmt.Sprintf("%d worlds, %d states, %d questions; of the checks allowed by scope %d, by default or grant %d; "+
		"denied hard %d, without a right %d, out of reach %d, switched off %d", n.Worlds, n.States, n.Questions,
		n.Allowed[3], n.Allowed[4], n.Denied[1], n.Denied[2], n.Denied[3], n.Denied[5])
}

func (n *Tally) add(m Tally) {
	n.Worlds, n.States, n.Questions = n.Worlds+m.Worlds, n.States+m.States, n.Questions+m.Questions
	for i := range n.Allowed {
		n.Allowed[i] += m.Allowed[i]
		n.Denied[i] += m.Denied[i]
	}
}

// Run asks, and fails the test with the smallest world in which an answer is not the oracle's.
func Run(t testing.TB, open func(testing.TB) System, o Options) {
	t.Helper()
	f, n := Find(t, open, o)
	if f != nil {
		t.Fatalf("%v", f)
	}
	t.Log(n)
}
