package steward

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/infra/bench/workload"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// named is what every account's name starts with; its number follows, so that nothing has to be remembered of which is which.
const named = "Lotus Trading "

// loaders is how many goroutines load side by side. Most of them wait for a commit, which the store makes together with the others': fewer, larger
// transactions of its file.
const loaders = 32

// fill creates every account and gives what the workload grants on it, each by the noun's own operation. What the operations stage is kept
// aside and committed many accounts at a time, without conditions: nobody else writes. An account's items are all of one loader; what
// accounts share, the marks of grantees and the tenant's row that says so, every loader writes alike.
func (e *Engine) fill(ctx context.Context) error {
	row, version, err := e.row(ctx)
	if err != nil {
		return err
	}
	who := e.administrator(row, version)
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range loaders {
		g.Go(func() error {
			aside := &aside{Table: e.store, items: map[table.Key]table.Item{}}
			_, accounts := e.over(aside)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(e.w.Accounts) {
					return aside.flush(ctx, e.ids, 0)
				}
				if err := e.create(ctx, accounts, aside, who, workload.AccountID(i)); err != nil {
					return fmt.Errorf("account %d: %w", i, err)
				}
				if err := aside.flush(ctx, e.ids, table.MaxWrites/2); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

func (e *Engine) create(ctx context.Context, accounts *account.Accounts, aside *aside, who *policy.Subject, n workload.AccountID) error {
	a := &e.w.Accounts[n]
	at := time.UnixMilli(a.Updated)
	c := change.New(who.Principal, e.ids, at)
	made, err := accounts.Create(ctx, who, c, account.Draft{
		Name: fmt.Sprint(named, n), Type: account.Types[n%2], ValueTier: account.ValueTiers[n%3], Email: fmt.Sprintf("hello%d@lotus.example", n),
		Phone: fmt.Sprintf("+86138%08d", n), Owner: patch.Of(string(e.users[a.Owner])), Department: patch.Of(string(e.departments[a.Department])),
		Address: account.Address{Country: "CN", City: "Hangzhou", Street: "West Lake 1"}, Industry: "Tea",
	})
	if err != nil {
		return err
	}
	if err := aside.put(c); err != nil {
		return err
	}
	var asked []account.Asked
	for _, m := range a.Team {
		if m.May != workload.Nothing {
			asked = append(asked, account.TeamDraft{User: string(e.users[m.User]), Level: levels[m.May]})
		}
	}
	if a.Share.May != workload.Nothing {
		to := account.Target{Department: string(e.departments[a.Share.Department])}
		asked = append(asked, account.ShareDraft{Target: to, Level: levels[a.Share.May]})
	}
	for _, g := range asked {
		c := change.New(who.Principal, e.ids, at)
		if _, err := accounts.Give(ctx, who, c, made.ID, 0, g); err != nil {
			return err
		}
		if err := aside.put(c); err != nil {
			return err
		}
	}
	return nil
}

// row reads the tenant's row as it is.
func (e *Engine) row(ctx context.Context) (row principal.Tenant, version int64, err error) {
	items, err := e.store.Get(ctx, key.Tenant(e.tenant.ID))
	if err != nil || len(items) != 1 {
		return row, 0, fmt.Errorf("the tenant's row: %d items, %w", len(items), err)
	}
	return row, items[0].Version, json.Unmarshal(items[0].Doc, &row)
}

// administrator may do everything and is nobody of the workload: who loads, and changes roles.
func (e *Engine) administrator(row principal.Tenant, version int64) *policy.Subject {
	r := policy.Role{ID: "role", Level: policy.Admin}
	for _, m := range policy.Catalogue() {
		for _, a := range m.Actions {
			r.Grants = append(r.Grants, policy.Grant{Module: m.Module, Action: a, Scope: policy.All})
		}
		for _, f := range m.Fields {
			r.Fields = append(r.Fields, policy.FieldRule{Module: m.Module, Field: f, Access: policy.Edit})
		}
	}
	u := id.New[id.User](e.ids)
	at := policy.Chart{User: u, Sits: func(u id.User) (in id.Department, moved bool) {
		in, _ = e.Owner(context.Background(), row.ID, u)
		return in, false
	}}
	return &policy.Subject{
		Principal: principal.Principal{Tenant: row.ID, User: u, Locale: "en", Operation: "bench.load", At: time.Now()},
		Org:       row, OrgVersion: version,
		Self:   principal.Standing{Place: principal.Place{User: u, Active: true}, Status: principal.UserActive},
		Rights: policy.Compile(at, []policy.Role{r}),
	}
}

// aside is the table with what was staged and not committed yet in front of it, each item in its last form.
type aside struct {
	table.Table
	items map[table.Key]table.Item
}

// put takes the set's writes, less its checks.
func (x *aside) put(c *change.Set) error {
	writes, err := c.Writes()
	for _, w := range writes {
		switch w.Op {
		case table.OpPut:
			w.Item.Version = x.items[w.Item.Key].Version + 1
			x.items[w.Item.Key] = w.Item
		case table.OpDelete:
			return fmt.Errorf("loading deletes %s", w.Item.SK)
		}
	}
	return err
}

// flush commits when there are more items than room.
func (x *aside) flush(ctx context.Context, ids *id.Source, room int) error {
	if len(x.items) <= room {
		return nil
	}
	b := batch{table: x.Table, ids: ids}
	for _, it := range x.items {
		it.Version = 0
		b.add(table.Put(it, table.Always))
	}
	clear(x.items)
	return b.commit(ctx)
}

// Get implements table.Table.
func (x *aside) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	var missing []table.Key
	for _, k := range keys {
		if _, ok := x.items[k]; !ok {
			missing = append(missing, k)
		}
	}
	stored := map[table.Key]table.Item{}
	if missing != nil {
		items, err := x.Table.Get(ctx, missing...)
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			stored[it.Key] = it
		}
	}
	var out []table.Item
	for _, k := range keys {
		if it, ok := x.items[k]; ok {
			out = append(out, it)
		} else if it, ok := stored[k]; ok {
			out = append(out, it)
		}
	}
	return out, nil
}

// Query implements table.Table for what Give asks: the grants of an account that is not committed yet.
func (x *aside) Query(_ context.Context, q table.Query) (p table.Page, err error) {
	if q.Index != table.Base {
		return p, fmt.Errorf("loading queries index %d", q.Index)
	}
	for k, it := range x.items {
		if k.Space == table.Data && k.PK == q.PK && strings.HasPrefix(k.SK, q.Prefix) {
			p.Items = append(p.Items, it)
		}
	}
	slices.SortFunc(p.Items, func(a, b table.Item) int { return strings.Compare(a.SK, b.SK) })
	return p, nil
}
