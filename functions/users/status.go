package users

import (
	"context"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/user"
)

// act is one of the store's operations that take a user and no body.
type act func(ctx context.Context, who *policy.Subject, c *change.Set, u id.User, version int64) (user.User, error)

// on makes the handler of deactivate, reactivate, resend-invitation and sign-out.
func on(do act) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[body], error) {
		uid, err := edge.PathID[id.User](r, "id")
		if err != nil {
			return nil, err
		}
		u, err := do(ctx, r.Who, r.Change, uid, r.IfMatch)
		if err != nil {
			return nil, err
		}
		return answer(u, r.Who), nil
	}
}
