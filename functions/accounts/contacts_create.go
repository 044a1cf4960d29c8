package accounts

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func createContact(a *account.Accounts) func(context.Context, *edge.Request[account.ContactDraft]) (*edge.Reply[*account.Contact], error) {
	return func(ctx context.Context, r *edge.Request[account.ContactDraft]) (*edge.Reply[*account.Contact], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		x, err := a.AddContact(ctx, r.Who, r.Change, which, r.IfMatch, r.In)
		if err != nil {
			return nil, err
		}
		reply := answerContact(x)
		reply.Location = "/v1/accounts/" + string(which) + "/contacts/" + string(x.ID)
		return reply, nil
	}
}

func answerContact(x *account.Contact) *edge.Reply[*account.Contact] {
	return &edge.Reply[*account.Contact]{Body: x, Version: x.Version}
}

// contactOf gives the two ids in a contact's path.
func contactOf[In any](r *edge.Request[In]) (id.Account, id.Contact, error) {
	a, err := edge.PathID[id.Account](r, "id")
	if err != nil {
		return "", "", err
	}
	x, err := edge.PathID[id.Contact](r, "contactId")
	return a, x, err
}
