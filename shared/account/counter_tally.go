package account

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// How accounts are counted. A tally is what decisions cannot tell apart but for grants on the record itself: an owner, a department, a set of
// categories. It says how many accounts are so, and of those how many have each value of the fields with few values. What scopes, defaults
// and categories let a reader view is then a sum over the tallies that policy.Decide allows, and grants on records correct it, one account
// at a time. Tallies lie in shards by owner; the state of a tenant names the version of each shard that belongs together, so that a torn read
// is seen.

// counterShards is how many there are. The number is stored by position: it must not change.
const counterShards = 64

// counted are the values that a tally counts. Their positions are stored: a new one goes to the end.
var counted = [...]struct{ field, value string }{
	{"status", string(Active)},
	{"status", string(Inactive)},
	{"type", "enterprise"},
	{"type", "individual"},
	{"valueTier", "high"},
	{"valueTier", "medium"},
	{"valueTier", "low"},
	{"stage", "potential"},
	{"stage", "buying"},
	{"stage", "loyal"},
}

// tallyKey names a tally.
type tallyKey struct {
	Owner      id.User
	Department id.Department
	Categories Categories
}

func (k tallyKey) compare(o tallyKey) int {
	if n := strings.Compare(string(k.Owner), string(o.Owner)); n != 0 {
		return n
	}
	if n := strings.Compare(string(k.Department), string(o.Department)); n != 0 {
		return n
	}
	return strings.Compare(string(k.Categories), string(o.Categories))
}

// tally counts accounts.
type tally struct {
	tallyKey
	categories []id.Category // of the key, apart
	n          int
	by         [len(counted)]int
}

func (c *tally) add(o *tally, times int) {
	c.n += times * o.n
	for i := range c.by {
		c.by[i] += times * o.by[i]
	}
}

// of reports whether its accounts are of the category.
func (c *tally) of(k id.Category) bool { return slices.Contains(c.categories, k) }

func (c *tally) empty() bool { return c.n == 0 && c.by == [len(counted)]int{} }

func (c *tally) equal(o *tally) bool { return c.tallyKey == o.tallyKey && c.n == o.n && c.by == o.by }

// resource is any of the tally's accounts, less its grants.
func (c *tally) resource(t id.Tenant) policy.Resource {
	return policy.Resource{Tenant: t, Owner: c.Owner, Department: c.Department, Categories: c.categories}
}

// tally is one account as counts know it.
func (a *Account) tally() *tally {
	c := &tally{tallyKey: tallyKey{a.Owner, a.Department, a.Categories}, categories: a.Categories.IDs(), n: 1}
	for i, x := range counted {
		var v string
		switch x.field {
		case "status":
			v = string(a.Status)
		case "type":
			v = a.Type
		case "valueTier":
			v = a.ValueTier
		case "stage":
			v = a.Stage
		}
		if v == x.value {
			c.by[i] = 1
		}
	}
	return c
}

// weighed reads of an account what counts ask for, and what its grants decide: reading all of it takes twice as long.
func weighed(it *table.Item) (*Account, error) {
	var d struct {
		ID         id.Account           `json:"id"`
		Status     Status               `json:"status"`
		Type       string               `json:"type"`
		ValueTier  string               `json:"valueTier"`
		Stage      string               `json:"stage"`
		Owner      id.User              `json:"ownerId"`
		Department id.Department        `json:"departmentId"`
		Categories Categories           `json:"categoryIds"`
		Grants     []policy.RecordGrant `json:"grants"`
		More       int                  `json:"moreGrants"`
	}
	if err := json.Unmarshal(it.Doc, &d); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	return &Account{
		ID: d.ID, Status: d.Status, Type: d.Type, ValueTier: d.ValueTier, Stage: d.Stage, Owner: d.Owner, Department: d.Department,
		Categories: d.Categories, grants: d.Grants, more: d.More,
	}, nil
}

// tallies are in the order of their keys, and none is empty.
type tallies []tally

