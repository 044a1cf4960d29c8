package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

func listHolders(a *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Holder]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Holder]], error) {
		page, err := a.Holders(ctx, r.Who, r.Page.After, r.Page.Limit)
		if err != nil {
			return nil, err
		}
		return &edge.Reply[edge.List[account.Holder]]{Body: edge.List[account.Holder]{Items: page.Items}, Next: page.Next}, nil
	}
}
