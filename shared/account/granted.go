package account

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// How grants on an account are kept. Each is an item in the account's partition. The first MaxInOrder of them stand in the account's own
// document as well, so that reading an account is enough to decide about it, and in the ordered index of their grantee, where every
// update of the account moves them along. The rest overflow: they are counted in the document, read when there are any, and stand in an
// index of their grantee without order.
const (
	MaxInOrder = 32
	MaxGrants  = 1000 // of one account
)

// grantDoc is the document of a grant's item.
type grantDoc struct {
	policy.RecordGrant
	Account  id.Account `json:"accountId"`
	Tenant   id.Tenant  `json:"tenantId"`
	Title    string     `json:"title,omitzero"` // of a team member: the role in the team
	By       id.User    `json:"by"`
	At       time.Time  `json:"at"`
	Overflow bool       `json:"overflow,omitzero"`

	touched bool   // put or changed by the change under way
	reason  string // why it is asked for: kept in the audit event alone
}

// marks are what a grant's index entry says of it.
func marks(g *policy.RecordGrant) string {
	superiors := 0
	if g.Superiors {
		superiors = 1
	}
	b := strconv.AppendInt(make([]byte, 0, 24), int64(g.On), 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(g.Off), 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(superiors), 10)
	b = append(b, '.')
	return string(strconv.AppendInt(b, g.Expires, 10))
}

// marked reads marks. What cannot be read is a grant of nothing.
func marked(to policy.Grantee, s string) policy.RecordGrant {
	on, s, _ := strings.Cut(s, ".")
	off, s, _ := strings.Cut(s, ".")
	superiors, expires, _ := strings.Cut(s, ".")
	number := func(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }
	return policy.RecordGrant{
		To: to, On: policy.Acts(number(on)), Off: policy.Acts(number(off)), Superiors: superiors == "1", Expires: number(expires),
	}
}

func (d *grantDoc) item(t id.Tenant, at key.Listed) (table.Item, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return table.Item{}, err
	}
	place := at.InGrantee(string(d.To), marks(&d.RecordGrant))
	if d.Overflow {
		place = at.InOverflow(string(d.To), marks(&d.RecordGrant))
	}
	it := table.Item{
		Key: key.Grant(t, d.Account, string(d.Kind), string(d.To)), Index: map[table.Index]table.IndexKey{table.G2: place}, Doc: b,
	}
	if d.Expires != 0 {
		it.Expires = time.Unix(d.Expires, 0)
	}
	if d.Kind == policy.KindTemporary {
		it.Index[table.G1] = key.Ending(t, it.Expires, d.Account, string(d.To))
	}
	return it, nil
}

// grantDocs reads the items of the account's grants, strongly, in the order of their keys. kind "" is every kind.
func (s *Accounts) grantDocs(ctx context.Context, t id.Tenant, a id.Account, kind policy.GrantKind) ([]grantDoc, error) {
	q := table.Query{PK: key.AccountPartition(t, a), Prefix: key.GrantPrefix, Limit: MaxGrants}
	if kind != "" {
		q.Prefix = key.GrantsOf(string(kind))
	}
	var out []grantDoc
	for {
		p, err := s.table.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			var d grantDoc
			if err := json.Unmarshal(it.Doc, &d); err != nil {
				return nil, fault.New(fault.Internal, "internal").Because(err)
			}
			out = append(out, d)
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return out, nil
		}
	}
}

// gather reads the grants that only their own items hold.
func (s *Accounts) gather(ctx context.Context, t id.Tenant, a *Account) error {
	if a.more == 0 {
		return nil
	}
	docs, err := s.grantDocs(ctx, t, a.ID, "")
	for i := range docs {
		if docs[i].Overflow {
			a.rest = append(a.rest, docs[i].RecordGrant)
		}
	}
	return err
}

// grant puts the grant in the place of the one of its kind to its grantee, or adds it, in order while there is room. It answers what is kept.
func (h *held) grant(d grantDoc) *grantDoc {
	d.touched = true
	if was := h.granted(d.Kind, d.To); was != nil {
		d.Overflow = was.Overflow
		*was = d
		return was
	}
	d.Overflow = h.inOrder() >= MaxInOrder
	h.docs = append(h.docs, d)
	return &h.docs[len(h.docs)-1]
}

