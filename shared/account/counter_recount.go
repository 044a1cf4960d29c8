package account

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// perRecount is how many accounts one call of Recount reads, an owner counting as one, but for the last owner's, whose accounts are read to their
// end.
const perRecount = 20_000

// Reconcile recounts every tenant: counts that there are not yet are built, those that drifted are mended. A tenant that cannot be
// recounted does not keep the others from it; the errors come together.
func (c *Counters) Reconcile(ctx context.Context, now func() time.Time) error {
	var failed []error
	q := table.Query{Index: table.G1, PK: key.Tenants("").PK, Limit: table.MaxLimit}
	for {
		p, err := c.table.Query(ctx, q)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, it := range p.Items {
			if t, ok := key.TenantOf(it.PK); ok {
				failed = append(failed, c.recountAll(ctx, t, now))
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return errors.Join(failed...)
		}
	}
}

func (c *Counters) recountAll(ctx context.Context, t id.Tenant, now func() time.Time) error {
	for {
		if done, err := c.Recount(ctx, t, now()); done || err != nil {
			return err
		}
	}
}

// Recount compares the counts with what each user owns, read strongly, and mends what differs, while others write and turns are taken. One
// call does a bounded part and says whether it was the last; the next goes on after it, in another process too. After the last the
// tenant's counts are complete.
func (c *Counters) Recount(ctx context.Context, x id.Tenant, now time.Time) (done bool, err error) {
	if err := c.drain(ctx, now); err != nil {
		return false, err
	}
	epoch, after, owners, err := c.round(ctx, x)
	if err != nil {
		return false, err
	}
	owners = slices.DeleteFunc(owners, func(u id.User) bool { return u <= after })
	if len(owners) > 0 {
		n, err := c.mend(ctx, x, owners)
		if err != nil {
			return false, err
		}
		if n < len(owners) {
			return false, c.settle(ctx, x, epoch, owners[n-1])
		}
	}
	return true, c.settle(ctx, x, epoch, "")
}

// round gives the epoch and the last owner of the round that is under way or begins, and all owners there may be.
func (c *Counters) round(ctx context.Context, x id.Tenant) (epoch int64, after id.User, owners []id.User, err error) {
	t, err := c.begin(ctx)
	if err != nil {
		return 0, "", nil, err
	}
	want := map[shardRef]bool{{x, -1}: true}
	for n := range counterShards {
		want[shardRef{x, n}] = true
	}
	if _, err := t.read(ctx, want); err != nil {
		return 0, "", nil, err
	}
	st := t.states[x]
	if st.Full == t.pos.Epoch { // what it was given up for may be gone
		if err := c.reopen(ctx, x); err != nil {
			return 0, "", nil, err
		}
	}
	if st.Recount.Epoch == t.pos.Epoch && st.Full == 0 {
		after = st.Recount.Next
	}
	all := map[id.User]bool{}
	for _, s := range t.shards {
		for i := range s.tallies {
			all[s.tallies[i].Owner] = true
		}
	}
	// Whoever gets a place later owns nothing yet: all that comes to them comes by the feed.
	q := table.Query{PK: key.Organisation(x), Prefix: key.PlacePrefix, Limit: table.MaxLimit}
	for {
		p, err := c.table.Query(ctx, q)
		if err != nil {
			return 0, "", nil, err
		}
		for _, it := range p.Items {
			all[id.User(it.SK[len(key.PlacePrefix):])] = true
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return t.pos.Epoch, after, slices.Sorted(maps.Keys(all)), nil
		}
	}
}

// reopen takes up a tenant again that was given up: from now on its changes count, on counts that are wrong until all are recounted.
func (c *Counters) reopen(ctx context.Context, x id.Tenant) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.again(ctx, func(t *turn) (bool, error) {
		if _, err := t.read(ctx, map[shardRef]bool{{x, -1}: true}); err != nil {
			return false, err
		}
		st := t.states[x]
		st.Full, st.Epoch, st.Recount.Next, st.dirty = 0, 0, "", true
		return true, nil
	})
}

// settle writes how far a round is: after the owner, or at its end when there is none.
func (c *Counters) settle(ctx context.Context, x id.Tenant, epoch int64, after id.User) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.again(ctx, func(t *turn) (bool, error) {
		if _, err := t.read(ctx, map[shardRef]bool{{x, -1}: true}); err != nil {
			return false, err
		}
		st := t.states[x]
		was := st.stateDoc
		st.Recount.Epoch, st.Recount.Next = epoch, after
		if after == "" {
			st.Recount.Epoch = 0
			st.Epoch = max(st.Epoch, epoch) // when changes were missed meanwhile that is not the position's, and the next round counts
		}
		st.dirty = st.version == 0 || was.Epoch != st.Epoch || was.Recount != st.Recount
		return st.dirty, nil
	})
}

// again tries to commit what do changes, on the position as it is, until no other process comes between.
func (c *Counters) again(ctx context.Context, do func(*turn) (bool, error)) error {
	for range tries {
		t, err := c.begin(ctx)
		if err != nil {
			return err
		}
		changed, err := do(t)
		if err != nil || !changed {
			return err
		}
		err = t.commit(ctx)
		if _, moved := errors.AsType[*table.ConditionFailed](err); !moved {
			return err
		}
	}
	return busy()
}

func busy() error { return fault.New(fault.Unavailable, "busy").After(time.Second) }

