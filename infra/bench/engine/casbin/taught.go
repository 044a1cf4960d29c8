package casbin

import (
	"strconv"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// taught is roles with attributes. g has the roles of users, g2 the managers of users, g3 the departments above departments.
const taught = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, act, scope
[role_definition]
g = _, _
g2 = _, _
g3 = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && g(r.sub.Name, p.sub) && (p.scope == "all" || r.obj.Owner == r.sub.Name || \
  p.scope != "own" && g2(r.obj.Owner, r.sub.Name) || \
  p.scope == "department" && r.obj.Department == r.sub.Department || \
  p.scope == "subtree" && g3(r.obj.Department, r.sub.Department) || \
  r.act == "view" && (r.sub.Name in (r.obj.Readers) || r.sub.Department in (r.obj.Readers)) || \
  r.act == "edit" && (r.sub.Name in (r.obj.Editors) || r.sub.Department in (r.obj.Editors)))
`

type user struct{ Name, Department string }

// account has the attributes of an account. Readers and Editors are users and departments, in the form that the operator in takes.
type account struct {
	Owner, Department string
	Readers, Editors  []any
}

// Taught has casbin work out from roles and organisation what a user may do.
func Taught() *Engine { return &Engine{state: stateTaught} }

func stateTaught(e *Engine, w *workload.World) error {
	users, accounts, links := make([]user, len(w.Users)), make([]account, len(w.Accounts)), map[string][][]string{}
	for i, x := range w.Users {
		me := name(workload.UserID(i))
		users[i] = user{me, department(x.Department)}
		for _, r := range x.Roles {
			links["g"] = append(links["g"], []string{me, "role " + w.Roles[r].Name})
		}
		if x.Manager != workload.Nobody {
			links["g2"] = append(links["g2"], []string{me, name(x.Manager)})
		}
	}
	for i, parent := range w.Parents {
		if parent != workload.Nowhere {
			links["g3"] = append(links["g3"], []string{department(workload.DepartmentID(i)), department(parent)})
		}
	}
	var lines [][]string
	for _, r := range w.Roles {
		for do, s := range r.Scopes {
			if s != workload.None {
				lines = append(lines, []string{"role " + r.Name, e.actions[do], s.String()})
			}
		}
	}
	for i, a := range w.Accounts {
		accounts[i] = account{name(a.Owner), department(a.Department), holders(a, workload.View), holders(a, workload.Edit)}
	}
	e.subject = func(u workload.UserID) any { return &users[u] }
	e.object = func(id workload.AccountID) any { return &accounts[id] }
	return e.open(taught, lines, links)
}

func name(u workload.UserID) string             { return "user " + strconv.Itoa(int(u)) }
func department(d workload.DepartmentID) string { return "department " + strconv.Itoa(int(d)) }

// holders are the users and the department whom a record grant allows the action.
func holders(a workload.Account, do workload.Action) []any {
	out := []any{}
	for _, m := range a.Team {
		if m.May.Covers(do) {
			out = append(out, name(m.User))
		}
	}
	if a.Share.May.Covers(do) {
		out = append(out, department(a.Share.Department))
	}
	return out
}
