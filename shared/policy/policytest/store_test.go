package policytest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/oklog/ulid/v2"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/policy/policytest"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// store is a world as the nouns leave it in the table. Accounts are made by account's own Create; what came to be of them since, and their
// grants, are written here, because worlds hold what no operation would let happen now: a grant that has expired, a user who was let in as
// a team member and has left.
type store struct {
	tenant id.Tenant
	shift  time.Duration // from a world's time to the table's
	stored map[table.Key]table.Item
	made   map[id.Account]table.Item // accounts' items as Create staged them
	marks  map[policy.Grantee]access.Granted
	row    principal.Tenant
	seed   uint64
}

func newStore(t id.Tenant, shift time.Duration) store {
	return store{
		tenant: t, shift: shift, stored: map[table.Key]table.Item{}, made: map[id.Account]table.Item{},
		marks: map[policy.Grantee]access.Granted{}, row: tenantRow(t, &policytest.World{}),
	}
}

// write brings the table from what is stored to the world.
func (d *desk) write(ctx context.Context, w *policytest.World) error {
	if past := d.Now().Sub(w.Now.Add(d.shift)); past < 0 {
		d.Clock.Add(-past)
	}
	d.seed = w.Seed
	want, err := d.items(ctx, w)
	if err != nil {
		return err
	}
	row := tenantRow(d.tenant, w)
	row.AuthzVer, row.OrgVer = d.row.AuthzVer, d.row.OrgVer
	var writes []table.Write
	touch := func(k table.Key) {
		switch k.PK { // as access.Raise has it
		case key.Authz(d.tenant):
			row.AuthzVer = d.row.AuthzVer + 1
		case key.Organisation(d.tenant):
			row.OrgVer = d.row.OrgVer + 1
		}
	}
	for k := range d.stored {
		if _, kept := want[k]; !kept {
			touch(k)
			writes = append(writes, table.Delete(k, table.Always))
		}
	}
	for k, it := range want {
		if was, known := d.stored[k]; !known || !same(was, it) {
			touch(k)
			writes = append(writes, table.Put(it, table.Always))
		}
	}
	b, err := json.Marshal(row, json.Deterministic(true))
	if err != nil {
		return err
	}
	root := table.Item{Key: key.Tenant(d.tenant), Index: map[table.Index]table.IndexKey{table.G1: key.Tenants(d.tenant)}, Doc: b}
	writes = append(writes, table.Put(root, table.Always))
	for part := range slices.Chunk(writes, table.MaxWrites) {
		if err := d.Table.Commit(ctx, d.IDs.ULID(), part...); err != nil {
			return err
		}
	}
	d.stored, d.row = want, row
	return nil
}

func same(a, b table.Item) bool {
	return bytes.Equal(a.Doc, b.Doc) && bytes.Equal(a.Sealed, b.Sealed) && maps.Equal(a.Index, b.Index) && a.Expires.Equal(b.Expires)
}

// docs gathers items.
type docs struct {
	items map[table.Key]table.Item
	err   error
}

func (x *docs) put(it table.Item, doc any) {
	if doc != nil {
		b, err := json.Marshal(doc, json.Deterministic(true))
		if err != nil {
			x.err = err
		}
		it.Doc = b
	}
	x.items[it.Key] = it
}

// standing is a user's document, as far as rights go.
type standing struct {
	principal.Standing
	Tenant id.Tenant `json:"tenantId"`
}

// items are all but the tenant's row.
func (d *desk) items(ctx context.Context, w *policytest.World) (map[table.Key]table.Item, error) {
	x, o := &docs{items: map[table.Key]table.Item{}}, organisation(w)
	t := d.tenant
	for _, v := range o.Departments {
		x.put(table.Item{Key: key.Department(t, v.ID)}, v)
	}
	for _, v := range o.Posts {
		x.put(table.Item{Key: key.Post(t, v.ID)}, v)
	}
	for _, v := range o.Roles {
		x.put(table.Item{Key: key.Role(t, v.ID)}, v)
	}
	for _, v := range o.Categories {
		x.put(table.Item{Key: key.Category(t, v.ID)}, v)
	}
	for _, u := range w.Users {
		p := o.Places[u.ID]
		x.put(table.Item{Key: key.User(t, u.ID)}, standing{principal.Standing{Place: p, Status: principal.UserStatus(u.Status), Locale: "en"}, t})
		x.put(table.Item{Key: key.Place(t, u.ID)}, p)
	}
	for i := range w.Accounts {
		if err := d.account(ctx, x, w, &w.Accounts[i]); err != nil {
			return nil, err
		}
	}
	if !d.faults.noMarks {
		for _, m := range d.marks {
			x.put(table.Item{Key: key.Granted(t, string(m.To))}, m)
		}
	}
	return x.items, x.err
}

