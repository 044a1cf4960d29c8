// Package casbin states the workload as a Casbin model and has casbin decide.
package casbin

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// text is role based access with attributes: a line of policy gives a group an action in a scope, and a function looks whether the scope
// reaches the record. Lines for each record would have casbin walk through all of them at every question.
const text = `
[request_definition]
r = sub, act, obj
[policy_definition]
p = sub, act, scope
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && g(r.sub, p.sub) && reaches(r.sub, r.act, p.scope, r.obj)
`

// Engine reads the accounts where they are.
type Engine struct {
	w        *workload.World
	chart    *workload.Chart
	enforcer *casbin.Enforcer
	users    []string
	byName   map[string]workload.UserID
}

// Load writes one line of policy for each action and scope, and groups each user under their widest scope of each action.
func (e *Engine) Load(w *workload.World) error {
	e.w, e.chart, e.byName = w, w.Chart(), map[string]workload.UserID{}
	m, err := model.NewModelFromString(text)
	if err != nil {
		return err
	}
	if e.enforcer, err = casbin.NewEnforcer(m); err != nil {
		return err
	}
	e.enforcer.AddFunction("reaches", e.reaches)
	var lines, members [][]string
	for do := range workload.ActionCount {
		for s := workload.Own; s <= workload.All; s++ {
			lines = append(lines, []string{group(do, s), do.String(), s.String()})
		}
	}
	for u := range w.Users {
		name := strconv.Itoa(u)
		e.users, e.byName[name] = append(e.users, name), workload.UserID(u)
		for do, s := range e.chart.Widest[u] {
			if s != workload.None {
				members = append(members, []string{name, group(workload.Action(do), s)})
			}
		}
	}
	if _, err := e.enforcer.AddPolicies(lines); err != nil {
		return err
	}
	_, err = e.enforcer.AddGroupingPolicies(members)
	return err
}

func group(do workload.Action, s workload.Scope) string { return fmt.Sprintf("%s %s", do, s) }

// reaches is the function of the matcher.
func (e *Engine) reaches(args ...any) (any, error) {
	name, ok := args[0].(string)
	do, ok2 := args[1].(string)
	scope, ok3 := args[2].(string)
	a, ok4 := args[3].(*workload.Account)
	if !ok || !ok2 || !ok3 || !ok4 {
		return false, fmt.Errorf("casbin: reaches was called with %v", args)
	}
	u := e.byName[name]
	home := e.w.Users[u].Department
	switch scope {
	case "all":
		return true, nil
	case "subtree":
		if slices.Contains(e.chart.Above[a.Department], home) {
			return true, nil
		}
		fallthrough
	case "department":
		if a.Department == home {
			return true, nil
		}
		fallthrough
	case "reports":
		if slices.Contains(e.chart.Superiors[a.Owner], u) {
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

// Check asks casbin.
func (e *Engine) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	return e.enforcer.Enforce(e.users[u], do.String(), &e.w.Accounts[id])
}

// Close has nothing to give back.
func (e *Engine) Close() {}
