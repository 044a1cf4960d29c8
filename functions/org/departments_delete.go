package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
)

func deleteDepartment(s *org.Store, a org.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
		d, err := edge.PathID[id.Department](r, "id")
		if err != nil {
			return nil, err
		}
		return nil, s.DeleteDepartment(ctx, r.Who, r.Change, d, r.IfMatch, a)
	}
}