// grantDoc is the document of a grant's item.
type grantDoc struct {
	policy.RecordGrant
	Account  id.Account `json:"accountId"`
	Tenant   id.Tenant  `json:"tenantId"`
	By       id.User    `json:"by"`
	At       time.Time  `json:"at"`
	Overflow bool       `json:"overflow,omitzero"`
}

// account are the items of an account: its own, that of its owner, of its categories and of its grants. Those that Create staged besides,
// its key and contacts and blind indexes, are of no account for rights, and stay.
func (d *desk) account(ctx context.Context, x *docs, w *policytest.World, a *policytest.Account) error {
	if _, known := d.made[a.ID]; !known {
		if err := d.create(ctx, w, a); err != nil {
			return err
		}
	}
	t, it := d.tenant, d.made[a.ID]
	at := key.Listed{Tenant: t, Account: a.ID, Updated: a.Updated.Add(d.shift), Owner: a.Owner, Department: a.Department}
	doc := map[string]any{}
	if err := json.Unmarshal(it.Doc, &doc); err != nil {
		return err
	}
	set := func(name string, value any, empty bool) {
		if delete(doc, name); !empty {
			doc[name] = value
		}
	}
	grants := d.shifted(a)
	more := max(0, len(grants)-inOrder)
	set("ownerId", a.Owner, false)
	set("departmentId", a.Department, a.Department == "")
	set("type", a.Type, a.Type == "")
	set("status", a.Status, false)
	set("updatedAt", at.Updated, false)
	set("categoryIds", a.Categories, len(a.Categories) == 0)
	set("grants", grants[:len(grants)-more], len(grants) == 0)
	set("moreGrants", more, more == 0)
	it.Index = maps.Clone(it.Index)
	it.Index[table.G1] = table.IndexKey{PK: it.Index[table.G1].PK, SK: at.InTenant(0).SK} // in the shard that Create chose
	it.Index[table.G2] = at.InOwner()
	if delete(it.Index, table.G3); a.Department != "" {
		it.Index[table.G3] = at.InDepartment()
	}
	for _, g := range []table.Index{table.G4, table.G5} { // the name's place stays; what follows it is new
		e, _ := key.EntryOf(it.Index[g].SK)
		it.Index[g] = table.IndexKey{PK: it.Index[g].PK, SK: e.Place + "#" + string(a.Owner) + "#" + string(a.Department)}
	}
	x.put(it, doc)
	x.put(table.Item{Key: key.Owned(t, a.Owner, a.ID)}, nil)
	for _, c := range a.Categories {
		x.put(table.Item{Key: key.Categorised(t, c, a.ID), Index: map[table.Index]table.IndexKey{table.G2: at.InCategory(c)}}, nil)
	}
	for n, g := range grants {
		over := n >= inOrder
		markGranted(d.marks, g, over)
		if d.faults.stayPut {
			at.Updated = w.Now.Add(d.shift - time.Hour)
		}
		x.put(grantItem(t, at, g, over), grantDoc{g, a.ID, t, a.Owner, at.Updated, over})
	}
	return nil
}

// shifted are the account's grants in the table's time.
func (d *desk) shifted(a *policytest.Account) []policy.RecordGrant {
	out := grantsOf(a)
	for i := range out {
		if out[i].Expires != 0 {
			out[i].Expires += int64(d.shift / time.Second)
		}
	}
	return out
}

