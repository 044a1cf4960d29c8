package categories

import (
	"context"

	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/patch"
)

type createBody struct {
	Name        string                         `json:"name"`
	Description patch.Field[string]            `json:"description,omitzero"`
	Use         patch.Field[category.UsePatch] `json:"use,omitzero"`
	Grants      patch.Field[[]category.Grant]  `json:"grants,omitzero"`
}

func create(s *category.Store) func(context.Context, *edge.Request[createBody]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[createBody]) (*edge.Reply[body], error) {
		reply, err := answer(s.Create(ctx, r.Who, r.Change, category.Patch{
			Name: patch.Of(r.In.Name), Description: r.In.Description, Use: r.In.Use, Grants: r.In.Grants,
		}))
		if err != nil {
			return nil, err
		}
		reply.Location = "/v1/categories/" + string(reply.Body.ID)
		return reply, nil
	}
}
