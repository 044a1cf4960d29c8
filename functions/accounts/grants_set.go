package accounts

import (
	"context"
	"net/http"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

// give makes the handler that opens or closes an account to somebody, by a draft of one kind. path is that of the kind's grants.
func give[D account.Asked](a *account.Accounts, path string) func(context.Context, *edge.Request[D]) (*edge.Reply[account.Grant], error) {
	return func(ctx context.Context, r *edge.Request[D]) (*edge.Reply[account.Grant], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		g, err := a.Give(ctx, r.Who, r.Change, which, r.IfMatch, r.In)
		if err != nil {
			return nil, err
		}
		reply := &edge.Reply[account.Grant]{Body: g.Grant, Version: g.Version, Status: http.StatusOK}
		if g.New {
			reply.Status = http.StatusCreated
			reply.Location = "/v1/accounts/" + string(which) + path + "/" + g.ID
		}
		return reply, nil
	}
}
