package me

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/signin"
)

type confirmBody struct {
	Attribute identity.Attribute `json:"attribute"`
	Code      string             `json:"code"`
}

func confirmVerification(d *signin.Desk) func(context.Context, *edge.Request[confirmBody]) (*edge.Reply[verification], error) {
	return func(ctx context.Context, r *edge.Request[confirmBody]) (*edge.Reply[verification], error) {
		if err := notDry(r.DryRun); err != nil {
			return nil, err
		}
		if err := d.ConfirmVerification(ctx, r.Who, r.In.Attribute, r.In.Code); err != nil {
			return nil, err
		}
		return &edge.Reply[verification]{Body: verification{r.In.Attribute, "verified"}}, nil
	}
}
