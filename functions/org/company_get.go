package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/org"
)

func getCompany(s *org.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[company], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[company], error) {
		return showCompany(s.Company(ctx, r.Who))
	}
}
