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
// grantees that policy.ReachOf names. They are merged, or else the whole tenant is walked, and entries that the reader's scope does not reach
// are passed over by what they say of owner and department, without reading the account; grantees and categories are merged into that walk,
// since an entry of the tenant's says nothing of grants. Between the two lies what owners have where they sit: the partitions of their departments, and
// of accounts that lie elsewhere those that are stray. All ways give the same places in the same order, so a cursor survives a change of
// plan, and what finds less than was expected goes on as a merge.

// How a plan is chosen. A page is to cost fewRequests, all in one round, and fewUnits of DynamoDB at most. A partition that is merged costs a
// request and half a unit, as long as what is read of it fits into 4 KB; a walk reads as many entries as it takes to meet a page's. A merge
// that keeps to both is taken at once; else the way whose worse figure is the least. Of a tenant of 1,000 users a manager of 40 takes 42 requests and 21
// units merged, 6 and 49 walked, 11 and 12 by the departments where they sit; the head of 220 in 16 departments 238 and 120 merged, 7 and 10 walked
// (2026-11, infra/bench).
const (
	fewRequests = 16
	fewUnits    = 12
)

// plan gives the index partitions that hold every account of the query that the reader may view, and maybe others.
func (s *Accounts) plan(ctx context.Context, who *policy.Subject, q *Query) ([]source, error) {
	t := who.Tenant
	switch {
	case q.Owner != "":
		return []source{ownedBy(t, q.Owner)}, nil
	case q.Department != "":
		return []source{placedIn(t, q.Department)}, nil
	case q.Category != "":
		return []source{categorisedAs(t, q.Category)}, nil
	}
	reach := policy.ReachOf(who, policy.ModAccount, policy.View)
	if reach.All {
		return shards(who, &walking{share: 1}), nil
	}
	extra, err := s.beyond(ctx, who, reach)
	if err != nil {
		return nil, err
	}
	merged := within(t, reach)
	if len(merged) == 0 {
		return extra, nil
	}
	best := append(merged, extra...)
	least := cost(best, q.Limit+1)
	if least <= 1 {
		return best, nil
	}
	for _, way := range []func(*policy.Subject, *policy.Reach, []source, int) []source{teams, walk} {
		if from := way(who, &reach, merged, q.Limit+1); from != nil {
			from = append(from, extra...)
			if n := cost(from, q.Limit+1); n < least {
				best, least = from, n
			}
		}
	}
	return best, nil
}

// walk gives all accounts of the tenant, of which the scope's are admitted; and after too many others goes on as the merge.
func walk(who *policy.Subject, reach *policy.Reach, merged []source, want int) []source {
	w := walkingOf(who)
	w.share = share(who, *reach)
	out := shards(who, w)
	w.turns(merged, want)
	return out
}

// cost is how many times the cheapest page's limits the first reads of the sources take, by requests or by units, whichever is more.
func cost(from []source, want int) float64 {
	requests, halves := 0, 0
	for i, n := range firstReads(from, want) {
		if from[i].given == nil {
			requests++
			halves += n
		}
	}
	return max(float64(requests)/fewRequests, float64(halves)/2/fewUnits)
}

// share is the part of the tenant's accounts that the reader's scope is expected to reach: that of users who own them by where they sit.
func share(who *policy.Subject, reach policy.Reach) float64 {
	return float64(max(reach.People, 1)) / float64(max(who.Org.Users, reach.People, 1))
}

// within gives the partitions of what the reader's scope reaches.
func within(t id.Tenant, reach policy.Reach) []source {
	out := make([]source, 0, len(reach.Owners)+len(reach.Departments)+len(reach.Grantees)+len(reach.Categories)+1)
	for _, u := range reach.Owners {
		x := ownedBy(t, u)
		x.part = 1 / float64(max(reach.People, 1))
		out = append(out, x)
	}
	for i, d := range reach.Departments {
		x := placedIn(t, d)
		x.part = float64(reach.Seated[i]) / float64(max(reach.People, 1))
		out = append(out, x)
	}
	return out
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

func ownedBy(t id.Tenant, u id.User) source {
	return source{index: table.G2, pk: key.OwnerAccounts(t, u), room: roomOfPlaced}
}

func placedIn(t id.Tenant, d id.Department) source {
	return source{index: table.G3, pk: key.DepartmentAccounts(t, d), prefix: key.DepartmentAccountPrefix, room: roomOfPlaced}
}

func categorisedAs(t id.Tenant, c id.Category) source {
	return source{index: table.G2, pk: key.CategoryAccounts(t, c), room: roomOfGranted}
}

// shards gives all accounts of the tenant, stray ones first.
func shards(who *policy.Subject, w *walking) []source {
	n, far := max(who.Org.Shards, 1), strayed(who)
	each := (1 - far) / float64(n)
	out := strays(who, w, far, far)
	for n := range n {
		out = append(out, source{index: table.G1, pk: key.TenantAccounts(who.Tenant, n), admits: w.admits, walk: w, part: each, slice: each, room: roomOfTenant})
	}
	return out
}

// scoped reports whether scopes alone let the reader view the account of the entry.
func scoped(who *policy.Subject, e *key.Entry) bool {
	return policy.Allows(who, viewAccount, &policy.Resource{Tenant: who.Tenant, Owner: e.Owner, Department: e.Department})
}

// granted gives what grants on accounts let the reader view.
func granted(who *policy.Subject, reach policy.Reach) []source {
	out := make([]source, 0, len(reach.Grantees))
	for _, to := range reach.Grantees {
		out = append(out, source{index: table.G2, pk: key.GranteeAccounts(who.Tenant, string(to)), room: roomOfGranted, admits: func(e *key.Entry) bool {
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
