package account

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// maxGrants is how many entries of grants are read for one count, of those that deny and of those that open.
const maxGrants = 5_000

// concern is what grants on one account say to a reader.
type concern struct {
	opens, closes bool
	entry         *key.Entry // nil: no entry that was read says owner and department
}

// concerns are the accounts whose grants concern a reader, by what index entries say.
type concerns struct {
	of   map[id.Account]*concern
	more bool // others are opened to the reader as well
}

// concerns reads the index entries of grants; nil when more accounts may be denied to the reader than are read.
func (s *Accounts) concerns(ctx context.Context, who *policy.Subject) (*concerns, error) {
	reach := policy.ReachOf(who, policy.ModAccount, policy.View)
	g := &concerns{of: map[id.Account]*concern{}}
	all, err := s.concern(ctx, who, g, reach.Denying, reach.Overflowed)
	if err != nil || !all {
		return nil, err
	}
	if reach.All { // nothing is left to open
		return g, nil
	}
	opening := slices.DeleteFunc(slices.Clone(reach.Grantees), func(to policy.Grantee) bool { return slices.Contains(reach.Denying, to) })
	all, err = s.concern(ctx, who, g, opening, reach.Overflowed)
	g.more = !all
	return g, err
}

// concern adds what the grants to the grantees say. False: there are more than are read.
func (s *Accounts) concern(ctx context.Context, who *policy.Subject, g *concerns, to, overflowed []policy.Grantee) (bool, error) {
	var mu sync.Mutex
	var left atomic.Int64
	left.Store(maxGrants)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	read := func(x policy.Grantee, pk string, inOrder bool) {
		work.Go(func() error {
			return s.entriesUntil(ctx, pk, func(e *key.Entry) bool {
				is := marked(x, e.Marks)
				opens, closes := policy.Opens(who, policy.ModAccount, policy.View, &is), policy.Closes(who, policy.ModAccount, policy.View, &is)
				if opens || closes {
					mu.Lock()
					defer mu.Unlock()
					c := g.of[e.Account]
					if c == nil {
						c = &concern{}
						g.of[e.Account] = c
					}
					c.opens, c.closes = c.opens || opens, c.closes || closes
					if inOrder {
						c.entry = e
					}
				}
				return left.Add(-1) >= 0
			})
		})
	}
	for _, x := range to {
		read(x, key.GranteeAccounts(who.Tenant, string(x)), true)
		if slices.Contains(overflowed, x) {
			read(x, key.OverflowAccounts(who.Tenant, string(x)), false)
		}
	}
	err := work.Wait()
	return left.Load() >= 0, err
}

// fixes are what the concerns change of what tallies say. Where entries tell, no account is read for it; else, and when its tally is asked
// for, the account has the last word.
func (s *Accounts) fixes(ctx context.Context, who *policy.Subject, g *concerns, whole bool) ([]fix, error) {
	var out []fix
	var read []id.Account
	apart := len(policy.ReachOf(who, policy.ModAccount, policy.View).Categories) == 0 // no category opens what scopes do not
	for a, c := range g.of {
		if c.entry == nil || !apart {
			read = append(read, a)
			continue
		}
		in := scoped(who, c.entry)
		switch {
		case in != c.closes: // as tallies have it
		case whole:
			read = append(read, a)
		case in:
			out = append(out, fix{one, -1})
		default:
			out = append(out, fix{one, 1})
		}
	}
	slices.Sort(read)
	parts := slices.Collect(slices.Chunk(read, table.MaxGet))
	mended := make([][]fix, len(parts))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for i, part := range parts {
		work.Go(func() (err error) {
			mended[i], err = s.mended(ctx, who, part)
			return err
		})
	}
	err := work.Wait()
	return slices.Concat(append(mended, out)...), err
}

// mended reads the accounts and gives those of which tallies say something else than their grants decide. There are to table.MaxGet of them.
func (s *Accounts) mended(ctx context.Context, who *policy.Subject, all []id.Account) ([]fix, error) {
	keys := make([]table.Key, len(all))
	for i, a := range all {
		keys[i] = key.Account(who.Tenant, a)
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var out []fix
	for i := range items {
		a, err := weighed(&items[i])
		if err != nil {
			return nil, err
		}
		if err := s.gather(ctx, who.Tenant, a); err != nil {
			return nil, err
		}
		x := a.tally()
		in, may := allows(who, x.resource(who.Tenant)), allows(who, a.resource(who.Tenant))
		switch {
		case in && !may:
			out = append(out, fix{x, -1})
		case !in && may:
			out = append(out, fix{x, 1})
		}
	}
	return out, nil
}
