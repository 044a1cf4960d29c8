package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

// assigned is the accounts that now have the owner, in the order in which they were named.
type assigned struct {
	Items []account.Assigned `json:"items"`
}

func assign(a *account.Accounts) func(context.Context, *edge.Request[account.Assignment]) (*edge.Reply[assigned], error) {
	return func(ctx context.Context, r *edge.Request[account.Assignment]) (*edge.Reply[assigned], error) {
		all, err := a.Assign(ctx, r.Who, r.Change, r.In)
		if err != nil {
			return nil, err
		}
		return &edge.Reply[assigned]{Body: assigned{all}}, nil
	}
}
