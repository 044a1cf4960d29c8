package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
)

type departmentMove struct {
	Parent patch.Field[id.Department] `json:"parentId"` // null: a root
}

func moveDepartment(s *org.Store) func(context.Context, *edge.Request[departmentMove]) (*edge.Reply[department], error) {
	return func(ctx context.Context, r *edge.Request[departmentMove]) (*edge.Reply[department], error) {
		d, err := edge.PathID[id.Department](r, "id")
		if err != nil {
			return nil, err
		}
		if !r.In.Parent.Set { // to the roots only when told so
			return nil, fault.Fields(fault.At("/parentId", "required"))
		}
		return answerDepartment(s.MoveDepartment(ctx, r.Who, r.Change, d, r.IfMatch, r.In.Parent.Value))
	}
}