// grantItem is a grant's item without its document.
func grantItem(t id.Tenant, at key.Listed, g policy.RecordGrant, over bool) table.Item {
	superiors := 0
	if g.Superiors {
		superiors = 1
	}
	marks := fmt.Sprintf("%d.%d.%d.%d", g.On, g.Off, superiors, g.Expires)
	place := at.InGrantee(string(g.To), marks)
	if over {
		place = at.InOverflow(string(g.To), marks)
	}
	it := table.Item{Key: key.Grant(t, at.Account, string(g.Kind), string(g.To)), Index: map[table.Index]table.IndexKey{table.G2: place}}
	if g.Expires != 0 {
		it.Expires = time.Unix(g.Expires, 0)
	}
	if g.Kind == policy.KindTemporary {
		it.Index[table.G1] = key.Ending(t, it.Expires, at.Account, string(g.To))
	}
	return it
}

// create has the account made by account's own operation, under the id that the world gives it, and commits all of it but its own item and
// its owner's, which the world's state will be.
func (d *desk) create(ctx context.Context, w *policytest.World, a *policytest.Account) error {
	who := d.maker(a.Owner)
	draft := account.Draft{
		Name: a.Name, Type: a.Type, ValueTier: a.ValueTier, Stage: a.Stage, Email: a.Email, Phone: a.Phone, IDNumber: a.IDNumber,
		Address: account.Address{City: a.City}, Department: patch.Of(string(a.Department)),
	}
	for _, c := range a.Contacts {
		draft.Contacts = append(draft.Contacts, account.ContactDraft{Name: c.Name, Title: c.Title, Email: c.Email, Phone: c.Phone})
	}
	c := change.New(who.Principal, only(a.ID), a.Updated.Add(d.shift))
	if made, err := d.accounts.Create(ctx, who, c, draft); err != nil || made.ID != a.ID {
		return fmt.Errorf("creating %s in %s: %w", a.ID, w, err)
	}
	writes, err := c.Writes()
	if err != nil {
		return err
	}
	var rest []table.Write
	for _, x := range writes {
		switch {
		case x.Item.Key == key.Account(d.tenant, a.ID):
			d.made[a.ID] = x.Item
		case x.Op == table.OpPut && x.Item.Key != key.Owned(d.tenant, a.Owner, a.ID) && !key.IsAuditEvent(x.Item.Key):
			rest = append(rest, x)
		}
	}
	return d.Table.Commit(ctx, d.IDs.ULID(), rest...)
}

// maker is a user who may do everything, whatever the world says.
func (d *desk) maker(u id.User) *policy.Subject {
	return &policy.Subject{
		Principal: principal.Principal{Tenant: d.tenant, User: u, Locale: "en", Operation: "test.operation", At: d.Now()},
		Org:       tenantRow(d.tenant, &policytest.World{Seed: d.seed, TenantStatus: "active"}),
		Self:      principal.Standing{Place: principal.Place{User: u, Active: true}, Status: principal.UserActive},
		Rights:    policy.Compile(policy.Chart{User: u}, []policy.Role{all()}),
	}
}

// all is a role that may do everything with accounts and contacts.
func all() policy.Role {
	r := policy.Role{ID: "role_all", Level: policy.Admin, Grants: []policy.Grant{{Module: policy.ModRole, Action: policy.View, Scope: policy.All}}}
	for _, m := range []policy.Module{policy.ModAccount, policy.ModContact} {
		for _, a := range policy.Actions {
			r.Grants = append(r.Grants, policy.Grant{Module: m, Action: a, Scope: policy.All})
		}
		r.Fields = append(r.Fields, policy.FieldRule{Module: m, Field: "idNumber", Access: policy.Edit})
	}
	return r
}

// only is a source whose first id is that of the account.
func only(a id.Account) *id.Source {
	u := ulid.MustParseStrict(string(a[len("acct_"):]))
	first := bytes.NewReader(u[6:])
	return id.NewSource(func() time.Time { return time.UnixMilli(int64(u.Time())) }, io.MultiReader(first, rand.NewChaCha8([32]byte(append(u[:], u[:]...)))))
}

// resource is the account as it is stored; of one that is not there, nothing.
func (d *desk) resource(ctx context.Context, a id.Account) (policy.Resource, error) {
	if r, ok := d.known[a]; ok {
		return r, nil
	}
	all, err := d.accounts.Resources(ctx, d.tenant, a)
	d.known[a] = all[a]
	return all[a], err
}
