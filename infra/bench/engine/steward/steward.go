// Package steward is Steward's own engine: package policy for the decision.
package steward

import (
	"fmt"

	"github.com/steward-crm/steward/infra/bench/workload"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

const tenant id.Tenant = "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB"

var (
	actions = [...]policy.Action{workload.View: policy.View, workload.Edit: policy.Update, workload.Delete: policy.Delete}
	scopes  = [...]policy.Scope{
		workload.None: policy.None, workload.Own: policy.Own, workload.Reports: policy.Reports,
		workload.Department: policy.Department, workload.Subtree: policy.Subtree, workload.All: policy.All,
	}
)

// Engine keeps what access keeps: the compiled rights of each user. The accounts stay where they are.
type Engine struct {
	w           *workload.World
	subjects    []policy.Subject
	users       []id.User
	departments []id.Department
}

// Load compiles the rights of every user.
func (e *Engine) Load(w *workload.World) error {
	e.w = w
	for i := range w.Users {
		e.users = append(e.users, id.User(fmt.Sprintf("user_01JD3Z4T0X8Y6QH2N5W7%06d", i)))
	}
	for i := range w.Parents {
		e.departments = append(e.departments, id.Department(fmt.Sprintf("dept_01JD3Z4T0X8Y6QH2N5W7%06d", i)))
	}
	chart, roles := w.Chart(), roles(w)
	for i, x := range w.Users {
		at := policy.Chart{User: e.users[i], Department: e.departments[x.Department]}
		for _, u := range chart.Reports[i] {
			at.Reports = append(at.Reports, e.users[u])
		}
		for _, d := range chart.Below[x.Department] {
			at.Below = append(at.Below, e.departments[d])
		}
		var held []policy.Role
		for _, r := range x.Roles {
			held = append(held, roles[r])
		}
		e.subjects = append(e.subjects, policy.Subject{
			Principal: principal.Principal{Tenant: tenant, User: at.User},
			Org:       principal.Tenant{ID: tenant, Status: principal.TenantActive},
			Self:      principal.Standing{Place: principal.Place{User: at.User, Department: at.Department}, Status: principal.UserActive},
			Rights:    policy.Compile(at, held),
		})
	}
	return nil
}

func roles(w *workload.World) (out []policy.Role) {
	for i, r := range w.Roles {
		role := policy.Role{ID: id.Role(fmt.Sprintf("role_01JD3Z4T0X8Y6QH2N5W7%06d", i)), Name: r.Name, Level: policy.Level(r.Level)}
		for a, s := range r.Scopes {
			if s != workload.None {
				role.Grants = append(role.Grants, policy.Grant{Module: policy.ModAccount, Action: actions[a], Scope: scopes[s]})
			}
		}
		for f, name := range workload.Fields {
			role.Fields = append(role.Fields, policy.FieldRule{Module: policy.ModAccount, Field: name, Access: policy.Access(r.Access[f])})
		}
		out = append(out, role)
	}
	return out
}

// Check decides.
func (e *Engine) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	a := &e.w.Accounts[id]
	return policy.Decide(&e.subjects[u], policy.ModAccount, actions[do], policy.Resource{
		Tenant: tenant, Owner: e.users[a.Owner], Department: e.departments[a.Department],
	}).Allowed, nil
}

// Scoped says that policy.Resource carries no team and no shares.
func (e *Engine) Scoped() {}

// Close has nothing to give back.
func (e *Engine) Close() {}