// drain takes turns until the position is near the end of the feed.
func (c *Counters) drain(ctx context.Context, now time.Time) error {
	for range drains {
		n, err := c.Advance(ctx, now)
		if n == 0 || err != nil {
			return err
		}
	}
	return busy()
}

// mend recounts owners, from the first, and answers how many. Their accounts are read at no one time, while others write; what changed after the
// position is then taken back by what the feed says was before. What is left is what the owners had at the position, which is what the tallies
// claim. A change that was read and that the feed does not show yet would be counted here and once more by a turn, so nothing is mended before the
// feed has had the time to show it; nor is a tenant taken for complete. Where a complete one's tallies agree, nothing is to be mended, and no time lost.
func (c *Counters) mend(ctx context.Context, x id.Tenant, owners []id.User) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err = c.again(ctx, func(t *turn) (bool, error) {
		owned := map[id.Account]*tally{}
		of := map[id.User]bool{}
		for n = 0; n < len(owners) && n+len(owned) < perRecount; n++ {
			if err := c.owned(ctx, x, owners[n], owned); err != nil {
				return false, err
			}
			of[owners[n]] = true
		}
		if err := c.rewind(ctx, t.pos.After, x, of, owned); err != nil {
			return false, err
		}
		differs, err := t.compare(ctx, x, owners[:n], owned)
		if err != nil {
			return false, err
		}
		if c.lag > 0 && (differs || !t.states[x].complete(&t.pos)) {
			if err := c.pause(ctx, c.lag); err != nil {
				return false, err
			}
			if err := c.rewind(ctx, t.pos.After, x, of, owned); err != nil {
				return false, err
			}
			if differs, err = t.compare(ctx, x, owners[:n], owned); err != nil {
				return false, err
			}
		}
		for differs && n > 1 { // there is room for one owner in any commit
			size, err := t.weight()
			if err != nil {
				return false, err
			}
			if size <= c.room {
				break
			}
			n /= 2
			if differs, err = t.compare(ctx, x, owners[:n], owned); err != nil {
				return false, err
			}
		}
		return differs, nil
	})
	return n, err
}

// compare puts into the turn what the owners have where the tallies say otherwise, and reports whether they do.
func (t *turn) compare(ctx context.Context, x id.Tenant, owners []id.User, owned map[id.Account]*tally) (differs bool, err error) {
	clear(t.states)
	clear(t.shards)
	want, is := map[shardRef]bool{{x, -1}: true}, map[id.User]*tallies{}
	for _, u := range owners {
		want[shardRef{x, counterShard(u)}] = true
		is[u] = &tallies{}
	}
	for _, one := range owned {
		if of := is[one.Owner]; of != nil {
			of.add(one, 1)
		}
	}
	if _, err := t.read(ctx, want); err != nil {
		return false, err
	}
	for _, u := range owners {
		s, is := t.shards[shardRef{x, counterShard(u)}], *is[u]
		was := slices.Clone(s.tallies.of(u))
		if was.equal(is) {
			continue
		}
		differs = true
		for i := range was {
			s.add(&was[i], -1)
		}
		for i := range is {
			s.add(&is[i], 1)
		}
	}
	return differs, nil
}

// weight is how many bytes of shards the turn would write.
func (t *turn) weight() (size int, err error) {
	for ref, s := range t.shards {
		if !s.dirty {
			continue
		}
		it, err := s.tallies.item(ref.tenant, ref.n)
		if err != nil {
			return 0, err
		}
		size += len(it.Doc)
	}
	return size, nil
}

// owned adds what the user owns, read strongly.
func (c *Counters) owned(ctx context.Context, x id.Tenant, u id.User, out map[id.Account]*tally) error {
	type kind struct { // accounts that count alike share a tally: an owner may have very many
		tallyKey
		by [len(counted)]int
	}
	same := map[kind]*tally{}
	q := table.Query{PK: key.OwnedBy(x, u), Limit: table.MaxGet}
	for {
		p, err := c.table.Query(ctx, q)
		if err != nil {
			return err
		}
		keys := make([]table.Key, len(p.Items))
		for i, it := range p.Items {
			keys[i] = key.Account(x, id.Account(it.SK))
		}
		var items []table.Item
		if len(keys) > 0 {
			if items, err = c.table.Get(ctx, keys...); err != nil {
				return err
			}
		}
		for _, it := range items {
			a, err := fromItem(it)
			if err != nil {
				return err
			}
			if a.Owner != u { // it has left meanwhile
				continue
			}
			one := a.tally()
			k := kind{one.tallyKey, one.by}
			if same[k] == nil {
				same[k] = one
			}
			out[a.ID] = same[k]
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return nil
		}
	}
}

// rewind takes back what changed after the position. To do it again is to do it once.
func (c *Counters) rewind(ctx context.Context, after string, x id.Tenant, of map[id.User]bool, owned map[id.Account]*tally) error {
	seen := map[id.Account]bool{}
	for range tailReads {
		changes, next, err := c.feed.Changes(ctx, after, perTurn)
		if err != nil || len(changes) == 0 {
			return err
		}
		all, err := moves(changes)
		if err != nil {
			return err
		}
		for i := range all {
			m := &all[i]
			if m.tenant != x || m.born() || seen[m.account] {
				continue
			}
			seen[m.account] = true
			delete(owned, m.account)
			if m.before != nil && of[m.before.Owner] {
				owned[m.account] = m.before
			}
		}
		after = next
	}
	return busy()
}
