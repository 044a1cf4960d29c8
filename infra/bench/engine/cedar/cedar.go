// Package cedar states the workload in Cedar in three ways, and has cedar-go decide.
//
// As its manual teaches (taught.go): roles are groups of principals, with one policy for each role and action
// (docs.cedarpolicy.com/bestpractices/bp-implementing-roles.html); whose an account is, where it lies and whom it is open to are its
// attributes, because the application keeps them anyway (…/bp-relationship-representation.html); reporting lines and departments are
// hierarchies, which the operator in climbs. All policies are one set, as in cedar-go's own example.
// Sliced: the same, where the application looks up by the policies' scopes, which name role and action, those that may matter, and hands over
// only these (…/bp-populate-policy-scope.html).
// Prepared (prepared.go): what a user may do, and who is above whom, is worked out beforehand.
package cedar

import (
	"context"
	"errors"
	"strconv"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/batch"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// model is one way to state the workload. Accounts are the same in all.
type model struct {
	rules        func(w *workload.World) []rule
	organisation func(e *Engine, w *workload.World)
	whole        bool // all policies at every request
}

// Engine is the policies, and the entities in memory.
type Engine struct {
	model       model
	policies    policies
	entities    types.EntityMap
	actions     [workload.ActionCount]types.EntityUID
	users       []types.EntityUID
	departments []types.EntityUID
	accounts    []types.EntityUID
}

// granted is what a record grant adds for whoever holds the action at all.
var granted = [...]string{
	workload.View: `resource.readers.contains(principal) || resource.readers.contains(principal.department)`,
	workload.Edit: `resource.editors.contains(principal) || resource.editors.contains(principal.department)`,
}

// Load writes the policies and makes the entities.
func (e *Engine) Load(w *workload.World) (err error) {
	if e.policies, err = parse(e.model.rules(w), e.model.whole); err != nil {
		return err
	}
	for do := range workload.ActionCount {
		e.actions[do] = types.NewEntityUID("Action", types.String(do.String()))
	}
	e.entities = make(types.EntityMap, len(w.Users)+len(w.Parents)+len(w.Accounts))
	e.users, e.departments = uids("User", len(w.Users)), uids("Department", len(w.Parents))
	e.accounts = uids("Account", len(w.Accounts))
	e.model.organisation(e, w)
	for i, a := range w.Accounts {
		e.add(types.Entity{UID: e.accounts[i], Attributes: types.NewRecord(types.RecordMap{
			"owner": e.users[a.Owner], "department": e.departments[a.Department],
			"readers": e.holders(a, workload.View), "editors": e.holders(a, workload.Edit),
		})})
	}
	return nil
}

func (e *Engine) add(x types.Entity) { e.entities[x.UID] = x }

func uids(kind types.EntityType, n int) []types.EntityUID {
	out := make([]types.EntityUID, n)
	for i := range out {
		out[i] = types.NewEntityUID(kind, types.String(strconv.Itoa(i)))
	}
	return out
}

// holders are the users and the department whom a record grant allows the action.
func (e *Engine) holders(a workload.Account, do workload.Action) types.Set {
	var out []types.Value
	for _, m := range a.Team {
		if m.May.Covers(do) {
			out = append(out, e.users[m.User])
		}
	}
	if a.Share.May.Covers(do) {
		out = append(out, e.departments[a.Share.Department])
	}
	return types.NewSet(out...)
}

// Check asks cedar-go.
func (e *Engine) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	answer, why := cedar.Authorize(e.policies.of(e.entities[e.users[u]], do), e.entities, cedar.Request{
		Principal: e.users[u], Action: e.actions[do], Resource: e.accounts[id],
	})
	if len(why.Errors) > 0 {
		return false, errors.New(why.Errors[0].String())
	}
	return answer == cedar.Allow, nil
}

var errEnough = errors.New("enough accounts found")

// Filter uses cedar-go's batches, which evaluate beforehand all that does not depend on the account.
func (e *Engine) Filter(u workload.UserID, among []workload.AccountID, n int) ([]workload.AccountID, error) {
	resources := make([]types.Value, len(among))
	for i, id := range among {
		resources[i] = e.accounts[id]
	}
	var out []workload.AccountID
	at := 0
	err := batch.Authorize(context.Background(), e.policies.of(e.entities[e.users[u]], workload.View), e.entities, batch.Request{
		Principal: e.users[u], Action: e.actions[workload.View], Resource: batch.Variable("account"), Context: types.NewRecord(nil),
		Variables: batch.Variables{"account": resources},
	}, func(r batch.Result) error {
		if r.Decision == cedar.Allow {
			out = append(out, among[at])
		}
		at++
		if len(out) == n {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// Close has nothing to give back.
func (e *Engine) Close() {}
