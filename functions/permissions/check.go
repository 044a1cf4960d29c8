package permissions

import (
	"context"
	"strconv"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

const maxChecks = 100

type question struct {
	Module   string `json:"module"`
	Action   string `json:"action"`
	Resource string `json:"resourceId,omitzero"`
	Field    string `json:"field,omitzero"`
}

type checkBody struct {
	User   string     `json:"userId,omitzero"` // the user who asks by default
	Checks []question `json:"checks"`
}

type result struct {
	Module   string `json:"module"`
	Action   string `json:"action"`
	Resource string `json:"resourceId,omitzero"`
	Field    string `json:"field,omitzero"`
	Allowed  bool   `json:"allowed"`         // with a resource: on it; what is unknown and what may not be seen is denied alike
	Scope    string `json:"scope,omitzero"`  // without one: the widest that a role grants; absent when denied
	Access   string `json:"access,omitzero"` // to the field, when one is named: hidden, masked, read, edit
}

type results struct {
	Results []result `json:"results"`
}

// check denies what the catalogue does not have, as policy does.
func (a *asker) check(ctx context.Context, r *edge.Request[checkBody]) (*edge.Reply[results], error) {
	if n := len(r.In.Checks); n == 0 || n > maxChecks {
		return nil, fault.Fields(fault.At("/checks", "too_many_checks", "max", strconv.Itoa(maxChecks)))
	}
	s, err := a.subject(ctx, r.Who, r.In.User)
	if err != nil {
		return nil, err
	}
	known, err := a.known(ctx, r.Who, r.In.Checks)
	if err != nil {
		return nil, err
	}
	out := results{Results: make([]result, 0, len(r.In.Checks))}
	for _, q := range r.In.Checks {
		m, act := policy.Module(q.Module), policy.Action(q.Action)
		one := result{Module: q.Module, Action: q.Action, Resource: q.Resource, Field: q.Field}
		scope := policy.May(s, m, act)
		switch {
		case q.Resource != "":
			on, ok := known[place{partOf(m), q.Resource}]
			one.Allowed = ok && (s.User == r.Who.User || sees(r.Who, m, on)) && all(asked(policy.Question{Module: m, Action: act}, &on), s)
		case scope != policy.None:
			one.Allowed, one.Scope = true, scope.String()
		}
		if q.Field != "" {
			if one.Access = string(policy.Hidden); policy.DeclaredField(m, q.Field) {
				one.Access = string(s.Field(m, act, q.Field))
			}
		}
		out.Results = append(out.Results, one)
	}
	return &edge.Reply[results]{Body: out}, nil
}

// place is where a resource is looked for: among accounts or users, under its id.
type place struct {
	module   policy.Module
	resource string
}

// known reads all that the questions name, accounts together.
func (a *asker) known(ctx context.Context, who *policy.Subject, qs []question) (map[place]policy.Resource, error) {
	out := map[place]policy.Resource{}
	seen := map[place]bool{}
	var ids []id.Account
	for _, q := range qs {
		p := place{partOf(policy.Module(q.Module)), q.Resource}
		if q.Resource == "" || seen[p] {
			continue
		}
		seen[p] = true
		if x, err := id.Parse[id.Account](q.Resource); err == nil && p.module == policy.ModAccount {
			ids = append(ids, x)
			continue
		}
		on, ok, err := a.resource(ctx, who, p.module, q.Resource)
		if err != nil {
			return nil, err
		}
		if ok {
			out[p] = on
		}
	}
	found, err := a.accounts.Resources(ctx, who.Tenant, ids...)
	for x, on := range found {
		out[place{policy.ModAccount, string(x)}] = on
	}
	return out, err
}

// partOf is the module whose records those of the module are parts of: of contacts, notes and reminders the account.
func partOf(m policy.Module) policy.Module {
	switch m {
	case policy.ModContact, policy.ModNote, policy.ModReminder:
		return policy.ModAccount
	}
	return m
}

// asked are the questions that must be answered with yes for the act on the record.
func asked(q policy.Question, on *policy.Resource) []policy.Question {
	if partOf(q.Module) == policy.ModAccount {
		return account.Questions(q.Module, q.Action, q.Field, on)
	}
	q.On = on
	return []policy.Question{q}
}
