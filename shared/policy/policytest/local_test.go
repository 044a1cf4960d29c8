package policytest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/policy/policytest"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// desk is Steward over the local table: rows as the nouns leave them (store_test.go), subjects by access as every request loads them, and
// answers by the operations of account. Each world is a tenant of its own; those before it stay in the table, with users, roles and accounts
// of the same ids, so whatever crosses the border of a tenant is a wrong answer here.
type desk struct {
	*edgetest.Deployment
	t        testing.TB
	access   *access.Access
	accounts *account.Accounts
	store
	faults deskFaults

	// What was read since the last change; asking many questions of one state costs too much else.
	kept   map[id.User]*policy.Subject // as requests load them; nil: not let in
	others map[id.User]*policy.Subject // as administrators ask about them
	all    *access.Compiled
	now    principal.Tenant
	known  map[id.Account]policy.Resource

	explained int

	before map[table.Key]table.Item // while indexes lag: what was stored when they stopped
}

// deskFaults take guards away.
type deskFaults struct {
	keepSubjects bool // a subject is loaded once and kept over changes
	noMarks      bool // grants are written without the marks that lists look for
	stayPut      bool // grants do not move along with their account
	unread       bool // lists take what indexes nominate while they lag, and do not see what has become of it
	noOverflow   bool // lists do not look at grants that are kept out of order
}

func newDesk(t testing.TB, f deskFaults) *desk {
	d := &desk{Deployment: edgetest.Deploy(t), t: t, faults: f}
	d.access = access.New(d.Table, d.Now)
	d.accounts = account.New(&faulty{d.Table, d}, d.Crypt, d.access, user.New(d.Table, d.Crypt, d.access, nil))
	return d
}

// faulty is the table with what unread and noOverflow take away.
type faulty struct {
	table.Table
	d *desk
}

func (f *faulty) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	items, err := f.Table.Get(ctx, keys...)
	for i, it := range items {
		if was, ok := f.d.before[it.Key]; ok && f.d.faults.unread {
			items[i].Doc = was.Doc
		}
	}
	return items, err
}

func (f *faulty) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if f.d.faults.noOverflow && strings.HasPrefix(q.PK, key.OverflowAccounts(f.d.tenant, "")) {
		return table.Page{}, nil
	}
	return f.Table.Query(ctx, q)
}

// Load makes a tenant.
func (d *desk) Load(ctx context.Context, w *policytest.World) error {
	d.store = newStore(d.Tenant(d.t), d.Now().Truncate(time.Second).Sub(w.Now))
	d.kept = nil
	return d.Change(ctx, w)
}

// Change writes what differs, as the operations that make such a change do, in as few commits as hold it.
func (d *desk) Change(ctx context.Context, w *policytest.World) error {
	if err := d.write(ctx, w); err != nil {
		return err
	}
	if d.kept == nil || !d.faults.keepSubjects {
		d.kept = map[id.User]*policy.Subject{}
	}
	d.others, d.known = map[id.User]*policy.Subject{}, map[id.Account]policy.Resource{}
	items, err := d.Table.Get(ctx, key.Tenant(d.tenant))
	if err != nil {
		return err
	}
	d.now = principal.Tenant{}
	if err := json.Unmarshal(items[0].Doc, &d.now); err != nil {
		return err
	}
	d.all, err = d.access.Compiled(ctx, d.now)
	return err
}

// Freeze and Thaw are the store's.
func (d *desk) Freeze() {
	d.before = d.stored
	d.Store.FreezeIndexes()
}

func (d *desk) Thaw() {
	d.before = nil
	d.Store.ThawIndexes()
}

// who gives the user as a request of theirs begins, or nil when they are not let in.
func (d *desk) who(ctx context.Context, u id.User) (*policy.Subject, error) {
	if s, ok := d.kept[u]; ok {
		return s, nil
	}
	claims := identity.Claims{Name: identity.NameOf(d.tenant, u), Session: "s", AuthTime: d.Now()}
	s, err := d.access.Subject(ctx, claims, principal.Principal{Locale: "en", Operation: "test.operation", At: d.Now()})
	if fault.IsKind(err, fault.Unauthenticated) || fault.IsKind(err, fault.Denied) {
		s, err = nil, nil
	}
	d.kept[u] = s
	return s, err
}

// refused turns a refusal into an answer.
func refused(err error) (bool, error) {
	if fault.IsKind(err, fault.NotFound) || fault.IsKind(err, fault.Denied) {
		return true, nil
	}
	return false, err
}

// Check asks about another user as an administrator does, by the rights that access gives of them and the account as it is stored.
func (d *desk) Check(ctx context.Context, q policytest.Question) (bool, error) {
	s, ok := d.others[q.User]
	if !ok {
		asks := &policy.Subject{Principal: principal.Principal{Tenant: d.tenant, At: d.Now()}, Org: d.now}
		var err error
		if s, err = d.access.Of(ctx, asks, q.User); err != nil {
			return false, err
		}
		d.others[q.User] = s
	}
	r, err := d.resource(ctx, q.Account)
	return err == nil && policy.Decide(s, q.Module, q.Action, r).Allowed, err
}

