package me

import (
	"context"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

type rights struct {
	RoleIDs       []id.Role            `json:"roleIds"` // held directly; the roles of posts come on top
	Grants        []policy.Grant       `json:"grants"`  // what all roles together give, in the order of the catalogue
	Roles         []heldRole           `json:"roles"`   // all of them
	Level         string               `json:"level,omitzero"`
	Fields        []policy.FieldAccess `json:"fields"`        // those that are narrower than edit, for each action that is granted
	Departments   []id.Department      `json:"departmentIds"` // where the user counts as sitting: their own, and those that they head
	DirectReports int                  `json:"directReports"`
}

type heldRole struct {
	ID      id.Role   `json:"id"`
	Name    string    `json:"name"`
	Version int64     `json:"version"`
	Direct  bool      `json:"direct"`
	Posts   []id.Post `json:"postIds,omitzero"` // that bring it
}

func permissions(a *access.Access) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[rights], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[rights], error) {
		c, err := a.Compiled(ctx, r.Who.Org)
		if err != nil {
			return nil, err
		}
		out := rights{
			RoleIDs: r.Who.Self.Roles, Grants: policy.Held(r.Who), Level: string(r.Who.Level()), Fields: policy.Narrowed(r.Who),
			Departments: r.Who.DepartmentIDs(policy.Department), DirectReports: c.DirectReports(r.Who.User),
		}
		for _, h := range c.Held(r.Who.Self.Place) {
			out.Roles = append(out.Roles, heldRole{h.ID, h.Name, h.Version, h.Direct, h.Posts})
		}
		return &edge.Reply[rights]{Body: out}, nil
	}
}
