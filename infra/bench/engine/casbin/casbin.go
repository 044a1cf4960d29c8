// Package casbin states the workload as a Casbin model, twice, and has casbin decide.
//
// As its manual teaches (taught.go): permissions belong to roles, not to users, which keeps the lines of policy few
// (casbin.org/docs/performance); managers and departments are role hierarchies of their own beside that of users and roles
// (casbin.org/docs/rbac); user and account are structs whose attributes the matcher compares (casbin.org/docs/abac). The rules of the scopes
// stand in the matcher and not in the lines, since eval would parse each of them anew at every question. Prepared (prepared.go): what a user
// may do, and who is above whom, is worked out beforehand, and a function in Go compares it.
package casbin

import (
	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// Engine is an enforcer and what it is asked with: users and accounts in the form that the matcher takes.
type Engine struct {
	state    func(e *Engine, w *workload.World) error
	enforcer *casbin.Enforcer
	subject  func(workload.UserID) any
	object   func(workload.AccountID) any
	actions  [workload.ActionCount]string
}

// Load states the workload.
func (e *Engine) Load(w *workload.World) error {
	for do := range workload.ActionCount {
		e.actions[do] = do.String()
	}
	return e.state(e, w)
}

// open makes the enforcer of a model, with lines of policy and links of the role hierarchies by name.
func (e *Engine) open(text string, lines [][]string, links map[string][][]string) error {
	m, err := model.NewModelFromString(text)
	if err != nil {
		return err
	}
	if e.enforcer, err = casbin.NewEnforcer(m); err != nil {
		return err
	}
	for name, some := range links {
		if _, err := e.enforcer.AddNamedGroupingPolicies(name, some); err != nil {
			return err
		}
	}
	_, err = e.enforcer.AddPolicies(lines)
	return err
}

// Check asks casbin.
func (e *Engine) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	return e.enforcer.Enforce(e.subject(u), e.object(id), e.actions[do])
}

// Close has nothing to give back.
func (e *Engine) Close() {}
