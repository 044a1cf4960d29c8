package account

import (
	"hash/fnv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/table"
)

// doc is the plain part of an account's item.
type doc struct {
	ID         id.Account    `json:"id"`
	Tenant     id.Tenant     `json:"tenantId"`
	Status     Status        `json:"status"`
	Name       string        `json:"name"`
	Type       string        `json:"type,omitzero"`
	ValueTier  string        `json:"valueTier,omitzero"`
	Stage      string        `json:"stage,omitzero"`
	Address    Address       `json:"address,omitzero"`
	Website    string        `json:"website,omitzero"`
	Industry   string        `json:"industry,omitzero"`
	Owner      id.User       `json:"ownerId"`
	Department id.Department `json:"departmentId,omitzero"`
	Categories Categories    `json:"categoryIds,omitzero"`
	Protection string        `json:"protection"`
	CreatedAt  time.Time     `json:"createdAt"`
	CreatedBy  id.User       `json:"createdBy,omitzero"`
	UpdatedAt  time.Time     `json:"updatedAt"`
	Contacts   int           `json:"contacts,omitzero"`  // how many
	Primary    id.Contact    `json:"primaryId,omitzero"` // here and not at the contacts: there cannot be two
	Size       int           `json:"size,omitzero"`      // bytes of the contacts' items

	Grants []policy.RecordGrant `json:"grants,omitzero"` // to MaxInOrder; each has an item of its own, too
	More   int                  `json:"moreGrants,omitzero"`
}

// contactDoc is the plain part of a contact's item.
type contactDoc struct {
	ID        id.Contact `json:"id"`
	Tenant    id.Tenant  `json:"tenantId"`
	Account   id.Account `json:"accountId"`
	Name      string     `json:"name"`
	Title     string     `json:"title,omitzero"`
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
}

// Members of the sealed groups. A tag is never given another meaning.
const (
	tagEmail    = 1 // as people read it
	tagPhone    = 2
	tagIDNumber = 3
	tagMail     = 4 // the e-mail as machines compare it
)

const groupSchema = 1

func accountPlace(a id.Account) crypt.Place {
	return crypt.Place{Record: string(a), Item: "A", Path: Standard, Schema: groupSchema}
}

func contactPlace(a id.Account, c id.Contact) crypt.Place {
	return crypt.Place{Record: string(a), Item: key.ContactPrefix + string(c), Path: "contact", Schema: groupSchema}
}

// group is a value for each tag.
type group [tagMail + 1]sealed.Text

// seal packs the members that hold something into one envelope; nothing to seal is no envelope.
func seal(k *crypt.AccountKey, p crypt.Place, values group) ([]byte, error) {
	var members []crypt.Member
	for tag, v := range values {
		if v != "" {
			members = append(members, crypt.Member{Tag: uint16(tag), Value: []byte(v)})
		}
	}
	if members == nil {
		return nil, nil
	}
	return k.Seal(p, crypt.Pack(members))
}

// open gives the members of an envelope. Without a key every one that there may be is locked.
func open(k *crypt.AccountKey, p crypt.Place, envelope []byte) (values group, err error) {
	if len(envelope) == 0 {
		return values, nil
	}
	if k == nil {
		return group{tagEmail: sealed.Locked, tagPhone: sealed.Locked, tagIDNumber: sealed.Locked}, nil
	}
	b, err := k.Open(p, envelope)
	if err != nil {
		return values, err
	}
	members, err := crypt.Unpack(b)
	if err != nil {
		return values, err
	}
	for _, m := range members {
		if int(m.Tag) < len(values) {
			values[m.Tag] = sealed.Text(m.Value)
		}
	}
	return values, nil
}

// shard is the tenant-wide index partition of an account. The number of shards only grows, and readers read them all.
func shard(a id.Account, shards int) int {
	h := fnv.New32a()
	h.Write([]byte(a))
	return int(h.Sum32() % uint32(max(shards, 1)))
}

// indexName is the part of a folded name that the index by name sorts by: a sort key has room for it, and no separator in it.
func indexName(name string) string {
	folded := []rune(strings.ReplaceAll(plain.Fold(name), "#", " "))
	return string(folded[:min(len(folded), 100)])
}

