package me

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/user"
)

type updateBody struct {
	Name   patch.Field[string] `json:"name,omitzero"`
	Email  patch.Field[string] `json:"email,omitzero"`
	Phone  patch.Field[string] `json:"phone,omitzero"`
	Locale patch.Field[string] `json:"locale,omitzero"`
}

func update(users *user.Store) func(context.Context, *edge.Request[updateBody]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[updateBody]) (*edge.Reply[body], error) {
		u, err := users.UpdateSelf(ctx, r.Who, r.Change, r.IfMatch, user.SelfPatch(r.In))
		if err != nil {
			return nil, err
		}
		return answer(r.Who, u), nil
	}
}
