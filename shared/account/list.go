package account

import (
	"context"
	"slices"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// maxRead is how many accounts are read for one page or one count: a page that is still short by then ends there.
const maxRead = 2_000

// Query says which accounts to list, newest update first, and of accounts updated in the same millisecond the later made first.
type Query struct {
	Limit int    // 1 to 100
	After string // the position that an earlier Page.Next named; "" is the start
	Count bool

	// Filters; "" is any. A filter on a field that the reader's roles hide or mask is refused by the caller with Filterable.
	Owner      id.User
	Department id.Department
	Category   id.Category
	Status     Status
	Type       string
	ValueTier  string
	Stage      string
}

// Page is a part of a list. It may be short, even empty, and have a Next: then a filter passed over many accounts, and the rest follows.
type Page struct {
	Items []Account
	Next  string // "" at the end
	Count *Count // when asked for
}

// Filterable reports whether the reader may filter by the field (type, valueTier, stage, ownerId, departmentId, categoryIds, status): filtering by a
// hidden or masked field would tell what it holds.
func Filterable(who *policy.Subject, field string) bool {
	return field == "status" || !narrow(who.Field(policy.ModAccount, policy.View, field))
}

// List answers a page of the accounts that the reader may view: those that Get would answer, and no others. Positions are of the global
// order, so that neither a change of the reader's scope nor what others write makes pages overlap or skip an account that nobody
// touched; an account that is updated while somebody pages moves to the front, and may so be seen on no page or on one.
func (s *Accounts) List(ctx context.Context, who *policy.Subject, q Query) (*Page, error) {
	if err := policy.RequireAny(who, policy.ModAccount, policy.View); err != nil {
		return nil, err
	}
	var total *Count
	if q.Count {
		n, err := s.count(ctx, who, &q)
		if err != nil {
			return nil, err
		}
		total = &n
	}
	from, err := s.plan(ctx, who, &q)
	if err != nil {
		return nil, err
	}
	page, err := s.list(ctx, who, &q, from)
	if err != nil {
		return nil, err
	}
	page.Count = total
	return page, nil
}

// list answers a page of what the sources hold.
func (s *Accounts) list(ctx context.Context, who *policy.Subject, q *Query, from []source) (*Page, error) {
	m, err := s.merge(ctx, from, false, q.After, q.Limit+1)
	if err != nil {
		return nil, err
	}
	r, page := s.reader(who, q), &Page{}
	if page.Next, err = r.page(ctx, m, q.Limit, maxRead); err != nil {
		return nil, err
	}
	page.Items, err = r.open(ctx)
	return page, err
}

// filtered reports whether the query passes over accounts that the reader may view.
func (q *Query) filtered() bool {
	return q.Owner != "" || q.Department != "" || q.Category != "" || q.Status != "" || q.Type != "" || q.ValueTier != "" || q.Stage != ""
}

// admits applies the filters.
func (q *Query) admits(a *Account) bool {
	return (q.Owner == "" || a.Owner == q.Owner) && (q.Department == "" || a.Department == q.Department) &&
		(q.Category == "" || slices.Contains(a.Categories.IDs(), q.Category)) && (q.Status == "" || a.Status == q.Status) && (q.Type == "" || a.Type == q.Type) &&
		(q.ValueTier == "" || a.ValueTier == q.ValueTier) && (q.Stage == "" || a.Stage == q.Stage)
}

// CountOwned is how many accounts the user owns, deactivated ones included. It is read strongly, from a partition that every commit that
// gives or takes an account writes. Whoever wants to rely on it reads the user first, finds them not active, and commits on the version
// that was read: no account can have been given to them since, because giving one demands an active user at the instant of its commit.
func (s *Accounts) CountOwned(ctx context.Context, t id.Tenant, u id.User) (int, error) {
	n := 0
	q := table.Query{PK: key.OwnedBy(t, u), Limit: 1000}
	for {
		p, err := s.table.Query(ctx, q)
		if err != nil {
			return 0, err
		}
		n += len(p.Items)
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return n, nil
		}
	}
}

// CountInDepartment is how many accounts lie in the department itself, deactivated ones included; when exact is false there are at least n.
// An index nominates and a strong read of each decides: so one that was put there a moment ago may be missed, and one that has left is not
// counted.
func (s *Accounts) CountInDepartment(ctx context.Context, t id.Tenant, d id.Department) (n int, exact bool, err error) {
	q := table.Query{Index: table.G3, PK: key.DepartmentAccounts(t, d), Prefix: key.DepartmentAccountPrefix, Limit: table.MaxGet}
	for {
		p, err := s.table.Query(ctx, q)
		if err != nil {
			return 0, false, err
		}
		keys := make([]table.Key, len(p.Items))
		for i, it := range p.Items {
			keys[i] = it.Key
		}
		var items []table.Item
		if len(keys) > 0 {
			if items, err = s.table.Get(ctx, keys...); err != nil {
				return 0, false, err
			}
		}
		for _, it := range items {
			a, err := fromItem(it)
			if err != nil {
				return 0, false, err
			}
			if a.Department == d {
				n++
			}
		}
		q.Cursor = p.Cursor
		if q.Cursor == "" || n > 0 {
			return n, q.Cursor == "", nil
		}
	}
}
