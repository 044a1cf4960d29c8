package account

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// How the access of many users is compared. Accounts that no grant speaks of are alike as long as owner and department are: those pairs are
// cells, and one walk of an index counts them. What grants and categories speak of to one user is looked at one by one. So a
// comparison costs users × cells and not users × accounts.

// The bounds of a comparison.
const (
	maxCensus   = 5_000_000 // index entries that are walked
	maxSpecials = 50_000    // accounts that grants speak of to one user
)

// cell is a pair of owner and department with its accounts.
type cell struct {
	owner  id.User
	dept   id.Department
	n      int
	newest []string // places, newest first, to access.MaxSamples
}

func (c *cell) resource(t id.Tenant) policy.Resource {
	return policy.Resource{Tenant: t, Owner: c.owner, Department: c.dept}
}

// special is an account that some grant or category speaks of to a user, with what speaks.
type special struct {
	place string
	policy.Resource
}

// comparison is the work of one Diff.
type comparison struct {
	s     *Accounts
	asker *policy.Subject
	cells []cell

	ofOwner map[id.User][]int // places in cells
	inDept  map[id.Department][]int

	mu    sync.Mutex
	known map[string][]special // by partition
}

// Diff compares each user's access to accounts before and after, action by action; exact is false when a bound was met, and there may be
// more. It authorises nothing but the samples.
func (s *Accounts) Diff(ctx context.Context, asker *policy.Subject, users []access.Supposed, actions []policy.Action) (out [][]access.Difference, exact bool, err error) {
	c := &comparison{s: s, asker: asker, known: map[string][]special{}}
	if exact, err = c.census(ctx); err != nil {
		return nil, false, err
	}
	c.index()
	out = make([][]access.Difference, len(users))
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.GOMAXPROCS(0))) // who is alone with a processor waits for the table meanwhile
	for i, u := range users {
		g.Go(func() error {
			d, all, err := c.compare(ctx, u, actions)
			mu.Lock()
			defer mu.Unlock()
			out[i], exact = d, exact && all
			return err
		})
	}
	return out, exact, g.Wait()
}

// census counts the cells of the tenant.
func (c *comparison) census(ctx context.Context) (exact bool, err error) {
	type pair struct {
		owner id.User
		dept  id.Department
	}
	at := map[pair]int{}
	walked := 0
	for _, x := range shards(c.asker, &walking{share: 1}) {
		q := table.Query{Index: x.index, PK: x.pk, Reverse: true, Limit: table.MaxLimit}
		for {
			p, err := c.s.table.Query(ctx, q)
			if err != nil {
				return false, err
			}
			for i := range p.Items {
				e, ok := key.EntryOf(p.Items[i].At.SK)
				if !ok {
					continue
				}
				n, known := at[pair{e.Owner, e.Department}]
				if !known {
					n = len(c.cells)
					owner, dept := id.User(strings.Clone(string(e.Owner))), id.Department(strings.Clone(string(e.Department)))
					at[pair{owner, dept}] = n
					c.cells = append(c.cells, cell{owner: owner, dept: dept})
				}
				if c.cells[n].n++; len(c.cells[n].newest) < access.MaxSamples {
					c.cells[n].newest = append(c.cells[n].newest, strings.Clone(e.Place))
				}
			}
			if walked += len(p.Items); walked > maxCensus {
				return false, nil
			}
			if q.Cursor = p.Cursor; q.Cursor == "" {
				break
			}
		}
	}
	return true, nil
}

// index finds cells by owner and by department.
func (c *comparison) index() {
	c.ofOwner, c.inDept = map[id.User][]int{}, map[id.Department][]int{}
	for i := range c.cells {
		x := &c.cells[i]
		c.ofOwner[x.owner] = append(c.ofOwner[x.owner], i)
		c.inDept[x.dept] = append(c.inDept[x.dept], i)
	}
}

// reached calls each once with every cell that the user's scope reaches before or after: of the thousands that a tenant has, most users reach
// a few, and of no other may the answer differ.
func (c *comparison) reached(u access.Supposed, act policy.Action, each func(*cell)) {
	before, after := policy.ReachOf(u.Before, policy.ModAccount, act), policy.ReachOf(u.After, policy.ModAccount, act)
	if before.All || after.All {
		for i := range c.cells {
			each(&c.cells[i])
		}
		return
	}
	seen := make([]bool, len(c.cells))
	visit := func(places []int) {
		for _, i := range places {
			if !seen[i] {
				seen[i] = true
				each(&c.cells[i])
			}
		}
	}
	for _, reach := range []policy.Reach{before, after} {
		for _, owner := range reach.Owners {
			visit(c.ofOwner[owner])
		}
		for _, d := range reach.Departments {
			visit(c.inDept[d])
		}
	}
}

// sameReach reports whether scopes, defaults, categories and grants let both do the action on the same accounts.
func sameReach(a, b *policy.Subject, act policy.Action) bool {
	x, y := policy.ReachOf(a, policy.ModAccount, act), policy.ReachOf(b, policy.ModAccount, act)
	return x.All == y.All && slices.Equal(x.Owners, y.Owners) && slices.Equal(x.Departments, y.Departments) &&
		slices.Equal(x.Categories, y.Categories) && slices.Equal(x.Grantees, y.Grantees) && slices.Equal(x.Denying, y.Denying)
}

func (c *comparison) compare(ctx context.Context, u access.Supposed, actions []policy.Action) (out []access.Difference, exact bool, err error) {
	var specials map[id.Account]*special
	exact = true
	for _, act := range actions {
		if sameReach(u.Before, u.After, act) {
			continue
		}
		if specials == nil {
			if specials, exact, err = c.specials(ctx, u); err != nil {
				return nil, false, err
			}
		}
		if d := c.difference(u, act, specials); d.Gained+d.Lost > 0 {
			out = append(out, d)
		}
	}
	return out, exact, nil
}