// Explain asks by the rights that were compiled with everyone's: now and then, since it looks for remedies, for all layers.
func (d *desk) Explain(ctx context.Context, q policytest.Question) (policytest.Verdict, error) {
	r, err := d.resource(ctx, q.Account)
	s := d.all.Subject(d.now, q.User, d.Now())
	if d.explained++; d.explained%101 != 0 {
		v := policy.Decide(s, q.Module, q.Action, r)
		return policytest.Verdict{Allowed: v.Allowed, Rule: v.Rule}, err
	}
	e := policy.Explain(s, policy.Question{Module: q.Module, Action: q.Action, On: &r}, d.all.Facts(s.Self.Place, true))
	return policytest.Verdict{Allowed: e.Allowed, Rule: e.Rule}, err
}

// WhoCanSee has somebody ask who may see all and read roles.
func (d *desk) WhoCanSee(ctx context.Context, a id.Account) ([]id.User, error) {
	asks := d.maker("user_00000000000000000000000000")
	asks.Org = d.now
	out := []id.User{}
	p, err := d.accounts.Viewers(ctx, asks, d.all, a, policy.View, "", 100)
	if no, err := refused(err); no || err != nil {
		return out, err // a suspended tenant, a module that is off: nobody sees, and nobody asks
	}
	for _, v := range p.Items {
		out = append(out, v.User)
	}
	return out, nil
}

func (d *desk) Get(ctx context.Context, u id.User, a id.Account) (policytest.Row, bool, error) {
	s, err := d.who(ctx, u)
	if s == nil {
		return nil, false, err
	}
	x, err := d.accounts.Get(ctx, s, a)
	if no, err := refused(err); no || err != nil {
		return nil, false, err
	}
	return accountRow(x), true, nil
}

func (d *desk) Contacts(ctx context.Context, u id.User, a id.Account) ([]policytest.Row, bool, error) {
	s, err := d.who(ctx, u)
	if s == nil {
		return nil, false, err
	}
	p, err := d.accounts.Contacts(ctx, s, a, "", 100)
	if no, err := refused(err); no || err != nil {
		return nil, false, err
	}
	x, err := d.accounts.Get(ctx, s, a)
	if err != nil {
		return nil, false, err
	}
	rows := []policytest.Row{}
	for i, c := range p.Items {
		row := filled(policytest.Row{"name": c.Name, "title": c.Title, "email": string(c.Email), "phone": string(c.Phone)})
		rows = append(rows, row)
		if y := x.Contacts[i]; c.Name != y.Name || c.Email != y.Email || c.Phone != y.Phone || c.Title != y.Title {
			return nil, false, errors.New("the account shows its contact in another way than the list of contacts")
		}
	}
	return rows, true, nil
}

func filled(r policytest.Row) policytest.Row {
	for field, value := range r {
		if value == "" {
			delete(r, field)
		}
	}
	return r
}

func accountRow(x *account.Account) policytest.Row {
	return filled(policytest.Row{
		"name": x.Name, "type": x.Type, "valueTier": x.ValueTier, "stage": x.Stage, "email": string(x.Email), "phone": string(x.Phone),
		"idNumber": string(x.IDNumber), "address.city": x.Address.City, "ownerId": string(x.Owner), "departmentId": string(x.Department),
		"categoryIds": string(x.Categories),
	})
}

func (d *desk) Page(ctx context.Context, u id.User, after string, limit int) ([]policytest.Listed, string, error) {
	p, err := d.list(ctx, u, account.Query{After: after, Limit: limit})
	return rowsOf(p), p.Next, err
}

func rowsOf(p *account.Page) []policytest.Listed {
	out := []policytest.Listed{}
	for i := range p.Items {
		out = append(out, policytest.Listed{ID: p.Items[i].ID, Row: accountRow(&p.Items[i])})
	}
	return out
}

func (d *desk) list(ctx context.Context, u id.User, q account.Query) (*account.Page, error) {
	none := &account.Page{Count: &account.Count{Exact: true}}
	s, err := d.who(ctx, u)
	if s == nil {
		return none, err
	}
	p, err := d.accounts.List(ctx, s, q)
	if no, err := refused(err); no || err != nil {
		return none, err
	}
	return p, nil
}

func (d *desk) Count(ctx context.Context, u id.User) (int, error) {
	p, err := d.list(ctx, u, account.Query{Limit: 1, Count: true})
	if err == nil && !p.Count.Exact {
		err = errors.New("so few accounts, and the count is not exact")
	}
	return p.Count.Value, err
}

