package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
)

type postMove struct {
	Department id.Department `json:"departmentId"`
}

func movePost(s *org.Store) func(context.Context, *edge.Request[postMove]) (*edge.Reply[post], error) {
	return func(ctx context.Context, r *edge.Request[postMove]) (*edge.Reply[post], error) {
		p, err := edge.PathID[id.Post](r, "id")
		if err != nil {
			return nil, err
		}
		return answerPost(s.MovePost(ctx, r.Who, r.Change, p, r.IfMatch, r.In.Department))
	}
}
