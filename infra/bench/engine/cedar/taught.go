package cedar

import (
	"github.com/cedar-policy/cedar-go/types"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// Taught has Cedar work out from roles and organisation what a user may do, over one set of policies, as in cedar-go's own example.
func Taught() *Engine { return &Engine{model: model{ofRoles, chart, true}} }

// Sliced is Taught where the application looks up the policies of the action and the user's roles and hands Cedar only those.
func Sliced() *Engine { return &Engine{model: model{rules: ofRoles, organisation: chart}} }

// within is what each scope reaches, the one before it included; all needs no condition.
var within = [...]string{
	workload.Own:        `resource.owner == principal`,
	workload.Reports:    `resource.owner.line in principal.line`,
	workload.Department: `resource.owner.line in principal.line || resource.department == principal.department`,
	workload.Subtree:    `resource.owner.line in principal.line || resource.department in principal.department`,
}

// ofRoles makes a rule for each role and action.
func ofRoles(w *workload.World) (out []rule) {
	for _, r := range w.Roles {
		for i, s := range r.Scopes {
			switch do := workload.Action(i); s {
			case workload.None:
			case workload.All:
				out = append(out, rule{role(r), do, ""})
			default:
				out = append(out, rule{role(r), do, shared(do, within[s])})
			}
		}
	}
	return out
}

func role(r workload.Role) types.EntityUID { return types.NewEntityUID("Role", types.String(r.Name)) }

// chart makes the roles parents of their holders. Reporting lines are entities of their own, each below the manager's: were
// managers parents of their reports, these would be in their managers' roles, too.
func chart(e *Engine, w *workload.World) {
	lines := uids("Line", len(w.Users))
	for u, x := range w.Users {
		var roles []types.EntityUID
		for _, r := range x.Roles {
			roles = append(roles, role(w.Roles[r]))
		}
		e.add(types.Entity{
			UID: e.users[u], Parents: types.NewEntityUIDSet(roles...),
			Attributes: types.NewRecord(types.RecordMap{"department": e.departments[x.Department], "line": lines[u]}),
		})
		line := types.Entity{UID: lines[u]}
		if x.Manager != workload.Nobody {
			line.Parents = types.NewEntityUIDSet(lines[x.Manager])
		}
		e.add(line)
	}
	for d, parent := range w.Parents {
		x := types.Entity{UID: e.departments[d]}
		if parent != workload.Nowhere {
			x.Parents = types.NewEntityUIDSet(e.departments[parent])
		}
		e.add(x)
	}
}
