package permissions

import (
	"context"
	"strconv"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
)

const maxChecks = 100

type question struct {
	Module string `json:"module"`
	Action string `json:"action"`
}

type checkBody struct {
	Checks []question `json:"checks"`
}

type result struct {
	Module  string `json:"module"`
	Action  string `json:"action"`
	Allowed bool   `json:"allowed"`
	Scope   string `json:"scope,omitzero"` // the widest that a role grants; absent when denied
}

type results struct {
	Results []result `json:"results"`
}

// check denies what the catalogue does not have, as policy does.
func check(_ context.Context, r *edge.Request[checkBody]) (*edge.Reply[results], error) {
	if n := len(r.In.Checks); n == 0 || n > maxChecks {
		return nil, fault.Fields(fault.At("/checks", "too_many_checks", "max", strconv.Itoa(maxChecks)))
	}
	out := results{Results: make([]result, 0, len(r.In.Checks))}
	for _, q := range r.In.Checks {
		one := result{Module: q.Module, Action: q.Action}
		if scope := policy.May(r.Who, policy.Module(q.Module), policy.Action(q.Action)); scope != policy.None {
			one.Allowed, one.Scope = true, scope.String()
		}
		out.Results = append(out.Results, one)
	}
	return &edge.Reply[results]{Body: out}, nil
}
