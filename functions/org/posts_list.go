package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
)

func listPosts(s *org.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[post]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[post]], error) {
		d := id.Department(r.Query.Get("departmentId"))
		found, next, err := s.Posts(ctx, r.Who, d, r.Page.After, r.Page.Limit)
		if err != nil {
			return nil, err
		}
		return edge.Listed(r, found, next, showPost, func() (int, error) { return s.CountPosts(ctx, r.Who, d) })
	}
}
