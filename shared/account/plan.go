package account

import (
	"context"
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// How a list is planned. What a reader may view lies in some partitions of ordered indexes: those of owners, departments, categories and
// grantees that policy.ReachOf names. A few of them are merged. Where there are more, the whole tenant is walked instead, and entries that
// the reader's scope does not reach are passed over by what they say of owner and department, without reading the account; grantees and
// categories are merged into that walk, since an entry of the tenant's says nothing of grants. Both ways give the same places in the same
// order, so a cursor survives a change of plan.

// How a plan is chosen, in DynamoDB's read units. A partition that is merged costs a request and half a unit, as long as what is read of it
// fits into 4 KB; a walk reads as many entries as it takes to meet a page's. Of a tenant of 1,000 users a manager of 40 takes 21 units merged
// and 66 walked, in the local store 0.8 and 0.9 ms; one of 32, 16 and 80 units, 0.7 and 1.0 ms (2026-11, infra/bench). So whoever has more
// than fewPartitions takes more requests rather than more units, atOnce at a time, until the walk is as cheap as one unit a request.
const (
	fewPartitions  = 16 // are merged: one round of requests
	entriesOfAUnit = 26 // of an index
)

// plan gives the index partitions that hold every account of the query that the reader may view, and maybe others.
func (s *Accounts) plan(ctx context.Context, who *policy.Subject, q *Query) ([]source, error) {
	t := who.Tenant
	switch {
	case q.Owner != "":
		return []source{ownedBy(t, q.Owner, nil)}, nil
	case q.Department != "":
		return []source{placedIn(t, q.Department, nil)}, nil
	case q.Category != "":
		return []source{categorisedAs(t, q.Category)}, nil
	}
	reach := policy.ReachOf(who, policy.ModAccount, policy.View)
	if reach.All {
		return walk(who, reach, 0), nil
	}
	extra, err := s.beyond(ctx, who, reach)
	if err != nil {
		return nil, err
	}
	n := len(reach.Owners) + len(reach.Departments)
	if n == 0 && len(extra) == 0 {
		return nil, nil
	}
	thin := thinness(who, reach)
	if all := n + len(extra); all > fewPartitions && float64(2*q.Limit)/thin/entriesOfAUnit < float64(all) {
		return append(walk(who, reach, thin), extra...), nil
	}
	out := make([]source, 0, n+len(extra))
	for _, u := range reach.Owners {
		out = append(out, ownedBy(t, u, nil))
	}
	for _, d := range reach.Departments {
		out = append(out, placedIn(t, d, nil))
	}
	return append(out, extra...), nil
}

// thinness is the share of the tenant's accounts that the reader's scope is expected to reach.
func thinness(who *policy.Subject, reach policy.Reach) float64 {
	n := len(reach.Owners) + len(reach.Departments)
	return float64(n) / float64(max(who.Org.Users, n, 1))
}

// beyond gives what the reader may view beyond their scope: by grants of records and of categories.
func (s *Accounts) beyond(ctx context.Context, who *policy.Subject, reach policy.Reach) ([]source, error) {
	out := granted(who, reach)
	for _, c := range reach.Categories {
		out = append(out, categorisedAs(who.Tenant, c))
	}
	over, err := s.overflowed(ctx, who, reach)
	if over != nil {
		out = append(out, source{given: over})
	}
	return out, err
}

func ownedBy(t id.Tenant, u id.User, admits func(*key.Entry) bool) source {
	return source{index: table.G2, pk: key.OwnerAccounts(t, u), admits: admits}
}

func placedIn(t id.Tenant, d id.Department, admits func(*key.Entry) bool) source {
	return source{index: table.G3, pk: key.DepartmentAccounts(t, d), prefix: key.DepartmentAccountPrefix, admits: admits, heavy: true}
}

func categorisedAs(t id.Tenant, c id.Category) source {
	return source{index: table.G2, pk: key.CategoryAccounts(t, c), heavy: true}
}

// walk gives all accounts that the reader's scope reaches.
func walk(who *policy.Subject, reach policy.Reach, thin float64) []source {
	var admits func(*key.Entry) bool
	if reach.All {
		thin = 1
	} else {
		admits = func(e *key.Entry) bool { return scoped(who, e) }
	}
	out := make([]source, max(who.Org.Shards, 1))
	for n := range out {
		out[n] = source{index: table.G1, pk: key.TenantAccounts(who.Tenant, n), admits: admits, thin: thin}
	}
	return out
}

// scoped reports whether scopes alone let the reader view the account of the entry.
func scoped(who *policy.Subject, e *key.Entry) bool {
	return policy.Allows(who, policy.ModAccount, policy.View, &policy.Resource{Tenant: who.Tenant, Owner: e.Owner, Department: e.Department})
}

// granted gives what grants on accounts let the reader view.
func granted(who *policy.Subject, reach policy.Reach) []source {
	out := make([]source, 0, len(reach.Grantees))
	for _, to := range reach.Grantees {
		out = append(out, source{index: table.G2, pk: key.GranteeAccounts(who.Tenant, string(to)), admits: func(e *key.Entry) bool {
			g := marked(to, e.Marks)
			return policy.Opens(who, policy.ModAccount, policy.View, &g)
		}})
	}
	return out
}

// overflowed gives the places of the accounts that the reader may view by grants which the accounts keep out of order: there are few, so
// they are read and put in order. nil when there are none.
func (s *Accounts) overflowed(ctx context.Context, who *policy.Subject, reach policy.Reach) ([]string, error) {
	var all []id.Account
	for _, to := range reach.Overflowed {
		err := s.entries(ctx, key.OverflowAccounts(who.Tenant, string(to)), func(e *key.Entry) {
			if g := marked(to, e.Marks); policy.Opens(who, policy.ModAccount, policy.View, &g) {
				all = append(all, e.Account)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	var places []string
	for part := range slices.Chunk(all, table.MaxGet) {
		keys := make([]table.Key, len(part))
		for i, a := range part {
			keys[i] = key.Account(who.Tenant, a)
		}
		items, err := s.table.Get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			a, err := fromItem(it)
			if err != nil {
				return nil, err
			}
			places = append(places, key.Newest(a.UpdatedAt, a.ID))
		}
	}
	slices.SortFunc(places, func(a, b string) int { return strings.Compare(b, a) })
	return places, nil
}
