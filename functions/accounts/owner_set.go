package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func setOwner(a *account.Accounts) func(context.Context, *edge.Request[account.OwnerDraft]) (*edge.Reply[*account.Account], error) {
	return func(ctx context.Context, r *edge.Request[account.OwnerDraft]) (*edge.Reply[*account.Account], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		x, err := a.SetOwner(ctx, r.Who, r.Change, which, r.IfMatch, r.In)
		if err != nil {
			return nil, err
		}
		return answer(x), nil
	}
}
