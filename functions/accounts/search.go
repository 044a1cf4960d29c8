package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

type sought struct {
	Where *account.Where `json:"where,omitzero"`
	Sort  []account.Sort `json:"sort,omitzero"`
	edge.Paging
}

func search(a *account.Accounts) func(context.Context, *edge.Request[sought]) (*edge.Reply[edge.List[account.Account]], error) {
	return func(ctx context.Context, r *edge.Request[sought]) (*edge.Reply[edge.List[account.Account]], error) {
		page, err := a.Search(ctx, r.Who, account.Search{
			Where: r.In.Where, Sort: r.In.Sort, Limit: r.Page.Limit, After: r.Page.After, Count: r.Page.Count,
		})
		return paged(page, err)
	}
}
