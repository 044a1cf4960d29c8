package casbin

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// prepared is role based access with attributes: a line of policy gives a group an action in a scope, and a function looks whether the scope
// reaches the record. Lines for each record would have casbin walk through all of them at every question.
const prepared = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, act, scope
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && g(r.sub, p.sub) && reaches(r.sub, r.act, p.scope, r.obj)
`

// Prepared is handed what Steward compiles: one line of policy for each action and scope, and each user in the group of their widest scope of
// each action. It reads the accounts where they are.
func Prepared() *Engine { return &Engine{state: statePrepared} }

func statePrepared(e *Engine, w *workload.World) error {
	chart, users := spelt{w, w.Chart(), map[string]workload.UserID{}}, make([]string, len(w.Users))
	var lines, members [][]string
	for do := range workload.ActionCount {
		for s := workload.Own; s <= workload.All; s++ {
			lines = append(lines, []string{group(do, s), do.String(), s.String()})
		}
	}
	for u := range w.Users {
		users[u] = strconv.Itoa(u)
		chart.byName[users[u]] = workload.UserID(u)
		for do, s := range chart.Widest[u] {
			if s != workload.None {
				members = append(members, []string{users[u], group(workload.Action(do), s)})
			}
		}
	}
	e.subject = func(u workload.UserID) any { return users[u] }
	e.object = func(id workload.AccountID) any { return &w.Accounts[id] }
	err := e.open(prepared, lines, map[string][][]string{"g": members})
	if err == nil {
		e.enforcer.AddFunction("reaches", chart.reaches)
	}
	return err
}

func group(do workload.Action, s workload.Scope) string { return fmt.Sprintf("%s %s", do, s) }

// spelt is the organisation spelt out.
type spelt struct {
	*workload.World
	*workload.Chart
	byName map[string]workload.UserID
}

// reaches is the function of the matcher.
func (x spelt) reaches(args ...any) (any, error) {
	name, ok := args[0].(string)
	do, ok2 := args[1].(string)
	scope, ok3 := args[2].(string)
	a, ok4 := args[3].(*workload.Account)
	if !ok || !ok2 || !ok3 || !ok4 {
		return false, fmt.Errorf("casbin: reaches was called with %v", args)
	}
	u := x.byName[name]
	home := x.Users[u].Department
	switch scope {
	case "all":
		return true, nil
	case "subtree":
		if slices.Contains(x.Above[a.Department], home) {
			return true, nil
		}
		fallthrough
	case "department":
		if a.Department == home {
			return true, nil
		}
		fallthrough
	case "reports":
		if slices.Contains(x.Superiors[a.Owner], u) {
			return true, nil
		}
	}
	if a.Owner == u {
		return true, nil
	}
	needs := workload.Edit
	switch do {
	case "view":
		needs = workload.View
	case "delete":
		return false, nil
	}
	for _, m := range a.Team {
		if m.User == u && m.May.Covers(needs) {
			return true, nil
		}
	}
	return a.Share.Department == home && a.Share.May.Covers(needs), nil
}
