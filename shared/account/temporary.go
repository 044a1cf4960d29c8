package account

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Holder is who holds a temporary permission on which account.
type Holder struct {
	Account id.Account `json:"accountId"`
	Grant
}

// HolderPage is a part of the list of holders. It may be short and have a Next, as a Page may.
type HolderPage struct {
	Items []Holder
	Next  string // "" at the end
}

// Holders lists the temporary permissions that count now on accounts that the reader may see and share, soonest end first, from the position
// after, which an earlier page's Next named; "" is the start.
func (s *Accounts) Holders(ctx context.Context, who *policy.Subject, after string, limit int) (*HolderPage, error) {
	if err := policy.RequireAny(who, policy.ModAccount, policy.Share); err != nil {
		return nil, err
	}
	q := table.Query{Index: table.G1, PK: key.EndingGrants(who.Tenant), From: key.Stamp(who.At), Limit: table.MaxGet / 2}
	if after != "" {
		q.From = after + "\x00"
	}
	page := &HolderPage{Items: []Holder{}}
	for read := 0; ; {
		p, err := s.table.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		rows, err := s.holders(ctx, who, p.Items)
		if err != nil {
			return nil, err
		}
		for i, it := range p.Items {
			if rows[i] != nil && len(page.Items) == limit {
				return page, nil
			}
			if rows[i] != nil {
				page.Items = append(page.Items, *rows[i])
			}
			page.Next = it.At.SK
		}
		read += len(p.Items)
		if q.Cursor = p.Cursor; q.Cursor == "" {
			page.Next = ""
			return page, nil
		}
		if read >= maxRead {
			return page, nil
		}
	}
}

// holders reads what the entries of the index nominate, strongly; nil stands for what is gone, has moved, or is not for the reader.
func (s *Accounts) holders(ctx context.Context, who *policy.Subject, entries []table.Item) ([]*Holder, error) {
	t := who.Tenant
	out := make([]*Holder, len(entries))
	var keys []table.Key
	may := map[id.Account]bool{}
	for _, it := range entries {
		keys = append(keys, it.Key)
		e, _ := key.EntryOf(it.At.SK)
		if _, known := may[e.Account]; !known {
			may[e.Account] = false
			keys = append(keys, key.Account(t, e.Account))
		}
	}
	if keys == nil {
		return out, nil
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	stored := make(map[table.Key]*table.Item, len(items))
	for i := range items {
		stored[items[i].Key] = &items[i]
	}
	for a := range may {
		it := stored[key.Account(t, a)]
		if it == nil {
			continue
		}
		acc, err := fromItem(*it)
		if err != nil {
			return nil, err
		}
		if err := s.gather(ctx, t, acc); err != nil {
			return nil, err
		}
		r := acc.resource(t)
		may[a] = policy.Decide(who, policy.ModAccount, policy.View, r).Allowed && policy.Decide(who, policy.ModAccount, policy.Share, r).Allowed
	}
	for i := range entries {
		it := stored[entries[i].Key]
		if it == nil || it.Index[table.G1] != entries[i].At {
			continue
		}
		var d grantDoc
		if err := json.Unmarshal(it.Doc, &d); err != nil {
			return nil, fault.New(fault.Internal, "internal").Because(err)
		}
		if may[d.Account] {
			out[i] = &Holder{d.Account, d.row()}
		}
	}
	return out, nil
}
