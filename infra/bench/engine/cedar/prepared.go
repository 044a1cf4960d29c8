package cedar

import (
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// Prepared is handed what Steward compiles: each user is in the group of their widest scope of each action, and knows all their superiors.
func Prepared() *Engine { return &Engine{model: model{rules: ofGroups, organisation: spellOut}} }

// reaches is what each scope adds to the one before it; all needs no condition.
var reaches = [...]string{
	workload.Own:        `resource.owner == principal`,
	workload.Reports:    `resource.owner.superiors.contains(principal)`,
	workload.Department: `resource.department == principal.department`,
	workload.Subtree:    `resource.department.above.contains(principal.department)`,
}

func group(do workload.Action, s workload.Scope) types.EntityUID {
	return types.NewEntityUID("Group", types.String(fmt.Sprintf("%s %s", do, s)))
}

// ofGroups makes a rule for each action and scope.
func ofGroups(*workload.World) (out []rule) {
	for do := range workload.ActionCount {
		for s := workload.Own; s < workload.All; s++ {
			out = append(out, rule{group(do, s), do, shared(do, strings.Join(reaches[workload.Own:s+1], " || "))})
		}
		out = append(out, rule{group(do, workload.All), do, ""})
	}
	return out
}

func spellOut(e *Engine, w *workload.World) {
	chart := w.Chart()
	for u, x := range w.Users {
		var groups []types.EntityUID
		for do, widest := range chart.Widest[u] {
			if widest != workload.None {
				groups = append(groups, group(workload.Action(do), widest))
			}
		}
		superiors := make([]types.Value, 0, len(chart.Superiors[u]))
		for _, m := range chart.Superiors[u] {
			superiors = append(superiors, e.users[m])
		}
		e.add(types.Entity{
			UID: e.users[u], Parents: types.NewEntityUIDSet(groups...),
			Attributes: types.NewRecord(types.RecordMap{"department": e.departments[x.Department], "superiors": types.NewSet(superiors...)}),
		})
	}
	for d := range w.Parents {
		above := make([]types.Value, 0, len(chart.Above[d]))
		for _, p := range chart.Above[d] {
			above = append(above, e.departments[p])
		}
		e.add(types.Entity{UID: e.departments[d], Attributes: types.NewRecord(types.RecordMap{"above": types.NewSet(above...)})})
	}
}
