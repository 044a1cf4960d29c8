package account_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// shoppers is a tenant of random accounts, with grants and categories, as somebody who sees everything reads them.
type shoppers struct {
	*world
	r          *rand.Rand
	users      []id.User
	depts      []id.Department
	categories []id.Category
	boss       *policy.Subject
	all        []*account.Account // in order of their ids
	marks      map[policy.Grantee]policy.Mark
}

var (
	crowdNames = []string{
		"Lotus Trading", "lotus trading", "ＬＯＴＵＳ  ＴＲＡＤＩＮＧ", "Lotus", "上海雪梅贸易有限公司", "北京 Lotus", "阿里", "张三", "張三", "重庆", "Ångström", "angstrom", "🚲 Bikes", "☕️", "#1 & Co",
		"Éclair", "eclair", "Z", "½", "a#acct_b", longName + "a", longName + "b",
	}
	longName    = string(slices.Repeat([]rune("長い名"), 60))
	crowdMails  = []string{"", "ann@lotus.example", "Bob@Lotus.example", "info@例子.公司", "x@y.example"}
	crowdPhones = []string{"", "13800138000", "+86 138 0013 8001", "+14155552671"}
	crowdCities = []string{"", "", "Hangzhou", "hangzhou", "杭州", "重庆", "🏙"}
	crowdLines  = []string{"", "", "Tea", "tea ", "茶", "Ｔea"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func newCrowd(t testing.TB, seed uint64, n int) *shoppers {
	r := rand.New(rand.NewPCG(seed, 77))
	c := &shoppers{
		world: newWorld(t, func(row *principal.Tenant) { row.Shards, row.Settings.Region = 4, "CN" }), r: r,
		marks: map[policy.Grantee]policy.Mark{}, depts: []id.Department{""},
	}
	for range 1 + r.IntN(5) {
		c.depts = append(c.depts, c.department(t, pick(r, c.depts)))
	}
	c.users = []id.User{c.user(t, principal.UserActive, pick(r, c.depts), "")}
	for range 3 + r.IntN(6) {
		c.users = append(c.users, c.user(t, principal.UserActive, pick(r, c.depts), pick(r, c.users)))
	}
	for range 3 {
		c.categories = append(c.categories, id.New[id.Category](c.IDs))
	}
	c.row.Users = len(c.users)
	c.boss = c.as(c.users[0], everything(policy.All))
	var ids []id.Account
	for range n {
		a := c.create(t, c.boss, pick(r, c.users), func(d *account.Draft) { c.draft(d) })
		ids = append(ids, a.ID)
		if r.IntN(2) == 0 {
			c.Clock.Add(-time.Millisecond)
		}
		if r.IntN(6) == 0 {
			must(t, c.run(t.Context(), c.boss, func(s *change.Set) error {
				_, err := c.accounts.Deactivate(t.Context(), c.boss, s, a.ID, 0)
				return err
			}))
		}
		if r.IntN(3) == 0 {
			c.expose(t, a.ID)
		}
	}
	slices.Sort(ids)
	for _, a := range ids {
		got, err := c.accounts.Get(t.Context(), c.boss, a)
		must(t, err)
		c.all = append(c.all, got)
	}
	return c
}

func (c *shoppers) draft(d *account.Draft) {
	r := c.r
	d.Name, d.Type, d.Email, d.Phone = pick(r, crowdNames), pick(r, append(account.Types, "")), pick(r, crowdMails), pick(r, crowdPhones)
	d.ValueTier, d.Stage = pick(r, append(account.ValueTiers, "")), pick(r, append(account.Stages, ""))
	d.IDNumber = pick(r, []string{"", "9131"})
	d.Address = account.Address{
		Country: pick(r, []string{"", "CN", "DE"}), Region: pick(r, []string{"", "浙江"}), City: pick(r, crowdCities), PostalCode: pick(r, []string{"", "310000"}),
	}
	d.Website, d.Industry = pick(r, []string{"", "https://Lotus.example/茶"}), pick(r, crowdLines)
	for n := range r.IntN(3) {
		d.Contacts = append(d.Contacts, account.ContactDraft{
			Name: fmt.Sprint("Contact ", n), Email: pick(r, crowdMails), Phone: pick(r, crowdPhones), Primary: n == 0,
		})
	}
}

// expose opens the account to somebody, or closes it, and files it.
func (c *shoppers) expose(t testing.TB, a id.Account) {
	t.Helper()
	var grants []policy.RecordGrant
	n := 1 + c.r.IntN(2)
	if c.r.IntN(8) == 0 {
		n = account.MaxInOrder + 2 // some overflow
	}
	for i := range n {
		g := policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser(pick(c.r, c.users)), On: policy.ActView, Superiors: c.r.IntN(2) == 0}
		switch c.r.IntN(5) {
		case 0:
			g.Kind, g.To, g.On, g.Off, g.Superiors = policy.KindOverride, policy.ToUser(pick(c.r, c.users[1:])), 0, policy.ActView, false
		case 1:
			g.Expires = c.Now().Unix() - 10
		case 2:
			if d := pick(c.r, c.depts); d != "" {
				g.To = policy.ToDepartment(d, c.r.IntN(2) == 0)
			}
		}
		if i < n-2 {
			g.To = policy.ToUser(id.New[id.User](c.IDs)) // of no account of ours
		}
		grants = append(grants, g)
		m := c.marks[g.To]
		c.marks[g.To] = policy.Mark{Superiors: m.Superiors || g.Superiors, Overflow: m.Overflow || n > account.MaxInOrder, Off: m.Off || g.Off != 0}
	}
	var of []id.Category
	for _, cat := range c.categories {
		if c.r.IntN(2) == 0 {
			of = append(of, cat)
		}
	}
	s := change.New(c.boss.Principal, c.IDs, c.Now())
	must(t, c.accounts.Expose(t.Context(), c.boss, s, a, grants, of))
	writes, err := s.Writes()
	must(t, err)
	c.Commit(t, slices.DeleteFunc(writes, func(w table.Write) bool { return w.Op == table.OpCheck })...)
}

// active is an account that can be changed.
func (c *shoppers) active() id.Account {
	for {
		if a := pick(c.r, c.all); a.Status == account.Active {
			return a.ID
		}
	}
}

// reader is a user with a role of random scopes, and what grants and categories may give them.
func (c *shoppers) reader(u id.User, role policy.Role) *policy.Subject {
	who := c.as(u, role)
	at := policy.Chart{User: u, Reports: c.reports(u), Department: c.places[u].Department, Granted: func(g policy.Grantee) (policy.Mark, bool) {
		m, ok := c.marks[g]
		return m, ok
	}}
	at.Below = c.below(at.Department)
	for d := c.parents[at.Department]; d != ""; d = c.parents[d] {
		at.Above = append(at.Above, d)
	}
	for _, x := range at.Reports {
		for g := range c.marks {
			d, _, ofDept := g.Department()
			if g == policy.ToUser(x) || ofDept && d == c.places[x].Department {
				at.Superiors = append(at.Superiors, g)
			}
		}
	}
	slices.Sort(at.Superiors)
	if c.r.IntN(2) == 0 {
		at.Categories = []policy.CategoryGrant{{Category: c.categories[0], To: policy.ToUser(u), On: policy.ActView}}
	}
	who.Rights = policy.Compile(at, []policy.Role{role})
	return who
}

// anybody is a reader of random rights, and the fields that their role hides or masks.
func (c *shoppers) anybody() (who *policy.Subject, shut map[string]bool) {
	scopes := append(slices.Clone(policy.Scopes), policy.All)
	role := policy.Role{ID: "role", Level: policy.Admin, Grants: []policy.Grant{{Module: policy.ModAccount, Action: policy.View, Scope: pick(c.r, scopes)}}}
	shut = map[string]bool{}
	if c.r.IntN(4) > 0 {
		role.Grants = append(role.Grants, policy.Grant{Module: policy.ModContact, Action: policy.View, Scope: pick(c.r, scopes)})
	} else {
		shut["contactCount"], shut["contacts.email"], shut["contacts.phone"] = true, true, true
	}
	rule := func(m policy.Module, field string, a policy.Access) {
		role.Fields = append(role.Fields, policy.FieldRule{Module: m, Field: field, Access: a})
	}
	if shut["idNumber"] = c.r.IntN(2) == 0; !shut["idNumber"] {
		rule(policy.ModAccount, "idNumber", policy.Read)
	}
	closed := []policy.Access{policy.Hidden, policy.Masked}
	for _, f := range []string{"name", "type", "email", "phone", "address", "website", "ownerId", "categoryIds"} {
		if c.r.IntN(7) > 0 {
			continue
		}
		rule(policy.ModAccount, f, pick(c.r, closed))
		if shut[f] = true; f == "address" {
			for _, part := range []string{"country", "region", "city", "postalCode"} {
				shut["address."+part] = true
			}
		}
	}
	if c.r.IntN(8) == 0 {
		rule(policy.ModAccount, "contacts", pick(c.r, closed))
		shut["contactCount"], shut["contacts.email"], shut["contacts.phone"] = true, true, true
	}
	if c.r.IntN(8) == 0 {
		rule(policy.ModContact, "email", pick(c.r, closed))
		shut["contacts.email"] = true
	}
	return c.reader(pick(c.r, c.users), role), shut
}
