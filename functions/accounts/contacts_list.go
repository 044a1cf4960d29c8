package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func listContacts(a *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Contact]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Contact]], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		page, err := a.Contacts(ctx, r.Who, which, r.Page.After, r.Page.Limit)
		if err != nil {
			return nil, err
		}
		body := edge.List[account.Contact]{Items: page.Items}
		if r.Page.Count {
			body.Count = &edge.Count{Value: page.Total, Exact: true}
		}
		return &edge.Reply[edge.List[account.Contact]]{Body: body, Next: page.Next}, nil
	}
}
