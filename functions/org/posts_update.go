package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
)

type postPatch struct {
	Name  patch.Field[string]    `json:"name,omitzero"`
	Roles patch.Field[[]id.Role] `json:"roleIds,omitzero"`
}

func updatePost(s *org.Store) func(context.Context, *edge.Request[postPatch]) (*edge.Reply[post], error) {
	return func(ctx context.Context, r *edge.Request[postPatch]) (*edge.Reply[post], error) {
		p, err := edge.PathID[id.Post](r, "id")
		if err != nil {
			return nil, err
		}
		return answerPost(s.UpdatePost(ctx, r.Who, r.Change, p, r.IfMatch, org.PostPatch(r.In)))
	}
}
