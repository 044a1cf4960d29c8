package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
)

type departmentPatch struct {
	Name             patch.Field[string]  `json:"name,omitzero"`
	Responsibilities patch.Field[string]  `json:"responsibilities,omitzero"`
	Head             patch.Field[id.User] `json:"headId,omitzero"`
}

func updateDepartment(s *org.Store) func(context.Context, *edge.Request[departmentPatch]) (*edge.Reply[department], error) {
	return func(ctx context.Context, r *edge.Request[departmentPatch]) (*edge.Reply[department], error) {
		d, err := edge.PathID[id.Department](r, "id")
		if err != nil {
			return nil, err
		}
		return answerDepartment(s.UpdateDepartment(ctx, r.Who, r.Change, d, r.IfMatch, org.DepartmentPatch(r.In)))
	}
}
