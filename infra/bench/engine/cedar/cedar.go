// Package cedar states the workload in Cedar and has cedar-go decide.
package cedar

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/batch"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// reaches is what each scope adds to the one before it. A user is in the group of their widest scope and of all narrower ones.
var reaches = [...]string{
	workload.Own:        `resource.owner == principal`,
	workload.Reports:    `resource.owner.superiors.contains(principal)`,
	workload.Department: `resource.department == principal.department`,
	workload.Subtree:    `resource.department.above.contains(principal.department)`,
	workload.All:        `true`,
}

// granted is what a record grant adds for whoever holds the action at all.
var granted = [...]string{
	workload.View: `resource.readers.contains(principal) || resource.readers.contains(principal.department)`,
	workload.Edit: `resource.editors.contains(principal) || resource.editors.contains(principal.department)`,
}

// Engine holds one policy set for each action, so that cedar-go, which evaluates every policy of a set, is spared those of other actions.
type Engine struct {
	policies    [workload.ActionCount]*cedar.PolicySet
	entities    types.EntityMap
	actions     [workload.ActionCount]types.EntityUID
	users       []types.EntityUID
	departments []types.EntityUID
	accounts    []types.EntityUID
}

func group(do workload.Action, s workload.Scope) types.EntityUID {
	return types.NewEntityUID("Group", types.String(fmt.Sprintf("%s %s", do, s)))
}

// Load writes the policies and makes the entities.
func (e *Engine) Load(w *workload.World) error {
	for do := range workload.ActionCount {
		e.actions[do] = types.NewEntityUID("Action", types.String(do.String()))
		text := policies(do)
		set, err := cedar.NewPolicySetFromBytes("workload.cedar", []byte(text))
		if err != nil {
			return err
		}
		e.policies[do] = set
	}
	e.entities = make(types.EntityMap, len(w.Users)+len(w.Parents)+len(w.Accounts))
	e.users, e.departments = uids("User", len(w.Users)), uids("Department", len(w.Parents))
	e.accounts = uids("Account", len(w.Accounts))
	e.organisation(w)
	for i, a := range w.Accounts {
		e.entities[e.accounts[i]] = types.Entity{UID: e.accounts[i], Attributes: types.NewRecord(types.RecordMap{
			"owner": e.users[a.Owner], "department": e.departments[a.Department],
			"readers": e.holders(a, workload.View), "editors": e.holders(a, workload.Edit),
		})}
	}
	return nil
}

func policies(do workload.Action) string {
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
	return b.String()
}

func uids(kind types.EntityType, n int) []types.EntityUID {
	out := make([]types.EntityUID, n)
	for i := range out {
		out[i] = types.NewEntityUID(kind, types.String(strconv.Itoa(i)))
	}
	return out
}

func (e *Engine) organisation(w *workload.World) {
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
		e.entities[e.users[u]] = types.Entity{
			UID: e.users[u], Parents: types.NewEntityUIDSet(groups...),
			Attributes: types.NewRecord(types.RecordMap{"department": e.departments[x.Department], "superiors": types.NewSet(superiors...)}),
		}
	}
	for d := range w.Parents {
		above := make([]types.Value, 0, len(chart.Above[d]))
		for _, p := range chart.Above[d] {
			above = append(above, e.departments[p])
		}
		e.entities[e.departments[d]] = types.Entity{UID: e.departments[d], Attributes: types.NewRecord(types.RecordMap{"above": types.NewSet(above...)})}
	}
}

// holders are the users and the department whom a record grant allows the action.
func (e *Engine) holders(a workload.Account, do workload.Action) types.Set {
	var out []types.Value
	for _, m := range a.Team {
		if m.May.Covers(do) {
			out = append(out, e.users[m.User])
		}
	}
	if a.Share.May.Covers(do) {
		out = append(out, e.departments[a.Share.Department])
	}
	return types.NewSet(out...)
}

// Check asks cedar-go.
func (e *Engine) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	answer, why := cedar.Authorize(e.policies[do], e.entities, cedar.Request{
		Principal: e.users[u], Action: e.actions[do], Resource: e.accounts[id],
	})
	if len(why.Errors) > 0 {
		return false, errors.New(why.Errors[0].String())
	}
	return answer == cedar.Allow, nil
}

var errEnough = errors.New("enough accounts found")

// Filter uses cedar-go's batches, which evaluate beforehand all that does not depend on the account.
func (e *Engine) Filter(u workload.UserID, among []workload.AccountID, n int) ([]workload.AccountID, error) {
	resources := make([]types.Value, len(among))
	for i, id := range among {
		resources[i] = e.accounts[id]
	}
	var out []workload.AccountID
	at := 0
	err := batch.Authorize(context.Background(), e.policies[workload.View], e.entities, batch.Request{
		Principal: e.users[u], Action: e.actions[workload.View], Resource: batch.Variable("account"), Context: types.NewRecord(nil),
		Variables: batch.Variables{"account": resources},
	}, func(r batch.Result) error {
		if r.Decision == cedar.Allow {
			out = append(out, among[at])
		}
		at++
		if len(out) == n {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// Close has nothing to give back.
func (e *Engine) Close() {}
