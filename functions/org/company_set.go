package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/sealed"
)

type companyBody struct {
	Name    string              `json:"name"`
	Address patch.Field[string] `json:"address,omitzero"`
	Phone   patch.Field[string] `json:"phone,omitzero"`
	Email   patch.Field[string] `json:"email,omitzero"`
}

func setCompany(s *org.Store) func(context.Context, *edge.Request[companyBody]) (*edge.Reply[company], error) {
	return func(ctx context.Context, r *edge.Request[companyBody]) (*edge.Reply[company], error) {
		b := r.In
		return showCompany(s.SetCompany(ctx, r.Who, r.Change, r.IfMatch,
			org.Company{Name: b.Name, Address: b.Address.Value, Phone: sealed.Text(b.Phone.Value), Email: sealed.Text(b.Email.Value)}))
	}
}
