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
	heads   map[id.User][]id.Department
	seated  map[id.Department][]id.User
	nowhere int // how many users sit in no department
	opened  []policy.CategoryGrant

	reaching map[policy.Grantee]bool // grantees with a grant that reaches superiors

	mu   sync.Mutex
	kept *simplelru.LRU[id.User, compiled]
}

type compiled struct {
	self   int64 // version of the user's row
	rights *policy.Rights
}

func newSnapshot(v version, o *Organisation) *snapshot {
	s := &snapshot{
		version: v, Organisation: o, reports: map[id.User][]id.User{}, below: map[id.Department][]id.Department{},
		heads: map[id.User][]id.Department{}, seated: map[id.Department][]id.User{}, reaching: map[policy.Grantee]bool{},
	}
	for _, u := range slices.Sorted(maps.Keys(o.Places)) {
		if m := o.Places[u].Manager; m != "" {
			s.reports[m] = append(s.reports[m], u)
		}
		if d := o.Places[u].Department; d != "" {
			s.seated[d] = append(s.seated[d], u)
		} else {
			s.nowhere++
		}
	}
	for _, d := range slices.Sorted(maps.Keys(o.Departments)) {
		if p := o.Departments[d].Parent; p != "" {
			s.below[p] = append(s.below[p], d)
		}
		if h := o.Departments[d].Head; h != "" {
			s.heads[h] = append(s.heads[h], d)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(o.Categories)) {
		for _, g := range o.Categories[c].Grants {
			s.opened = append(s.opened, policy.CategoryGrant{Category: c, To: g.To, On: g.On, Superiors: g.Superiors})
			s.reach(g.To, g.Superiors)
		}
	}
	for _, g := range o.Granted {
		s.reach(g.To, g.Superiors)
	}
	s.kept, _ = simplelru.NewLRU[id.User, compiled](maxRights, nil) // fails on a size below 1 only
	return s
}

func (s *snapshot) reach(to policy.Grantee, superiors bool) {
	if superiors {
		s.reaching[to] = true
	}
}

func (s *snapshot) rows() int {
	return len(s.Departments) + len(s.Posts) + len(s.Places) + len(s.Roles) + len(s.Categories) + len(s.Granted)
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
	r := policy.Compile(s.chart(p), s.rolesOf(p))
	s.kept.Add(p.User, compiled{self, r})
	return r
}

// rolesOf are the roles at the place, as they are now.
func (o *Organisation) rolesOf(p principal.Place) []policy.Role {
	var out []policy.Role
	for _, r := range o.rolesAt(p) {
		if role, ok := o.Roles[r]; ok {
			out = append(out, role)
		}
	}
	return out
}

// chart is where somebody at the place stands.
func (s *snapshot) chart(p principal.Place) policy.Chart {
	at := policy.Chart{
		User: p.User, Reports: descendants([]id.User{p.User}, s.reports), Department: p.Department, Seats: s.seats(p), Categories: s.opened,
		Granted: func(g policy.Grantee) (policy.Mark, bool) { m, ok := s.Granted[g]; return m.Mark, ok },
		Seated:  func(d id.Department) []id.User { return s.seated[d] },
		Sits:    s.sits, Unseated: s.nowhere,
	}
	all := at.Seats
	if p.Department != "" {
		all = append([]id.Department{p.Department}, all...)
	}
	at.Below = descendants(all, s.below)
	at.Above = s.above(all)
	if len(s.reaching) > 0 {
		at.Superiors = s.superiors(at.Reports)
	}
	return at
}

// sits tells where the user sits, and whether they have left a department once.
func (s *snapshot) sits(u id.User) (in id.Department, moved bool) {
	p := s.Places[u]
	return p.Department, p.Moved
}

// seats are the departments, besides their own, that somebody at the place heads. A post brings its roles and no seat: who moves to another
// department and keeps a post in the old one sees no more of the old one than those roles say.
func (s *snapshot) seats(p principal.Place) []id.Department {
	return slices.DeleteFunc(slices.Clone(s.heads[p.User]), func(d id.Department) bool { return d == p.Department })
}

// above are all departments on the way up from the given ones, without those.
func (s *snapshot) above(from []id.Department) []id.Department {
	var out []id.Department
	seen := map[id.Department]bool{}
	for _, d := range from {
		for d = s.Departments[d].Parent; d != "" && !seen[d]; d = s.Departments[d].Parent {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}

// superiors are the grantees that active users among the reports are one of, as far as a grant of any record or category reaches superiors.
// What is granted to somebody who is not active sleeps, for those above them too.
func (s *snapshot) superiors(reports []id.User) []policy.Grantee {
	seen := map[policy.Grantee]bool{}
	for _, u := range reports {
		p := s.Places[u]
		if !p.Active {
			continue
		}
		for _, g := range s.grantees(p) {
			if s.reaching[g] {
				seen[g] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// grantees are all that somebody at the place is one of.
func (s *snapshot) grantees(p principal.Place) []policy.Grantee {
	out := []policy.Grantee{policy.ToUser(p.User)}
	seats := s.seats(p)
	if p.Department != "" {
		seats = append(seats, p.Department)
	}
	for _, d := range seats {
		out = append(out, policy.ToDepartment(d, false), policy.ToDepartment(d, true))
	}
	for _, d := range s.above(seats) {
		out = append(out, policy.ToDepartment(d, true))
	}
	for _, r := range s.rolesAt(p) {
		out = append(out, policy.ToRole(r))
	}
	return out
}

// descendants are all below the roots, without them, near ones first. It ends on a cycle too.
func descendants[K ~string](roots []K, children map[K][]K) []K {
	var out, next []K
	seen := map[K]bool{}
	for _, k := range roots {
		seen[k] = true
	}
	for _, k := range roots {
		next = append(next, children[k]...)
	}
	for len(next) > 0 {
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

// get gives the newest that is kept of the tenant, at whatever version; nil when none is.
func (c *snapshots) get(t id.Tenant) *snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, _ := c.kept.Get(t)
	return s
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
	if s := a.snapshots.get(v.tenant); s != nil && s.authz >= v.authz && s.org >= v.org {
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

// load brings the snapshot that is kept to the version, or reads the partitions and then the tenant's row once more. Only if the versions stand
// still between the two is what was read one state, and not half of one and half of the next, which might grant what no state ever granted;
// else the journal makes it one.
func (a *Access) load(ctx context.Context, v version) (*snapshot, error) {
	if s := a.snapshots.get(v.tenant); s != nil {
		if o, err := a.follow(ctx, s.Organisation, s.version, v); o != nil || err != nil {
			return a.keep(v, o), err
		}
	}
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
		now := versionOf(row)
		if o, err = a.follow(ctx, o, v, now); o != nil || err != nil {
			return a.keep(now, o), err
		}
		v = now
	}
	return nil, fault.New(fault.Unavailable, "busy").After(time.Second)
}

// keep makes the snapshot of the organisation; nil of none.
func (a *Access) keep(v version, o *Organisation) *snapshot {
	if o == nil {
		return nil
	}
	s := newSnapshot(v, o)
	a.snapshots.put(s)
	return s
}
