package me

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

type rights struct {
	Roles  []id.Role      `json:"roleIds"` // held directly; the roles of posts come on top
	Grants []policy.Grant `json:"grants"`  // what all roles together give, in the order of the catalogue
}

func permissions(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[rights], error) {
	return &edge.Reply[rights]{Body: rights{Roles: r.Who.Self.Roles, Grants: policy.Held(r.Who)}}, nil
}
