package account

import (
	"context"
	"slices"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Resources gives accounts as decisions see them, for who explains decisions; unknown ones, and those deleted for good, are left out. ids are
// named once each. It judges nothing: whoever asks must answer nothing of an account that the person they answer may not see.
func (s *Accounts) Resources(ctx context.Context, t id.Tenant, ids ...id.Account) (map[id.Account]policy.Resource, error) {
	out := make(map[id.Account]policy.Resource, len(ids))
	for part := range slices.Chunk(ids, table.MaxGet/2) {
		var keys []table.Key
		for _, a := range part {
			keys = append(keys, key.Account(t, a), key.AccountKey(t, a))
		}
		items, err := s.table.Get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		next := func(k table.Key) *table.Item { // items come in the order of the keys
			if len(items) == 0 || items[0].Key != k {
				return nil
			}
			it := &items[0]
			items = items[1:]
			return it
		}
		for _, x := range part {
			it, own := next(key.Account(t, x)), next(key.AccountKey(t, x))
			if it == nil || own == nil {
				continue
			}
			a, err := fromItem(*it)
			if err != nil {
				return nil, err
			}
			if err := s.gather(ctx, t, a); err != nil {
				return nil, err
			}
			out[x] = a.resource(t)
		}
	}
	return out, nil
}

// Questions are all that must be answered with yes for an act on the account or on what lies in it: a part is reached with its account
// and never without it, and contacts by those alone whose roles show that accounts have any.
func Questions(m policy.Module, a policy.Action, field string, r *policy.Resource) []policy.Question {
	asked := policy.Question{Module: m, Action: a, Field: field, On: r}
	within := policy.Question{Module: policy.ModAccount, Action: policy.View, On: r}
	switch m {
	case policy.ModAccount:
		return []policy.Question{asked}
	case policy.ModContact:
		within.Field = "contacts"
	}
	return []policy.Question{within, asked}
}

// Viewer is a user who may do something with an account, and by what.
type Viewer struct {
	User     id.User
	Decision policy.Decision
	Grant    policy.RecordGrant // when Decision.Grant names one
}

// ViewerPage is a part of the list of an account's viewers.
type ViewerPage struct {
	Items []Viewer
	Next  id.User // "" at the end
	Total int
}

// Viewers lists the active users who may do the action on the account, in the order of their ids, after the id. c is the organisation that
// decides. Faults: NotFound not_found when who may not view the account; Denied permission_denied when they may neither share it nor read roles.
func (s *Accounts) Viewers(
	ctx context.Context, who *policy.Subject, c *access.Compiled, a id.Account, act policy.Action, after id.User, limit int,
) (*ViewerPage, error) {
	all, err := s.Resources(ctx, who.Tenant, a)
	if err != nil {
		return nil, err
	}
	r, ok := all[a]
	if !ok {
		return nil, notFound()
	}
	if err := policy.Require(who, policy.ModAccount, policy.View, r); err != nil {
		return nil, err
	}
	if err := policy.RequireAny(who, policy.ModRole, policy.View); err != nil {
		if err := policy.Require(who, policy.ModAccount, policy.Share, r); err != nil {
			return nil, err
		}
	}
	page := &ViewerPage{Items: []Viewer{}}
	for _, u := range c.Users() {
		if !c.Places[u].Active {
			continue
		}
		d := policy.Decide(c.Subject(who.Org, u, who.At), policy.ModAccount, act, r)
		if !d.Allowed {
			continue
		}
		page.Total++
		if u <= after || len(page.Items) > limit {
			continue
		}
		v := Viewer{User: u, Decision: d}
		if d.Grant > 0 {
			v.Grant = r.Grants[d.Grant-1]
		}
		page.Items = append(page.Items, v)
	}
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.Next = page.Items[limit-1].User
	}
	return page, nil
}
