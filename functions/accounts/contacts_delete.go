package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

func deleteContact(a *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
		which, contact, err := contactOf(r)
		if err != nil {
			return nil, err
		}
		return nil, a.DeleteContact(ctx, r.Who, r.Change, which, contact, r.IfMatch)
	}
}