// add adds the tally, so many times.
func (s *tallies) add(c *tally, times int) {
	i, found := slices.BinarySearchFunc(*s, c.tallyKey, func(x tally, k tallyKey) int { return x.compare(k) })
	if !found {
		*s = slices.Insert(*s, i, tally{tallyKey: c.tallyKey, categories: c.categories})
	}
	x := &(*s)[i]
	if x.add(c, times); x.empty() {
		*s = slices.Delete(*s, i, i+1)
	}
}

// of gives those of one owner.
func (s tallies) of(u id.User) tallies {
	from, _ := slices.BinarySearchFunc(s, u, func(x tally, u id.User) int { return strings.Compare(string(x.Owner), string(u)) })
	to := from
	for to < len(s) && s[to].Owner == u {
		to++
	}
	return s[from:to:to]
}

func (s tallies) equal(o tallies) bool {
	return slices.EqualFunc(s, o, func(a, b tally) bool { return a.equal(&b) })
}

// counterShard is where an owner's tallies lie.
func counterShard(u id.User) int { return shard(id.Account(u), counterShards) }

// tallyDoc is a tally as it is stored. Its members are short because there are many.
type tallyDoc struct {
	Owner      id.User       `json:"o"`
	Department id.Department `json:"d,omitzero"`
	Categories string        `json:"c,omitzero"`
	N          int           `json:"n"`
	By         []int         `json:"b"`
}

type shardDoc struct {
	Tallies []tallyDoc `json:"t"`
}

func (s tallies) item(t id.Tenant, n int) (table.Item, error) {
	d := shardDoc{Tallies: make([]tallyDoc, len(s))}
	for i := range s {
		x := &s[i]
		d.Tallies[i] = tallyDoc{x.Owner, x.Department, string(x.Categories), x.n, x.by[:]}
	}
	b, err := json.Marshal(d)
	return table.Item{Key: key.CounterShard(t, n), Doc: b}, err
}

func talliesFrom(it *table.Item) (tallies, error) {
	var d shardDoc
	if err := json.Unmarshal(it.Doc, &d); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	out := make(tallies, len(d.Tallies))
	for i := range d.Tallies {
		x := &d.Tallies[i]
		out[i] = tally{tallyKey: tallyKey{x.Owner, x.Department, Categories(x.Categories)}, n: x.N}
		out[i].categories = out[i].Categories.IDs()
		copy(out[i].by[:], x.By)
	}
	return out, nil
}

// move is a change of one account as the feed tells it. One without before and after is the making of a tenant.
type move struct {
	position      string
	at            time.Time // of the making of a tenant
	tenant        id.Tenant
	account       id.Account
	before, after *tally
	granted       bool // there are grants on the record, or were
}

// idle reports that counts are the same after it.
func (m *move) idle() bool {
	return m.account != "" && m.before != nil && m.after != nil && m.before.equal(m.after)
}

// born reports that it is the making of a tenant.
func (m *move) born() bool { return m.account == "" }

// moves are what changes say of accounts and new tenants.
func moves(changes []table.Change) ([]move, error) {
	var out []move
	for _, c := range changes {
		it := c.After
		if it == nil {
			it = c.Before
		}
		t, ok := key.TenantOf(it.PK)
		if !ok {
			continue
		}
		if c.Before == nil && it.Key == key.Tenant(t) {
			out = append(out, move{position: c.Position, at: c.At, tenant: t})
			continue
		}
		a := key.AccountOf(t, it.Key)
		if a == "" {
			continue
		}
		m := move{position: c.Position, tenant: t, account: a}
		for _, side := range []struct {
			it *table.Item
			to **tally
		}{{c.Before, &m.before}, {c.After, &m.after}} {
			if side.it == nil {
				continue
			}
			acc, err := weighed(side.it)
			if err != nil {
				return nil, err
			}
			*side.to = acc.tally()
			m.granted = m.granted || len(acc.grants)+acc.more > 0
		}
		out = append(out, m)
	}
	return out, nil
}