// difference sums the cells, less the accounts that grants speak of, and adds those one by one.
func (c *comparison) difference(u access.Supposed, act policy.Action, specials map[id.Account]*special) access.Difference {
	permission := policy.PermissionOf(policy.ModAccount, act)
	may := func(s *policy.Subject, r policy.Resource) bool { return policy.Allows(s, permission, &r) }
	out := access.Difference{Action: act}
	var gained, lost samples
	t := c.asker.Tenant
	c.reached(u, act, func(x *cell) {
		r := x.resource(t)
		before, after := may(u.Before, r), may(u.After, r)
		if before == after {
			return
		}
		into, n := &gained, &out.Gained
		if before {
			into, n = &lost, &out.Lost
		}
		*n += x.n
		if policy.Allows(c.asker, viewAccount, &r) {
			for _, place := range x.newest {
				if specials[accountIn(place)] == nil {
					into.add(place)
				}
			}
		}
	})
	for _, x := range specials {
		plain := policy.Resource{Tenant: t, Owner: x.Owner, Department: x.Department}
		counted := may(u.After, plain) && !may(u.Before, plain)
		uncounted := may(u.Before, plain) && !may(u.After, plain)
		gains := may(u.After, x.Resource) && !may(u.Before, x.Resource)
		loses := may(u.Before, x.Resource) && !may(u.After, x.Resource)
		out.Gained += count(gains) - count(counted)
		out.Lost += count(loses) - count(uncounted)
		if (gains || loses) && policy.Allows(c.asker, viewAccount, &x.Resource) {
			if gains {
				gained.add(x.place)
			} else {
				lost.add(x.place)
			}
		}
	}
	out.GainedSome, out.LostSome = gained.accounts(), lost.accounts()
	return out
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// samples keeps the newest places.
type samples []string

func (s *samples) add(place string) {
	if len(*s) >= 4*access.MaxSamples {
		s.cut()
	}
	*s = append(*s, place)
}

func (s *samples) cut() {
	slices.SortFunc(*s, func(a, b string) int { return strings.Compare(b, a) })
	*s = (*s)[:min(len(*s), access.MaxSamples)]
}

func (s *samples) accounts() []id.Account {
	s.cut()
	var out []id.Account
	for _, place := range *s {
		out = append(out, accountIn(place))
	}
	return out
}

// specials gathers the accounts that grants and categories speak of to the user, before or after.
func (c *comparison) specials(ctx context.Context, u access.Supposed) (map[id.Account]*special, bool, error) {
	t := c.asker.Tenant
	partitions := map[string]func(*key.Entry) policy.Resource{}
	for _, s := range []*policy.Subject{u.Before, u.After} {
		reach := policy.ReachOf(s, policy.ModAccount, policy.View)
		for _, to := range slices.Concat(reach.Grantees, reach.Denying) {
			of := func(e *key.Entry) policy.Resource {
				return policy.Resource{Grants: []policy.RecordGrant{marked(to, e.Marks)}}
			}
			partitions[key.GranteeAccounts(t, string(to))] = of
			if slices.Contains(reach.Overflowed, to) {
				partitions[key.OverflowAccounts(t, string(to))] = of
			}
		}
		for _, cat := range reach.Categories {
			partitions[key.CategoryAccounts(t, cat)] = func(*key.Entry) policy.Resource { return policy.Resource{Categories: []id.Category{cat}} }
		}
	}
	out := map[id.Account]*special{}
	for pk, of := range partitions {
		entries, err := c.partition(ctx, pk, of)
		if err != nil {
			return nil, false, err
		}
		for i := range entries {
			x := &entries[i]
			a := accountIn(x.place)
			if have := out[a]; have != nil {
				have.Grants = slices.Concat(have.Grants, x.Grants)
				have.Categories = slices.Concat(have.Categories, x.Categories)
				continue
			}
			if len(out) >= maxSpecials {
				return out, false, nil
			}
			mine := *x
			out[a] = &mine
		}
	}
	return out, true, nil
}

// partition reads a partition of grants or of a category, once for all users.
func (c *comparison) partition(ctx context.Context, pk string, of func(*key.Entry) policy.Resource) ([]special, error) {
	c.mu.Lock()
	have, known := c.known[pk]
	c.mu.Unlock()
	if known {
		return have, nil
	}
	var out []special
	err := c.s.entries(ctx, pk, func(e *key.Entry) {
		r := of(e)
		r.Tenant, r.Owner, r.Department = c.asker.Tenant, e.Owner, e.Department
		out = append(out, special{place: e.Place, Resource: r})
	})
	if err == nil {
		err = c.located(ctx, out)
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.known[pk] = out
	c.mu.Unlock()
	return out, nil
}

// located reads owner and department of those whose entries say neither.
func (c *comparison) located(ctx context.Context, all []special) error {
	var missing []*special
	for i := range all {
		if all[i].Owner == "" {
			missing = append(missing, &all[i])
		}
	}
	for part := range slices.Chunk(missing, table.MaxGet) {
		at := map[table.Key]*special{}
		keys := make([]table.Key, len(part))
		for i, x := range part {
			keys[i] = key.Account(c.asker.Tenant, accountIn(x.place))
			at[keys[i]] = x
		}
		items, err := c.s.table.Get(ctx, keys...)
		if err != nil {
			return err
		}
		for _, it := range items {
			a, err := fromItem(it)
			if err != nil {
				return err
			}
			x := at[it.Key]
			x.Owner, x.Department, x.place = a.Owner, a.Department, key.Newest(a.UpdatedAt, a.ID)
		}
	}
	return nil
}
