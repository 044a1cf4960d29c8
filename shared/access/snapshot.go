package access

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// The bounds of the caches. A row of an organisation is some hundred bytes; a user's rights some ten thousand.
const (
	maxTenants = 1024            // snapshots
	maxRows    = 200_000         // rows of all snapshots together; one that is larger is used and not kept
	maxRights  = 1024            // users' rights of one snapshot
	loadLimit  = 5 * time.Second // of one load, which no single request's end cuts short
)

// version names the state of a tenant's roles and organisation.
type version struct {
	tenant     id.Tenant
	authz, org int64
}

func versionOf(row principal.Tenant) version { return version{row.ID, row.AuthzVer, row.OrgVer} }

// snapshot is a tenant's roles and organisation at one version, with the graphs turned round.
type snapshot struct {
	version
	*Organisation
	reports map[id.User][]id.User             // manager → who reports to them directly
	below   map[id.Department][]id.Department // parent → children

	mu   sync.Mutex
	kept *simplelru.LRU[id.User, compiled]
}

type compiled struct {
	self   int64 // version of the user's row
	rights *policy.Rights
}

func newSnapshot(v version, o *Organisation) *snapshot {
	s := &snapshot{version: v, Organisation: o, reports: map[id.User][]id.User{}, below: map[id.Department][]id.Department{}}
	for _, u := range slices.Sorted(maps.Keys(o.Places)) {
		if m := o.Places[u].Manager; m != "" {
			s.reports[m] = append(s.reports[m], u)
		}
	}
	for _, d := range slices.Sorted(maps.Keys(o.Departments)) {
		if p := o.Departments[d].Parent; p != "" {
			s.below[p] = append(s.below[p], d)
		}
	}
	s.kept, _ = simplelru.NewLRU[id.User, compiled](maxRights, nil) // fails on a size below 1 only
	return s
}

func (s *snapshot) rows() int {
	return len(s.Departments) + len(s.Posts) + len(s.Places) + len(s.Roles)
}

// agrees reports whether the place, read apart from the snapshot, is the one in it. When it is not, a change came between the reads.
func (s *snapshot) agrees(p principal.Place) bool {
	q, ok := s.Places[p.User]
	return ok && p.Department == q.Department && p.Manager == q.Manager && p.Active == q.Active &&
		slices.Equal(p.Posts, q.Posts) && slices.Equal(p.Roles, q.Roles)
}

// rights are what the user at the place may do; self is the version of the row that the place was read from.
func (s *snapshot) rights(p principal.Place, self int64) *policy.Rights {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.kept.Get(p.User); ok && c.self == self {
		return c.rights
	}
	var roles []policy.Role
	for _, r := range s.rolesAt(p) {
		if role, ok := s.Roles[r]; ok {
			roles = append(roles, role)
		}
	}
	r := policy.Compile(policy.Chart{
		User:       p.User,
		Reports:    descendants(p.User, s.reports),
		Department: p.Department,
		Below:      descendants(p.Department, s.below),
	}, roles)
	s.kept.Add(p.User, compiled{self, r})
	return r
}

// descendants are all below the root, without it, near ones first. It ends on a cycle too.
func descendants[K ~string](root K, children map[K][]K) []K {
	var out []K
	seen := map[K]bool{root: true}
	for next := children[root]; len(next) > 0; {
		var deeper []K
		for _, k := range next {
			if !seen[k] {
				seen[k] = true
				out = append(out, k)
				deeper = append(deeper, children[k]...)
			}
		}
		next = deeper
	}
	return out
}

// snapshots keeps the newest snapshot of each tenant, those used last.
type snapshots struct {
	mu     sync.Mutex
	kept   *simplelru.LRU[id.Tenant, *snapshot]
	rows   int // of all that are kept
	most   int
	flight singleflight.Group
}

func newSnapshots(tenants, rows int) *snapshots {
	c := &snapshots{most: rows}
	c.kept, _ = simplelru.NewLRU(tenants, func(_ id.Tenant, s *snapshot) { c.rows -= s.rows() }) // fails on a size below 1 only
	return c
}

func (c *snapshots) get(v version) *snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.kept.Get(v.tenant); ok && s.version == v {
		return s
	}
	return nil
}

func (c *snapshots) put(s *snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.kept.Peek(s.tenant); ok && (old.authz > s.authz || old.org > s.org) {
		return
	}
	c.kept.Remove(s.tenant)
	if s.rows() > c.most {
		return
	}
	c.kept.Add(s.tenant, s)
	for c.rows += s.rows(); c.rows > c.most; {
		c.kept.RemoveOldest()
	}
}

// snapshot gives the roles and the organisation at the versions that the row names, or, when a change came in between, at later ones.
func (a *Access) snapshot(ctx context.Context, row principal.Tenant) (*snapshot, error) {
	v := versionOf(row)
	if s := a.snapshots.get(v); s != nil {
		return s, nil
	}
	// The load belongs to all who wait for it, so the end of the request that began it does not end it.
	done := a.snapshots.flight.DoChan(fmt.Sprint(v), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadLimit)
		defer cancel()
		return a.load(ctx, v)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*snapshot), nil
	}
}

// load reads the partitions, then the tenant's row once more: only if the versions stand still between the two is what was read one
// state, and not half of one and half of the next, which might grant what no state ever granted.
func (a *Access) load(ctx context.Context, v version) (*snapshot, error) {
	for range tries {
		o, err := a.Organisation(ctx, v.tenant)
		if err != nil {
			return nil, err
		}
		items, err := a.table.Get(ctx, key.Tenant(v.tenant))
		if err != nil {
			return nil, err
		}
		var row principal.Tenant
		if len(items) == 0 {
			return nil, tokenInvalid()
		}
		if err := json.Unmarshal(items[0].Doc, &row); err != nil {
			return nil, fault.New(fault.Internal, "internal").Because(err)
		}
		if now := versionOf(row); now != v {
			v = now
			continue
		}
		s := newSnapshot(v, o)
		a.snapshots.put(s)
		return s, nil
	}
	return nil, fault.New(fault.Unavailable, "busy").After(time.Second)
}
