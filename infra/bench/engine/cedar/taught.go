package cedar

import (
	"fmt"
	"iter"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// Taught has Cedar work out from roles and organisation what a user may do, and hands it the policies of the action and the user's roles.
func Taught() *Engine { return &Engine{model: model{sliced, taughtOrganisation}} }

// OneSet is Taught, but hands Cedar all policies.
func OneSet() *Engine { return &Engine{model: model{whole, taughtOrganisation}} }

// within is what each scope reaches, the one before it included; all needs no condition.
var within = [...]string{
	workload.Own:        `resource.owner == principal`,
	workload.Reports:    `resource.owner.line in principal.line`,
	workload.Department: `resource.owner.line in principal.line || resource.department == principal.department`,
	workload.Subtree:    `resource.owner.line in principal.line || resource.department in principal.department`,
}

// policy is that of a role and an action; "" when the role does not grant the action.
func policy(r workload.Role, do workload.Action) string {
	s := r.Scopes[do]
	if s == workload.None {
		return ""
	}
	text := fmt.Sprintf("permit (principal in %s, action == Action::%q, resource)", role(r), do)
	if s == workload.All {
		return text + ";\n"
	}
	when := within[s]
	if int(do) < len(granted) {
		when += " || " + granted[do]
	}
	return text + " when { " + when + " };\n"
}

func role(r workload.Role) types.EntityUID { return types.NewEntityUID("Role", types.String(r.Name)) }

// whole makes one set.
func whole(w *workload.World) (choose, error) {
	text := ""
	for _, r := range w.Roles {
		for do := range workload.ActionCount {
			text += policy(r, do)
		}
	}
	set, err := parse(text)
	return func(types.Entity, workload.Action) cedar.PolicyIterator { return set }, err
}

// sliced keeps the policies by their scopes. There is one for each role and action at most.
func sliced(w *workload.World) (choose, error) {
	var by [workload.ActionCount]map[types.EntityUID]*cedar.Policy
	for do := range workload.ActionCount {
		by[do] = map[types.EntityUID]*cedar.Policy{}
		for _, r := range w.Roles {
			set, err := parse(policy(r, do))
			if err != nil {
				return nil, err
			}
			for _, p := range set.All() {
				by[do][role(r)] = p
			}
		}
	}
	return func(who types.Entity, do workload.Action) cedar.PolicyIterator { return slice{by[do], who.Parents} }, nil
}

// slice is the policies of some roles.
type slice struct {
	by    map[types.EntityUID]*cedar.Policy
	roles types.EntityUIDSet
}

// All implements cedar.PolicyIterator. Policies are named after their roles.
func (s slice) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for r := range s.roles.All() {
			if p := s.by[r]; p != nil && !yield(cedar.PolicyID(r.ID), p) {
				return
			}
		}
	}
}

// taughtOrganisation makes the roles parents of their holders. Reporting lines are entities of their own, each below the manager's: were
// managers parents of their reports, these would be in their managers' roles, too.
func taughtOrganisation(e *Engine, w *workload.World) {
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
