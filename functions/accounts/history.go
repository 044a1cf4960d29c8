package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func history(a *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Revision]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Revision]], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		page, err := a.History(ctx, r.Who, which, r.Page.After, r.Page.Limit)
		if err != nil {
			return nil, err
		}
		return &edge.Reply[edge.List[account.Revision]]{Body: edge.List[account.Revision]{Items: page.Items}, Next: page.Next}, nil
	}
}
