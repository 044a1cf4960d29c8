package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
)

func getDepartment(s *org.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[department], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[department], error) {
		d, err := edge.PathID[id.Department](r, "id")
		if err != nil {
			return nil, err
		}
		return answerDepartment(s.Department(ctx, r.Who, d))
	}
}
