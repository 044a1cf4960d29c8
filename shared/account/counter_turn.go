package account

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// turn is one turn under way: the position that it began at, and what it will write.
type turn struct {
	c       *Counters
	pos     positionDoc
	version int64 // of the position's item
	states  map[id.Tenant]*stateHeld
	shards  map[shardRef]*shardHeld
}

type stateHeld struct {
	stateDoc
	version int64
	dirty   bool
}

type shardRef struct {
	tenant id.Tenant
	n      int
}

func (r shardRef) compare(o shardRef) int {
	return cmp.Or(cmp.Compare(r.tenant, o.tenant), cmp.Compare(r.n, o.n))
}

type shardHeld struct {
	tallies tallies
	version int64
	dirty   bool
}

// begin reads the position.
func (c *Counters) begin(ctx context.Context) (*turn, error) {
	t := &turn{c: c, states: map[id.Tenant]*stateHeld{}, shards: map[shardRef]*shardHeld{}}
	items, err := c.table.Get(ctx, counterPosition)
	if err != nil || len(items) == 0 {
		return t, err
	}
	t.version = items[0].Version
	if err := json.Unmarshal(items[0].Doc, &t.pos); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	return t, nil
}

// fit gives as many of the moves, from the first, as one commit has room for: each may touch a state and two shards.
func (t *turn) fit(all []move) []move {
	touched := map[shardRef]bool{}
	for i := range all {
		for _, ref := range all[i].refs() {
			touched[ref] = true
		}
		if len(touched) > table.MaxWrites-1 {
			return all[:i]
		}
	}
	return all
}

// refs are the items that the move touches: the tenant's state, as shard -1, and shards.
func (m *move) refs() []shardRef {
	if m.idle() {
		return nil
	}
	refs := []shardRef{{m.tenant, -1}}
	for _, x := range []*tally{m.before, m.after} {
		if x != nil {
			refs = append(refs, shardRef{m.tenant, counterShard(x.Owner)})
		}
	}
	return refs
}

// apply counts the moves. False: what would be written is too large for one commit.
func (t *turn) apply(ctx context.Context, all []move) (bool, error) {
	clear(t.states)
	clear(t.shards)
	want := map[shardRef]bool{}
	for i := range all {
		for _, ref := range all[i].refs() {
			want[ref] = true
		}
	}
	size, err := t.read(ctx, want)
	if err != nil {
		return false, err
	}
	if size > t.c.room && len(all) > 1 {
		return false, nil
	}
	for i := range all {
		m := &all[i]
		if m.idle() {
			continue
		}
		st := t.states[m.tenant]
		if st.Full == t.pos.Epoch {
			continue
		}
		st.After, st.dirty = m.position, true
		if m.born() {
			if m.at.After(t.pos.Again) {
				st.Epoch = t.pos.Epoch
			}
			continue
		}
		for _, side := range []struct {
			x     *tally
			times int
		}{{m.before, -1}, {m.after, 1}} {
			if side.x != nil {
				t.shards[shardRef{m.tenant, counterShard(side.x.Owner)}].add(side.x, side.times)
			}
		}
	}
	return true, nil
}

func (s *shardHeld) add(x *tally, times int) {
	s.tallies.add(x, times)
	s.dirty = true
}

// read reads states and shards, and gives the bytes of the shards.
func (t *turn) read(ctx context.Context, want map[shardRef]bool) (size int, err error) {
	keys := make([]table.Key, 0, len(want))
	refs := map[table.Key]shardRef{}
	for ref := range want {
		k := key.CounterState(ref.tenant)
		if ref.n >= 0 {
			k = key.CounterShard(ref.tenant, ref.n)
			t.shards[ref] = &shardHeld{}
		} else {
			t.states[ref.tenant] = &stateHeld{}
		}
		keys = append(keys, k)
		refs[k] = ref
	}
	if len(keys) == 0 {
		return 0, nil
	}
	items, err := t.c.table.Get(ctx, keys...)
	if err != nil {
		return 0, err
	}
	for i := range items {
		it := &items[i]
		ref := refs[it.Key]
		if ref.n < 0 {
			st := t.states[ref.tenant]
			st.version = it.Version
			if err := json.Unmarshal(it.Doc, &st.stateDoc); err != nil {
				return 0, fault.New(fault.Internal, "internal").Because(err)
			}
			continue
		}
		size += len(it.Doc)
		s := t.shards[ref]
		s.version = it.Version
		if s.tallies, err = talliesFrom(it); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// commit writes the position, and what changed, together.
func (t *turn) commit(ctx context.Context) error {
	writes, token := []table.Write{}, sha256.New()
	put := func(it table.Item, doc any, version int64) (err error) {
		if doc != nil {
			if it.Doc, err = json.Marshal(doc); err != nil {
				return err
			}
		}
		cond := table.Absent
		if version > 0 {
			cond = table.VersionIs(version)
		}
		writes = append(writes, table.Put(it, cond))
		fmt.Fprintf(token, "%s\x00%s\x00%d\x00%s\x00", it.PK, it.SK, version, it.Doc)
		return nil
	}
	if err := put(table.Item{Key: counterPosition}, t.pos, t.version); err != nil {
		return err
	}
	for _, ref := range slices.SortedFunc(maps.Keys(t.shards), shardRef.compare) {
		s, st := t.shards[ref], t.states[ref.tenant]
		if !s.dirty {
			continue
		}
		it, err := s.tallies.item(ref.tenant, ref.n)
		if err != nil {
			return err
		}
		st.dirty = true
		if len(it.Doc) > t.c.most {
			st.Full = t.pos.Epoch
			continue
		}
		if err := put(it, nil, s.version); err != nil {
			return err
		}
		if len(st.Versions) != counterShards {
			st.Versions = make([]int64, counterShards)
		}
		st.Versions[ref.n] = s.version + 1
	}
	for _, x := range slices.Sorted(maps.Keys(t.states)) {
		if st := t.states[x]; st.dirty {
			if len(st.Versions) != counterShards {
				st.Versions = make([]int64, counterShards)
			}
			if err := put(table.Item{Key: key.CounterState(x)}, st.stateDoc, st.version); err != nil {
				return err
			}
		}
	}
	return t.c.table.Commit(ctx, hex.EncodeToString(token.Sum(nil)[:16]), writes...)
}
