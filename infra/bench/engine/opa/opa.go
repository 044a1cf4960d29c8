// Package opa states the workload in Rego, twice, and has OPA decide, with organisation and accounts as its data.
//
// As its manual teaches (taught.go): users have roles and roles have grants, which a rule joins
// (openpolicyagent.org/docs/comparisons/access-control-systems, role-based access control); managers and departments are graphs, in which
// graph.reachable finds who is above whom, since rules may not call themselves (openpolicyagent.org/docs/policy-reference/builtins/graph);
// everything is an object looked up by its key (openpolicyagent.org/docs/policy-performance). Prepared (prepared.go): what a user may do, and
// who is above whom, is worked out beforehand.
package opa

import (
	"context"
	"fmt"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// stated is one way to state the workload: the rules, and the data of the organisation.
type stated struct {
	module       string
	organisation func(w *workload.World) map[string]any
}

// Engine is a store and two prepared queries.
type Engine struct {
	stated         stated
	store          storage.Store
	txn            storage.Transaction
	allow, visible rego.PreparedEvalQuery
	users          []*ast.Term
	accounts       []*ast.Term
	actions        [workload.ActionCount]*ast.Term
}

var user, action, account, accounts = ast.InternedTerm("user"), ast.InternedTerm("action"), ast.InternedTerm("account"), ast.InternedTerm("accounts")

// Load fills the store, which is told to keep values as Rego has them, and prepares the queries.
func (e *Engine) Load(w *workload.World) error {
	e.users, e.accounts = terms(len(w.Users)), terms(len(w.Accounts))
	for do := range workload.ActionCount {
		e.actions[do] = ast.StringTerm(do.String())
	}
	data := e.stated.organisation(w)
	data["accounts"] = documents(w)
	e.store = inmem.NewFromObjectWithOpts(data, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	ctx := context.Background()
	var err error
	if e.txn, err = e.store.NewTransaction(ctx); err != nil {
		return err
	}
	prepare := func(query string) (rego.PreparedEvalQuery, error) {
		return rego.New(rego.Query(query), rego.Module("crm.rego", e.stated.module), rego.Store(e.store), rego.Transaction(e.txn), rego.StoreReadAST(true)).
			PrepareForEval(ctx)
	}
	if e.allow, err = prepare("data.crm.allow"); err != nil {
		return err
	}
	e.visible, err = prepare("data.crm.visible")
	return err
}

func terms(n int) []*ast.Term {
	out := make([]*ast.Term, n)
	for i := range out {
		out[i] = ast.StringTerm(strconv.Itoa(i))
	}
	return out
}

func documents(w *workload.World) map[string]any {
	out := make(map[string]any, len(w.Accounts))
	for i, a := range w.Accounts {
		x := map[string]any{"owner": strconv.Itoa(int(a.Owner)), "department": strconv.Itoa(int(a.Department))}
		team := map[string]any{}
		for _, m := range a.Team {
			if m.May != workload.Nothing {
				team[strconv.Itoa(int(m.User))] = int(m.May)
			}
		}
		if len(team) > 0 {
			x["team"] = team
		}
		if a.Share.May != workload.Nothing {
			x["shares"] = map[string]any{strconv.Itoa(int(a.Share.Department)): int(a.Share.May)}
		}
		out[strconv.Itoa(i)] = x
	}
	return out
}

// Check asks OPA.
func (e *Engine) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	input := ast.NewObject([2]*ast.Term{user, e.users[u]}, [2]*ast.Term{action, e.actions[do]}, [2]*ast.Term{account, e.accounts[id]})
	set, err := e.allow.Eval(context.Background(), rego.EvalParsedInput(input), rego.EvalTransaction(e.txn))
	return set.Allowed(), err
}

// Filter asks for all accounts in one query; a comprehension cannot stop early.
func (e *Engine) Filter(u workload.UserID, among []workload.AccountID, n int) ([]workload.AccountID, error) {
	asked := make([]*ast.Term, len(among))
	for i, id := range among {
		asked[i] = e.accounts[id]
	}
	input := ast.NewObject([2]*ast.Term{user, e.users[u]}, [2]*ast.Term{action, e.actions[workload.View]}, [2]*ast.Term{accounts, ast.ArrayTerm(asked...)})
	set, err := e.visible.Eval(context.Background(), rego.EvalParsedInput(input), rego.EvalTransaction(e.txn))
	if err != nil || len(set) == 0 {
		return nil, err
	}
	found, ok := set[0].Expressions[0].Value.([]any)
	if !ok {
		return nil, fmt.Errorf("opa: visible is %T", set[0].Expressions[0].Value)
	}
	var out []workload.AccountID
	for _, x := range found[:min(n, len(found))] {
		id, err := strconv.Atoi(fmt.Sprint(x))
		if err != nil {
			return nil, err
		}
		out = append(out, workload.AccountID(id))
	}
	return out, nil
}

// Close ends the transaction.
func (e *Engine) Close() { e.store.Abort(context.Background(), e.txn) }
