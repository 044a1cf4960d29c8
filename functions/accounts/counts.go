package accounts

import (
	"cmp"
	"context"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
)

// countsBody is the body of an answer: one row for each value that any account has.
type countsBody struct {
	By    string         `json:"by"`
	Rows  []account.Stat `json:"rows"`
	Exact bool           `json:"exact"`
	AsOf  time.Time      `json:"asOf,omitzero"`
	Why   string         `json:"why,omitzero"`
}

func counts(a *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[countsBody], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[countsBody], error) {
		s, err := a.Stats(ctx, r.Who, cmp.Or(r.Query.Get("by"), "status"))
		if err != nil {
			return nil, err
		}
		return &edge.Reply[countsBody]{Body: countsBody{s.By, s.Rows, s.Exact, s.AsOf, string(s.Why)}}, nil
	}
}
