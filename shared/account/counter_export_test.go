package account

import (
	"context"
	"fmt"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Tallies are counts by owner, department and categories, as text.
type Tallies map[string]string

func (s tallies) text(into Tallies) {
	for i := range s {
		x := &s[i]
		into[fmt.Sprintf("%s in %q of %q", x.Owner, x.Department, x.Categories)] = fmt.Sprint(x.n, x.by)
	}
}

// Stored gives the counts of the tenant as they are stored, and whether they are all there.
func (c *Counters) Stored(ctx context.Context, x id.Tenant) (Tallies, bool, error) {
	t, err := c.begin(ctx)
	if err != nil {
		return nil, false, err
	}
	want := map[shardRef]bool{{x, -1}: true}
	for n := range counterShards {
		want[shardRef{x, n}] = true
	}
	if _, err := t.read(ctx, want); err != nil {
		return nil, false, err
	}
	out := Tallies{}
	for _, s := range t.shards {
		s.tallies.text(out)
	}
	return out, t.states[x].complete(&t.pos), nil
}

// Brute counts every account of the tenant by reading it.
func Brute(ctx context.Context, tb table.Table, x id.Tenant) (Tallies, error) {
	var all tallies
	for it, err := range tb.Scan(ctx, 0, 1) {
		if err != nil {
			return nil, err
		}
		if key.AccountOf(x, it.Key) == "" {
			continue
		}
		a, err := fromItem(it)
		if err != nil {
			return nil, err
		}
		all.add(a.tally(), 1)
	}
	out := Tallies{}
	all.text(out)
	return out, nil
}

// Narrow makes the counters give up a tenant whose shards need more bytes, and a turn write no more than the room.
func (c *Counters) Narrow(most, room int) { c.most, c.room = most, room }

// TrustCounters makes counts go by the counters however few accounts there are.
func (s *Accounts) TrustCounters() *Accounts { s.few = 0; return s }

// CounterShardOf is where the counts of an owner lie.
func CounterShardOf(x id.Tenant, u id.User) table.Key { return key.CounterShard(x, counterShard(u)) }

// Rewrite changes an account past the rules, with all that lists go by.
func (s *Accounts) Rewrite(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, edit func(*Account)) error {
	h, err := s.load(ctx, who, a, policy.Update)
	if err != nil {
		return err
	}
	next := *h.Account
	edit(&next)
	if next.Owner != h.Owner {
		c.Delete(key.Owned(who.Tenant, h.Owner, a), table.Always, nil)
		c.Put(table.Item{Key: key.Owned(who.Tenant, next.Owner, a)}, table.Always, nil)
	}
	next.UpdatedAt = moment(c.Now, h.UpdatedAt)
	c.Record(audit.Event{Target: string(a)})
	return h.put(c, who, &next)
}

// GrantTo puts a grant on an account past the rules, without a mark; ungrant takes it away.
func (s *Accounts) GrantTo(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, g policy.RecordGrant, ungrant bool) error {
	h, err := s.load(ctx, who, a, policy.Update)
	if err != nil {
		return err
	}
	if h.docs, err = s.grantDocs(ctx, who.Tenant, a, ""); err != nil {
		return err
	}
	if ungrant {
		h.ungrant(c, g.Kind, g.To)
	} else {
		h.grant(grantDoc{RecordGrant: g, Account: a, Tenant: who.Tenant, By: who.User, At: c.Now})
	}
	next := *h.Account
	c.Record(audit.Event{Target: string(a)})
	return h.put(c, who, &next)
}

// Count is the count of a list without the list.
func (s *Accounts) Count(ctx context.Context, who *policy.Subject, q Query) (Count, error) {
	return s.count(ctx, who, &q)
}
