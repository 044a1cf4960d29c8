package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

func revealContact(a *account.Accounts) func(context.Context, *edge.Request[account.RevealDraft]) (*edge.Reply[account.Revealed], error) {
	return func(ctx context.Context, r *edge.Request[account.RevealDraft]) (*edge.Reply[account.Revealed], error) {
		which, contact, err := contactOf(r)
		if err != nil {
			return nil, err
		}
		v, err := a.RevealContact(ctx, r.Who, r.Change, which, contact, r.In)
		return answerRevealed(r, v, err)
	}
}
