// Package opa states the workload in Rego and has OPA decide, with organisation and accounts as its data.
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

// module numbers the scopes from 1 and the strengths of grants likewise. A rule that an index can pick by its constant is the quickest.
const module = `package crm

me := data.users[input.user]

held := me.scopes[input.action]

needs := {"view": 1, "edit": 2}

reached(a) if held == 5

reached(a) if { held >= 1; a.owner == input.user }

reached(a) if { held >= 2; data.users[a.owner].superiors[input.user] }

reached(a) if { held >= 3; a.department == me.department }

reached(a) if { held >= 4; data.departments[a.department][me.department] }

reached(a) if { held >= 1; a.team[input.user] >= needs[input.action] }

reached(a) if { held >= 1; a.shares[me.department] >= needs[input.action] }

allow if reached(data.accounts[input.account])

visible := [id | some id in input.accounts; reached(data.accounts[id])]
`

// Engine is a store and two prepared queries.
type Engine struct {
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
	e.store = inmem.NewFromObjectWithOpts(document(w), inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	ctx := context.Background()
	var err error
	if e.txn, err = e.store.NewTransaction(ctx); err != nil {
		return err
	}
	prepare := func(query string) (rego.PreparedEvalQuery, error) {
		return rego.New(rego.Query(query), rego.Module("crm.rego", module), rego.Store(e.store), rego.Transaction(e.txn), rego.StoreReadAST(true)).
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

func document(w *workload.World) map[string]any {
	chart := w.Chart()
	us, ds, as := make(map[string]any, len(w.Users)), make(map[string]any, len(w.Parents)), make(map[string]any, len(w.Accounts))
	for u, x := range w.Users {
		scopes, superiors := map[string]any{}, map[string]any{}
		for do, s := range chart.Widest[u] {
			scopes[workload.Action(do).String()] = int(s)
		}
		for _, m := range chart.Superiors[u] {
			superiors[strconv.Itoa(int(m))] = true
		}
		us[strconv.Itoa(u)] = map[string]any{"department": strconv.Itoa(int(x.Department)), "scopes": scopes, "superiors": superiors}
	}
	for d := range w.Parents {
		above := map[string]any{}
		for _, p := range chart.Above[d] {
			above[strconv.Itoa(int(p))] = true
		}
		ds[strconv.Itoa(d)] = above
	}
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
		as[strconv.Itoa(i)] = x
	}
	return map[string]any{"users": us, "departments": ds, "accounts": as}
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
