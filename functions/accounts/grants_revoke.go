package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// revoke makes the handler that ends a grant of the kind, to the grantee at the place in the path.
func revoke(a *account.Accounts, kind policy.GrantKind, place string) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.None], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		return nil, a.Revoke(ctx, r.Who, r.Change, which, r.IfMatch, kind, edge.PathText(r, place))
	}
}
