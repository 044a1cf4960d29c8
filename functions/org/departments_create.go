package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
)

type departmentBody struct {
	Name             string                     `json:"name"`
	Responsibilities patch.Field[string]        `json:"responsibilities,omitzero"`
	Head             patch.Field[id.User]       `json:"headId,omitzero"`
	Parent           patch.Field[id.Department] `json:"parentId,omitzero"`
}

func createDepartment(s *org.Store) func(context.Context, *edge.Request[departmentBody]) (*edge.Reply[department], error) {
	return func(ctx context.Context, r *edge.Request[departmentBody]) (*edge.Reply[department], error) {
		b := r.In
		d, err := s.CreateDepartment(ctx, r.Who, r.Change, b.Parent.Value,
			org.DepartmentPatch{Name: patch.Of(b.Name), Responsibilities: b.Responsibilities, Head: b.Head})
		reply, err := answerDepartment(d, err)
		if err == nil {
			reply.Location = "/v1/departments/" + string(d.ID)
		}
		return reply, err
	}
}
