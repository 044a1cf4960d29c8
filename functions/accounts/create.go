package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

func create(a *account.Accounts) func(context.Context, *edge.Request[account.Draft]) (*edge.Reply[*account.Account], error) {
	return func(ctx context.Context, r *edge.Request[account.Draft]) (*edge.Reply[*account.Account], error) {
		x, err := a.Create(ctx, r.Who, r.Change, r.In)
		if err != nil {
			return nil, err
		}
		reply := answer(x)
		reply.Location = "/v1/accounts/" + string(x.ID)
		return reply, nil
	}
}

func answer(x *account.Account) *edge.Reply[*account.Account] {
	return &edge.Reply[*account.Account]{Body: x, Version: x.Version}
}
