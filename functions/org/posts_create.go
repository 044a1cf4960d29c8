package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
)

type postBody struct {
	Department id.Department          `json:"departmentId"`
	Name       string                 `json:"name"`
	Roles      patch.Field[[]id.Role] `json:"roleIds,omitzero"`
}

func createPost(s *org.Store) func(context.Context, *edge.Request[postBody]) (*edge.Reply[post], error) {
	return func(ctx context.Context, r *edge.Request[postBody]) (*edge.Reply[post], error) {
		p, err := s.CreatePost(ctx, r.Who, r.Change, r.In.Department, org.PostPatch{Name: patch.Of(r.In.Name), Roles: r.In.Roles})
		reply, err := answerPost(p, err)
		if err == nil {
			reply.Location = "/v1/posts/" + string(p.ID)
		}
		return reply, err
	}
}
