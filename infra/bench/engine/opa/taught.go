package opa

import (
	"strconv"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// taught has roles list all scopes that a grant reaches, the narrower ones with it. An account's team and shares are numbered by strength.
const taught = `package crm

me := data.users[input.user]

granted(scope) if {
	some role in me.roles
	data.roles[role][input.action][scope]
}

needs := {"view": 1, "edit": 2}

reached(a) if granted("all")

reached(a) if { a.owner == input.user; granted("own") }

reached(a) if { granted("reports"); input.user in graph.reachable(data.managers, {a.owner}) }

reached(a) if { a.department == me.department; granted("department") }

reached(a) if { granted("subtree"); me.department in graph.reachable(data.parents, {a.department}) }

reached(a) if { a.team[input.user] >= needs[input.action]; granted("own") }

reached(a) if { a.shares[me.department] >= needs[input.action]; granted("own") }

allow if reached(data.accounts[input.account])

visible := [id | some id in input.accounts; reached(data.accounts[id])]
`

// Taught has OPA work out from roles and organisation what a user may do.
func Taught() *Engine { return &Engine{stated: stated{taught, charted}} }

func charted(w *workload.World) map[string]any {
	users, managers, parents, roles := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	for i, x := range w.Users {
		held := []any{}
		for _, r := range x.Roles {
			held = append(held, w.Roles[r].Name)
		}
		users[strconv.Itoa(i)] = map[string]any{"department": strconv.Itoa(int(x.Department)), "roles": held}
		managers[strconv.Itoa(i)] = above(x.Manager, workload.Nobody)
	}
	for i, parent := range w.Parents {
		parents[strconv.Itoa(i)] = above(parent, workload.Nowhere)
	}
	for _, r := range w.Roles {
		grants := map[string]any{}
		for do, widest := range r.Scopes {
			scopes := map[string]any{}
			for s := workload.Own; s <= widest; s++ {
				scopes[s.String()] = true
			}
			grants[workload.Action(do).String()] = scopes
		}
		roles[r.Name] = grants
	}
	return map[string]any{"users": users, "managers": managers, "parents": parents, "roles": roles}
}

// above is the edges of one node of a graph.
func above[ID workload.UserID | workload.DepartmentID](to, none ID) []any {
	if to == none {
		return []any{}
	}
	return []any{strconv.Itoa(int(to))}
}
