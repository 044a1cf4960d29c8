package account

import (
	"context"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Get answers one account with its first contacts, as who may see them. Unknown, foreign and out of scope are one NotFound not_found.
func (s *Accounts) Get(ctx context.Context, who *policy.Subject, a id.Account) (*Account, error) {
	h, err := s.look(ctx, who, a, policy.View)
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, who, h, h.Account)
}

// answer gives the account, as it was read or as it will be, with its first contacts and the first of its team. Who may change it and not view
// it, or puts it out of their sight, is told that it is done and nothing of it.
func (s *Accounts) answer(ctx context.Context, who *policy.Subject, h *held, a *Account) (*Account, error) {
	if !a.viewable(who) {
		return &Account{ID: a.ID, Version: a.Version, Status: a.Status, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}, nil
	}
	a.Contacts = []Contact{}
	if a.ContactCount > 0 {
		page, err := s.table.Query(ctx, table.Query{PK: key.AccountPartition(who.Tenant, a.ID), Prefix: key.ContactPrefix, Limit: ContactsShown})
		if err != nil {
			return nil, err
		}
		for _, it := range page.Items {
			x, err := contactFromItem(it, a, h.key)
			if err != nil {
				return nil, err
			}
			a.Contacts = append(a.Contacts, *x)
		}
	}
	if err := s.showTeam(ctx, who, a); err != nil {
		return nil, err
	}
	return a.as(who, sightOf(who)), nil
}

// viewable reports whether the subject may view the account as it stands here, changed or not.
func (a *Account) viewable(who *policy.Subject) bool {
	on := a.resource(who.Tenant)
	return policy.Allows(who, viewAccount, &on)
}

// as gives the account as the subject may see it. It changes the account: nothing may need it afterwards.
func (a *Account) as(who *policy.Subject, v sight) *Account {
	return a.shown(v, policy.Decide(who, policy.ModContact, policy.View, a.resource(who.Tenant)).Allowed)
}

func (a *Account) shown(v sight, contacts bool) *Account {
	show(accountFields, a, v.account)
	if !v.contacts || !contacts {
		a.Contacts, a.ContactCount = nil, 0
	}
	for i := range a.Contacts {
		a.Contacts[i].as(v)
	}
	return a
}

func (c *Contact) as(v sight) *Contact {
	show(contactFields, c, v.contact)
	if !v.primary {
		c.Primary = nil
	}
	return c
}
