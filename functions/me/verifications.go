package me

import (
	"context"
	"net/http"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/signin"
)

type verificationBody struct {
	Attribute identity.Attribute `json:"attribute"`
}

type verification struct {
	Attribute identity.Attribute `json:"attribute"`
	Status    string             `json:"status"` // sent, or verified
}

func startVerification(d *signin.Desk) func(context.Context, *edge.Request[verificationBody]) (*edge.Reply[verification], error) {
	return func(ctx context.Context, r *edge.Request[verificationBody]) (*edge.Reply[verification], error) {
		sent, err := d.StartVerification(ctx, r.Who, r.Change, r.In.Attribute)
		if err != nil {
			return nil, err
		}
		if !sent {
			return &edge.Reply[verification]{Status: http.StatusOK, Body: verification{r.In.Attribute, "verified"}}, nil
		}
		return &edge.Reply[verification]{Body: verification{r.In.Attribute, "sent"}}, nil
	}
}