func (d *desk) Search(ctx context.Context, u id.User, f policytest.Filter) ([]policytest.Listed, bool, error) {
	s, err := d.who(ctx, u)
	if err != nil {
		return nil, false, err
	}
	for field := range filters(f) {
		if s == nil && field != "status" || s != nil && !account.Filterable(s, field) {
			if s != nil && !d.refuses(ctx, s, f) {
				err = errors.New("a search by a field that is not shown is not refused")
			}
			return nil, true, err
		}
	}
	p, err := d.search(ctx, s, f)
	if err != nil || f.NamePrefix != "" || f.Email != "" {
		return rowsOf(p), false, err
	}
	// The list filters by some fields too, and must find the same.
	l, err := d.list(ctx, u, account.Query{
		Limit: 100, Owner: f.Owner, Department: f.Department, Category: f.Category, Status: account.Status(f.Status), Type: f.Type,
		ValueTier: f.ValueTier, Stage: f.Stage, Count: true,
	})
	if err == nil && (len(l.Items) != l.Count.Value || l.Next != "" || len(l.Items) != len(p.Items)) {
		err = errors.New("a filtered list, its count and the search for the same find differently many")
	}
	return rowsOf(l), false, err
}

// refuses reports whether the search says that a field is unknown, or that nothing may be viewed.
func (d *desk) refuses(ctx context.Context, s *policy.Subject, f policytest.Filter) bool {
	_, err := d.search(ctx, s, f)
	return fault.Is(err, "unknown_field") || policy.May(s, policy.ModAccount, policy.View) == policy.None
}

func (d *desk) search(ctx context.Context, s *policy.Subject, f policytest.Filter) (*account.Page, error) {
	if s == nil {
		return &account.Page{}, nil
	}
	where := account.Where{}
	for field, value := range filters(f) {
		b, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		c := account.Where{Field: field, Op: account.Eq, Value: b}
		if field == "name" {
			c.Op = account.Prefix
		}
		where.And = append(where.And, c)
	}
	p, err := d.accounts.Search(ctx, s, account.Search{Where: &where, Limit: 100, Count: true})
	if no, err := refused(err); no || err != nil {
		return &account.Page{}, err
	}
	if len(p.Items) != p.Count.Value || p.Next != "" {
		err = errors.New("the count of a search is not its length")
	}
	return p, err
}

// filters are the filter's fields that ask for something.
func filters(f policytest.Filter) policytest.Row {
	return filled(policytest.Row{
		"ownerId": string(f.Owner), "departmentId": string(f.Department), "categoryIds": string(f.Category), "status": f.Status,
		"type": f.Type, "valueTier": f.ValueTier, "stage": f.Stage, "name": f.NamePrefix, "email": f.Email,
	})
}

func (d *desk) Field(ctx context.Context, u id.User, m policy.Module, a policy.Action, field string) (policy.Access, error) {
	s, err := d.who(ctx, u)
	if s == nil {
		return policy.Hidden, err
	}
	return s.Field(m, a, field), nil
}

// Attempt runs the operation and drops what it staged.
func (d *desk) Attempt(ctx context.Context, q policytest.Question) (bool, error) {
	s, err := d.who(ctx, q.User)
	if s == nil {
		return false, err
	}
	c := change.New(s.Principal, d.IDs, d.Now())
	if q.Module == policy.ModAccount {
		_, err = d.accounts.Update(ctx, s, c, q.Account, 0, account.Patch{})
	} else {
		_, err = d.accounts.AddContact(ctx, s, c, q.Account, 0, account.ContactDraft{Name: "Lin"})
	}
	// Refused for another reason than rights: those let it pass.
	if f, ok := errors.AsType[*fault.Fault](err); ok && slices.Contains([]string{"account_deactivated", "field_not_writable"}, f.Code) {
		return true, nil
	}
	no, err := refused(err)
	return !no && err == nil, err
}

// TestLocal holds all of Steward that answers about rights, over the local table, to the oracle: access, account, policy (I4, I6, I7).
func TestLocal(t *testing.T) {
	policytest.Run(t, func(t testing.TB) policytest.System { return newDesk(t, deskFaults{}) }, policytest.Options{
		Worlds: max(1, max(min(60, *worlds), *worlds/500)/share), Changes: 3, Seed: *seed,
	})
}

// TestEachGuardOfTheTableIsFound takes guards of the stored form away.
func TestEachGuardOfTheTableIsFound(t *testing.T) {
	for name, f := range map[string]deskFaults{
		"a subject kept over a change":        {keepSubjects: true},
		"grants without marks":                {noMarks: true},
		"grants that stay where they were":    {stayPut: true},
		"a list without reading, under a lag": {unread: true},
		"a list without overflowing grants":   {noOverflow: true},
	} {
		t.Run(name, func(t *testing.T) {
			found(t, 2, func(t testing.TB) policytest.System { return newDesk(t, f) })
		})
	}
}
