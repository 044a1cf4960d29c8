package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// listGrants makes the handler that lists an account's grants of the kind.
func listGrants(a *account.Accounts, kind policy.GrantKind) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Grant]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[account.Grant]], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		page, err := a.Grants(ctx, r.Who, which, kind, r.Page.After, r.Page.Limit)
		if err != nil {
			return nil, err
		}
		body := edge.List[account.Grant]{Items: page.Items}
		if r.Page.Count {
			body.Count = &edge.Count{Value: page.Total, Exact: true}
		}
		return &edge.Reply[edge.List[account.Grant]]{Body: body, Next: page.Next}, nil
	}
}
