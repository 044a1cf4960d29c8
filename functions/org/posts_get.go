package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
)

func getPost(s *org.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[post], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[post], error) {
		p, err := edge.PathID[id.Post](r, "id")
		if err != nil {
			return nil, err
		}
		return answerPost(s.Post(ctx, r.Who, p))
	}
}
