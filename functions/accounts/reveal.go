package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func reveal(a *account.Accounts) func(context.Context, *edge.Request[account.RevealDraft]) (*edge.Reply[account.Revealed], error) {
	return func(ctx context.Context, r *edge.Request[account.RevealDraft]) (*edge.Reply[account.Revealed], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		v, err := a.Reveal(ctx, r.Who, r.Change, which, r.In)
		return answerRevealed(r, v, err)
	}
}

// answerRevealed keeps the value from a dry run, which leaves no event.
func answerRevealed(r *edge.Request[account.RevealDraft], v *account.Revealed, err error) (*edge.Reply[account.Revealed], error) {
	if err != nil {
		return nil, err
	}
	if r.DryRun {
		v.Value = ""
	}
	return &edge.Reply[account.Revealed]{Body: *v}, nil
}
