package cedar

import (
	"fmt"
	"iter"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// rule is a policy: who may do what, and when; always, when there is no condition. No two rules have the same group and action.
type rule struct {
	group types.EntityUID
	do    workload.Action
	when  string
}

func (r rule) text() string {
	text := fmt.Sprintf("permit (principal in %s, action == Action::%q, resource)", r.group, r.do)
	if r.when != "" {
		text += " when { " + r.when + " }"
	}
	return text + ";\n"
}

// shared is the condition with what a record grant adds, where one does.
func shared(do workload.Action, when string) string {
	if int(do) < len(granted) {
		return when + " || " + granted[do]
	}
	return when
}

// policies are the policies by their scopes, or all of them.
type policies struct {
	all *cedar.PolicySet
	by  [workload.ActionCount]map[types.EntityUID]*cedar.Policy
}

func parse(rules []rule, whole bool) (out policies, err error) {
	var all strings.Builder
	for _, r := range rules {
		all.WriteString(r.text())
		set, err := cedar.NewPolicySetFromBytes("workload.cedar", []byte(r.text()))
		if err != nil {
			return out, err
		}
		if out.by[r.do] == nil {
			out.by[r.do] = map[types.EntityUID]*cedar.Policy{}
		}
		for _, p := range set.All() {
			out.by[r.do][r.group] = p
		}
	}
	if whole {
		out.all, err = cedar.NewPolicySetFromBytes("workload.cedar", []byte(all.String()))
	}
	return out, err
}

// of gives the policies that may matter when somebody asks to do something.
func (p policies) of(who types.Entity, do workload.Action) cedar.PolicyIterator {
	if p.all != nil {
		return p.all
	}
	return slice{p.by[do], who.Parents}
}

// slice is the policies of some groups.
type slice struct {
	by     map[types.EntityUID]*cedar.Policy
	groups types.EntityUIDSet
}

// All implements cedar.PolicyIterator. Policies are named after their groups.
func (s slice) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for g := range s.groups.All() {
			if p := s.by[g]; p != nil && !yield(cedar.PolicyID(g.ID), p) {
				return
			}
		}
	}
}
