package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

func getContact(a *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[*account.Contact], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[*account.Contact], error) {
		which, contact, err := contactOf(r)
		if err != nil {
			return nil, err
		}
		x, err := a.Contact(ctx, r.Who, which, contact)
		if err != nil {
			return nil, err
		}
		return answerContact(x), nil
	}
}
