package me

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/signin"
	"github.com/steward-crm/steward/shared/user"
)

type updateBody struct {
	Name            patch.Field[string] `json:"name,omitzero"`
	Email           patch.Field[string] `json:"email,omitzero"`
	Phone           patch.Field[string] `json:"phone,omitzero"`
	Locale          patch.Field[string] `json:"locale,omitzero"`
	CurrentPassword string              `json:"currentPassword,omitzero"` // when e-mail or phone change
}

func update(users *user.Store, d *signin.Desk) func(context.Context, *edge.Request[updateBody]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[updateBody]) (*edge.Reply[body], error) {
		was, err := users.Load(ctx, r.Who.Tenant, r.Who.User)
		if err != nil {
			return nil, err
		}
		u, err := users.UpdateSelf(ctx, r.Who, r.Change, r.IfMatch, user.SelfPatch{
			Name: r.In.Name, Email: r.In.Email, Phone: r.In.Phone, Locale: r.In.Locale,
		})
		if err != nil {
			return nil, err
		}
		if u.Canonical != was.Canonical || u.Phone != was.Phone {
			if err := d.ProveSelf(ctx, r.Who, r.In.CurrentPassword); err != nil {
				return nil, err
			}
		}
		return answer(r.Who, u), nil
	}
}
