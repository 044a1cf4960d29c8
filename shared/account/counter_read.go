package account

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Bounds of what counting keeps in memory and reads at once.
const (
	maxKeptTenants = 1024
	maxKeptTallies = 100_000 // of all tenants together, some 300 bytes each; a tenant with more is used and not kept
	pendingReads   = 4       // of the feed for one count, perTurn changes each
	maxPending     = 20_000  // moves that are kept in memory until a turn has counted them
)

// Counting gives the same accounts, whose counts read the newest changes from the feed, past what the counters have counted, so that they are of
// now. Without it a count says as of when it is.
func (s *Accounts) Counting(f table.Feed) *Accounts {
	with := *s
	with.feed = f
	return &with
}

// shelf keeps decoded counts, those used last.
type shelf struct {
	mu   sync.Mutex
	kept *simplelru.LRU[id.Tenant, *shelved]
	n    int // tallies of all
	most int
}

// shelved are the counts of a tenant. It is not changed.
type shelved struct {
	versions [counterShards]int64
	shards   [counterShards]ledger
	n        int
}

func newShelf(most int) *shelf {
	x := &shelf{most: most}
	x.kept, _ = simplelru.NewLRU(maxKeptTenants, func(_ id.Tenant, s *shelved) { x.n -= s.n }) // fails on a size below 1 only
	return x
}

func (x *shelf) get(t id.Tenant) *shelved {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, ok := x.kept.Get(t); ok {
		return s
	}
	return &shelved{}
}

func (x *shelf) put(t id.Tenant, s *shelved) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kept.Remove(t)
	if s.n > x.most {
		return
	}
	x.kept.Add(t, s)
	for x.n += s.n; x.n > x.most; {
		x.kept.RemoveOldest()
	}
}

// standing are the counts of a tenant as they are stored, and what came since.
type standing struct {
	*shelved
	asOf    time.Time // zero: now
	pending []move
	end     string // position up to which the feed is in it, when it is of now
}

// counts reads the counts of the tenant; nil when they are not all there.
func (s *Accounts) counts(ctx context.Context, t id.Tenant) (*standing, error) {
	for range tries {
		// The position before the state: what was read of the feed by then is in the state, and maybe more.
		items, err := s.table.Get(ctx, counterPosition)
		if err != nil || len(items) == 0 {
			return nil, err
		}
		var pos positionDoc
		if err := json.Unmarshal(items[0].Doc, &pos); err != nil {
			return nil, fault.New(fault.Internal, "internal").Because(err)
		}
		items, err = s.table.Get(ctx, key.CounterState(t))
		if err != nil || len(items) == 0 {
			return nil, err
		}
		var st stateDoc
		if err := json.Unmarshal(items[0].Doc, &st); err != nil {
			return nil, fault.New(fault.Internal, "internal").Because(err)
		}
		if !st.complete(&pos) {
			return nil, nil
		}
		stored, err := s.shelve(ctx, t, &st)
		if err != nil {
			return nil, err
		}
		if stored == nil { // a turn came between
			continue
		}
		out := &standing{shelved: stored, asOf: pos.At}
		if s.feed == nil {
			return out, nil
		}
		pending, end, all, err := s.tail.since(ctx, s.feed, pos.After, t)
		if err != nil {
			return nil, err
		}
		if all {
			out.asOf, out.pending, out.end = time.Time{}, uncounted(pending, st.After), end
		}
		return out, nil
	}
	return nil, nil
}

// shelve gives the shards at the versions that the state names; nil when one is at another.
func (s *Accounts) shelve(ctx context.Context, t id.Tenant, st *stateDoc) (*shelved, error) {
	have := s.shelf.get(t)
	var keys []table.Key
	at := map[table.Key]int{}
	next := *have
	for n, v := range st.Versions {
		if have.versions[n] == v {
			continue
		}
		k := key.CounterShard(t, n)
		keys, at[k] = append(keys, k), n
		next.n -= len(next.shards[n].tallies)
		next.versions[n], next.shards[n] = 0, ledger{}
	}
	if keys == nil {
		return have, nil
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i := range items {
		n := at[items[i].Key]
		s, err := talliesFrom(&items[i])
		if err != nil {
			return nil, err
		}
		next.versions[n], next.shards[n] = items[i].Version, ledgerOf(s)
		next.n += len(s)
	}
	for n, v := range st.Versions {
		if next.versions[n] != v {
			return nil, nil
		}
	}
	s.shelf.put(t, &next)
	return &next, nil
}

// tail is what the feed has after the counters' position, for all tenants, read once and added to.
type tail struct {
	mu    sync.Mutex
	known bool
	base  string // the position that it begins after
	next  string
	moves map[id.Tenant][]move
	n     int
}

// since gives the tenant's moves after the position, and where the feed ended. False: there are more than are read at once.
func (x *tail) since(ctx context.Context, f table.Feed, base string, t id.Tenant) ([]move, string, bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.known || x.base != base {
		x.known, x.base, x.next, x.moves, x.n = true, base, base, map[id.Tenant][]move{}, 0
	}
	for range pendingReads {
		if x.n > maxPending {
			break
		}
		changes, next, err := f.Changes(ctx, x.next, perTurn)
		if err != nil {
			return nil, "", false, err
		}
		if len(changes) == 0 {
			return slices.Clip(x.moves[t]), x.next, true, nil
		}
		all, err := moves(changes)
		if err != nil {
			return nil, "", false, err
		}
		for _, m := range all {
			x.moves[m.tenant] = append(x.moves[m.tenant], m)
		}
		x.n += len(all)
		x.next = next
	}
	return nil, "", false, nil
}

// uncounted leaves out the moves up to the position, when it is among them.
func uncounted(all []move, counted string) []move {
	for i := range all {
		if all[i].position == counted {
			return all[i+1:]
		}
	}
	return all
}
