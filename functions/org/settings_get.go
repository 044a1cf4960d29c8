package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/org"
)

func getSettings(s *org.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[settings], error) {
	return func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[settings], error) {
		return showSettings(s.Settings(r.Who))
	}
}
