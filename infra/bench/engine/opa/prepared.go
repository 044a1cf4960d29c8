package opa

import (
	"strconv"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// prepared numbers the scopes from 1 and the strengths of grants likewise. A rule that an index can pick by its constant is the quickest.
const prepared = `package crm

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

// Prepared is handed what Steward compiles.
func Prepared() *Engine { return &Engine{stated: stated{prepared, spellOut}} }

func spellOut(w *workload.World) map[string]any {
	chart := w.Chart()
	us, ds := make(map[string]any, len(w.Users)), make(map[string]any, len(w.Parents))
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
	return map[string]any{"users": us, "departments": ds}
}
