package cedar

import (
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// Prepared is handed what Steward compiles: each user is in the groups of their widest scope of each action, and knows all their superiors.
func Prepared() *Engine { return &Engine{model: model{preparedPolicies, preparedOrganisation}} }

// reaches is what each scope adds to the one before it. A user is in the group of their widest scope and of all narrower ones.
var reaches = [...]string{
	workload.Own:        `resource.owner == principal`,
	workload.Reports:    `resource.owner.superiors.contains(principal)`,
	workload.Department: `resource.department == principal.department`,
	workload.Subtree:    `resource.department.above.contains(principal.department)`,
	workload.All:        `true`,
}

func group(do workload.Action, s workload.Scope) types.EntityUID {
	return types.NewEntityUID("Group", types.String(fmt.Sprintf("%s %s", do, s)))
}

// preparedPolicies makes one set for each action.
func preparedPolicies(*workload.World) (choose, error) {
	var sets [workload.ActionCount]*cedar.PolicySet
	for do := range workload.ActionCount {
		var b strings.Builder
		permit := func(s workload.Scope, when string) {
			fmt.Fprintf(&b, "permit (principal in %s, action == Action::%q, resource) when { %s };\n", group(do, s), do, when)
		}
		for s := workload.Own; s <= workload.All; s++ {
			permit(s, reaches[s])
		}
		if int(do) < len(granted) {
			permit(workload.Own, granted[do])
		}
		var err error
		if sets[do], err = parse(b.String()); err != nil {
			return nil, err
		}
	}
	return func(_ types.Entity, do workload.Action) cedar.PolicyIterator { return sets[do] }, nil
}

func preparedOrganisation(e *Engine, w *workload.World) {
	chart := w.Chart()
	for u, x := range w.Users {
		var groups []types.EntityUID
		for do, widest := range chart.Widest[u] {
			for s := workload.Own; s <= widest; s++ {
				groups = append(groups, group(workload.Action(do), s))
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