// place puts the plain part and the index keys into the item; what is sealed stays as it is.
func (a *Account) place(it *table.Item, org *principal.Tenant) error {
	t := org.ID
	d, err := json.Marshal(doc{
		ID: a.ID, Tenant: t, Status: a.Status, Name: a.Name, Type: a.Type, ValueTier: a.ValueTier, Stage: a.Stage,
		Address: a.Address, Website: a.Website, Industry: a.Industry, Owner: a.Owner, Department: a.Department,
		Categories: a.Categories, Protection: a.Protection,
		CreatedAt: a.CreatedAt, CreatedBy: a.CreatedBy, UpdatedAt: a.UpdatedAt, Contacts: a.ContactCount, Primary: a.primary, Size: a.size,
		Grants: a.grants, More: a.more,
	})
	if err != nil {
		return err
	}
	n, at := shard(a.ID, org.Shards), a.listed(t)
	it.Key, it.Doc = key.Account(t, a.ID), d
	it.Index = map[table.Index]table.IndexKey{
		table.G1: a.filed(org),
		table.G2: at.InOwner(),
		table.G4: at.Collated(n, weight(a.Name)),
		table.G5: at.ByName(n, indexName(a.Name)),
	}
	if a.Department != "" {
		it.Index[table.G3] = at.InDepartment()
	}
	return nil
}

// listed is the account as indexes have it.
func (a *Account) listed(t id.Tenant) key.Listed {
	return key.Listed{Tenant: t, Account: a.ID, Updated: a.UpdatedAt, Owner: a.Owner, Department: a.Department}
}

// fromItem reads the plain part.
func fromItem(it table.Item) (*Account, error) {
	var d doc
	if err := json.Unmarshal(it.Doc, &d); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	return &Account{
		ID: d.ID, Version: it.Version, Status: d.Status, Name: d.Name, Type: d.Type, ValueTier: d.ValueTier, Stage: d.Stage,
		Address: d.Address, Website: d.Website, Industry: d.Industry, Owner: d.Owner, Department: d.Department,
		Categories: d.Categories, Protection: d.Protection,
		CreatedAt: d.CreatedAt, CreatedBy: d.CreatedBy, UpdatedAt: d.UpdatedAt, ContactCount: d.Contacts, primary: d.Primary, size: d.Size,
		grants: d.Grants, more: d.More,
	}, nil
}

func (a *Account) seal(k *crypt.AccountKey) ([]byte, error) {
	return seal(k, accountPlace(a.ID), group{tagEmail: a.Email, tagPhone: a.Phone, tagIDNumber: a.IDNumber, tagMail: sealed.Text(a.mail)})
}

func (a *Account) open(k *crypt.AccountKey, envelope []byte) error {
	g, err := open(k, accountPlace(a.ID), envelope)
	a.Email, a.Phone, a.IDNumber, a.mail = g[tagEmail], g[tagPhone], g[tagIDNumber], string(g[tagMail])
	return err
}

func (c *Contact) item(t id.Tenant, k *crypt.AccountKey) (table.Item, error) {
	d, err := json.Marshal(contactDoc{
		ID: c.ID, Tenant: t, Account: c.Account, Name: c.Name, Title: c.Title, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	})
	if err != nil {
		return table.Item{}, err
	}
	envelope, err := seal(k, contactPlace(c.Account, c.ID), group{tagEmail: c.Email, tagPhone: c.Phone, tagMail: sealed.Text(c.mail)})
	if err != nil {
		return table.Item{}, err
	}
	return table.Item{Key: key.Contact(t, c.Account, c.ID), Doc: d, Sealed: envelope}, nil
}

func contactFromItem(it table.Item, a *Account, k *crypt.AccountKey) (*Contact, error) {
	var d contactDoc
	if err := json.Unmarshal(it.Doc, &d); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	c := &Contact{
		ID: d.ID, Account: d.Account, Version: it.Version, Primary: new(d.ID == a.primary), Name: d.Name, Title: d.Title,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
	g, err := open(k, contactPlace(a.ID, c.ID), it.Sealed)
	c.Email, c.Phone, c.mail = g[tagEmail], g[tagPhone], string(g[tagMail])
	return c, err
}

// moment is the time of a change as it is kept: milliseconds, as in sort keys, and never before the last one.
func moment(now, last time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if now.Before(last) {
		return last
	}
	return now
}
