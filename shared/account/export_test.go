package account

import (
	"context"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// Within gives the search bounds of its own, so that few accounts are enough to reach them.
func (q Search) Within(few, most, page int) Search {
	q.bounds = &bounds{few, most, page}
	return q
}

// Expose stages grants on the account and the categories that it is of, whoever may set them.
func (s *Accounts) Expose(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, grants []policy.RecordGrant, of []id.Category) error {
	h, err := s.load(ctx, who, a, policy.View)
	if err != nil {
		return err
	}
	next := *h.Account
	next.UpdatedAt, next.Categories = moment(c.Now, h.UpdatedAt), CategoriesOf(of)
	for _, g := range grants {
		h.grant(grantDoc{RecordGrant: g, Account: a, Tenant: who.Tenant, By: who.User, At: c.Now})
	}
	if err := h.put(c, who, &next); err != nil {
		return err
	}
	return recordChange(c, h.key, a, "", nil, h.Account, &next)
}

// The ways to plan a list, which ListBy takes whatever they cost.
const (
	Merged = "merge"
	Teamed = "teams"
	Walked = "walk"
)

// ListBy is List by the way that is named, false when there is no such way for the reader. What reads partitions together goes on as the merge after
// so many entries.
func (s *Accounts) ListBy(ctx context.Context, who *policy.Subject, q Query, way string, most int) (*Page, bool, error) {
	reach := policy.ReachOf(who, policy.ModAccount, policy.View)
	extra, err := s.beyond(ctx, who, reach)
	merged := within(who.Tenant, reach)
	if err != nil || len(merged) == 0 {
		return nil, false, err
	}
	from := merged
	switch way {
	case Teamed:
		from = teams(who, &reach, merged, q.Limit+1)
	case Walked:
		from = walk(who, &reach, merged, q.Limit+1)
	}
	if from == nil {
		return nil, false, nil
	}
	for i := range from {
		if w := from[i].walk; w != nil {
			w.most = most
		}
	}
	p, err := s.list(ctx, who, &q, append(from, extra...))
	return p, true, err
}
