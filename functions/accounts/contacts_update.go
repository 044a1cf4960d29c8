package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

func updateContact(a *account.Accounts) func(context.Context, *edge.Request[account.ContactPatch]) (*edge.Reply[*account.Contact], error) {
	return func(ctx context.Context, r *edge.Request[account.ContactPatch]) (*edge.Reply[*account.Contact], error) {
		which, contact, err := contactOf(r)
		if err != nil {
			return nil, err
		}
		x, err := a.UpdateContact(ctx, r.Who, r.Change, which, contact, r.IfMatch, r.In)
		if err != nil {
			return nil, err
		}
		return answerContact(x), nil
	}
}