// inOrder counts the grants that stand in the account's document.
func (h *held) inOrder() (n int) {
	for i := range h.docs {
		if !h.docs[i].Overflow {
			n++
		}
	}
	return n
}

// promote takes grants that overflowed into the room that ended ones have left. Their grantees have marks already, or need none.
func (h *held) promote() {
	room := MaxInOrder - h.inOrder()
	for i := range h.docs {
		if d := &h.docs[i]; d.Overflow && room > 0 {
			d.Overflow, d.touched = false, true
			room--
		}
	}
}

// granted is the grant of the kind to the grantee, or nil.
func (h *held) granted(k policy.GrantKind, to policy.Grantee) *grantDoc {
	for i := range h.docs {
		if d := &h.docs[i]; d.Kind == k && d.To == to {
			return d
		}
	}
	return nil
}

// ungrant stages the end of the grant of the kind to the grantee.
func (h *held) ungrant(c *change.Set, k policy.GrantKind, to policy.Grantee) {
	h.docs = slices.DeleteFunc(h.docs, func(d grantDoc) bool { return d.Kind == k && d.To == to })
	c.Delete(key.Grant(c.Who.Tenant, h.ID, string(k), string(to)), table.Always, nil)
}

// relist stages the move of the account's grants and categories to where the account will stand in the order, and gives the account the
// grants that it will hold: those that have expired were not read, and so are dropped. The account's version, which every such change
// raises, is the guard.
func (h *held) relist(c *change.Set, next *Account) error {
	t := c.Who.Tenant
	was, is := h.listed(t), next.listed(t)
	had, has := h.Categories.IDs(), next.Categories.IDs()
	for _, cat := range had {
		if !slices.Contains(has, cat) {
			c.Delete(key.Categorised(t, cat, next.ID), table.Always, nil)
		}
	}
	for _, cat := range has {
		if !slices.Contains(had, cat) {
			enter(c, cat, is)
		} else if was != is {
			c.Put(categorised(cat, is), table.Always, nil)
		}
	}
	h.promote()
	next.grants, next.rest, next.more = nil, nil, 0
	for i := range h.docs {
		d := &h.docs[i]
		if d.Overflow {
			next.more++
			next.rest = append(next.rest, d.RecordGrant)
		} else {
			next.grants = append(next.grants, d.RecordGrant)
		}
		if !d.touched && (d.Overflow || was == is) {
			continue
		}
		it, err := d.item(t, is)
		if err != nil {
			return err
		}
		c.Put(it, table.Always, nil)
	}
	return nil
}

// mark stages that records may now have such a grant to the grantee, unless that is known: lists of those whom it reaches look for it from
// the next request on. It reports whether it has staged the tenant's row.
func (s *Accounts) mark(ctx context.Context, who *policy.Subject, c *change.Set, d *grantDoc) (raised bool, err error) {
	adds := policy.Mark{Superiors: d.Superiors, Overflow: d.Overflow, Off: d.Off != 0}
	if _, user := d.To.User(); user && adds == (policy.Mark{}) {
		return false, nil
	}
	items, err := s.table.Get(ctx, key.Granted(who.Tenant, string(d.To)))
	if err != nil {
		return false, err
	}
	m, cond := access.Granted{To: d.To}, table.Absent
	if len(items) > 0 {
		cond = table.VersionIs(items[0].Version)
		if err := json.Unmarshal(items[0].Doc, &m); err != nil {
			return false, fault.New(fault.Internal, "internal").Because(err)
		}
	}
	is := access.Granted{To: d.To, Mark: policy.Mark{
		Superiors: m.Superiors || adds.Superiors, Overflow: m.Overflow || adds.Overflow, Off: m.Off || adds.Off,
	}}
	if len(items) > 0 && is == m {
		return false, nil
	}
	doc, err := json.Marshal(is)
	if err != nil {
		return false, err
	}
	c.Put(table.Item{Key: key.Granted(who.Tenant, string(d.To)), Doc: doc}, cond, nil)
	return true, access.RaiseRights(c, who)
}
