// Package category keeps a tenant's categories of accounts: classes such as "key customers" that accounts are put into, each with a scope of
// use (who may put accounts into it) and with grants that open all of its accounts. It owns how categories are made, changed, named and
// ended. It refuses to know what an account is (Accounts counts) and how a decision is made (policy).
//
// A category lies with the roles, because decisions stand on both. Every change raises the tenant's AuthzVer in its own commit and rewrites
// no account, so what its grants open is open, or closed, on the next request.
//
// Rights. The module category: view, create, edit, delete. A grant of a category opens every account of it, whoever owns them; so nobody
// gives one without sharing, and holding, as much on all accounts (policy.CanShareAll).
package category

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// The limits of categories. Every category is part of the snapshot that decisions stand on.
const (
	MaxCategories  = 200 // of a tenant
	MaxName        = 100 // code points
	MaxDescription = 1000
	MaxGrants      = 50 // of a category
	MaxUse         = 50 // departments, and as many roles, in a scope of use
)

// Category is a class of accounts: the document of its item. Access reads the embedded row.
type Category struct {
	access.Category
	Tenant      id.Tenant `json:"tenantId"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitzero"`
	Use         Use       `json:"use,omitzero"`
	Version     int64     `json:"-"`
}

// Use is who may put accounts into a category: those who sit in one of the departments or below it, and those who hold one of the roles.
// Everyone, when it names none.
type Use struct {
	Departments []id.Department `json:"departmentIds,omitempty"`
	Roles       []id.Role       `json:"roleIds,omitempty"`
}

// IsZero reports that everyone may use the category.
func (u Use) IsZero() bool { return len(u.Departments)+len(u.Roles) == 0 }

// admits reports whether the subject may put accounts into the category.
func (u Use) admits(who *policy.Subject) bool {
	if u.IsZero() {
		return true
	}
	for _, d := range u.Departments {
		if who.Is(policy.ToDepartment(d, true)) {
			return true
		}
	}
	for _, r := range u.Roles {
		if who.Is(policy.ToRole(r)) {
			return true
		}
	}
	return false
}

// Accounts counts the accounts of a category, strongly. Package account has it.
type Accounts interface {
	CountInCategory(ctx context.Context, t id.Tenant, c id.Category) (n int, exact bool, err error)
}

// Store reads categories and stages their changes. Safe for concurrent use.
type Store struct {
	table  table.Table
	access *access.Access
	crypt  *crypt.Crypt
}

// New returns a Store over the table; a reads the organisation that categories refer to, k seals what the audit keeps of a change.
func New(t table.Table, a *access.Access, k *crypt.Crypt) *Store {
	return &Store{table: t, access: a, crypt: k}
}

// Get reads a category. Faults: Denied permission_denied, NotFound not_found. Its Version is the version that If-Match names.
func (s *Store) Get(ctx context.Context, who *policy.Subject, c id.Category) (Category, error) {
	if err := policy.RequireAny(who, policy.ModCategory, policy.View); err != nil {
		return Category{}, err
	}
	return s.read(ctx, who.Tenant, c)
}

// List reads up to limit categories in the order of their ids, after the id; next is where the following page starts, "" at the end.
// Faults: Denied permission_denied.
func (s *Store) List(ctx context.Context, who *policy.Subject, after id.Category, limit int) (all []Category, next id.Category, err error) {
	if err := policy.RequireAny(who, policy.ModCategory, policy.View); err != nil {
		return nil, "", err
	}
	q := table.Query{PK: key.Authz(who.Tenant), From: key.CategoryPrefix, To: key.CategoryPrefix + "\x7f", Limit: limit + 1}
	if after != "" {
		q.From = key.Category(who.Tenant, after).SK + "\x00" // the next possible key
	}
	for {
		page, err := s.table.Query(ctx, q)
		if err != nil {
			return nil, "", err
		}
		for _, it := range page.Items {
			if len(all) == limit {
				return all, all[limit-1].ID, nil
			}
			c, err := decode(it)
			if err != nil {
				return nil, "", err
			}
			all = append(all, c)
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return all, "", nil
		}
	}
}

// Count is how many categories the tenant has. Faults: Denied permission_denied.
func (s *Store) Count(ctx context.Context, who *policy.Subject) (int, error) {
	all, _, err := s.List(ctx, who, "", MaxCategories)
	return len(all), err
}

// Usable judges categories that the subject would put an account into: unknown are those that the tenant does not have, and all of them while
// the module is off; closed are those whose scope of use leaves the subject out. It needs no right of the module. Whoever relies on it
// checks key.Category at the commit. At most table.MaxGet, each once.
func (s *Store) Usable(ctx context.Context, who *policy.Subject, ids []id.Category) (unknown, closed []id.Category, err error) {
	if fault.IsKind(policy.RequireAny(who, policy.ModCategory, policy.View), fault.NotFound) {
		return ids, nil, nil
	}
	keys := make([]table.Key, len(ids))
	for i, c := range ids {
		keys[i] = key.Category(who.Tenant, c)
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	for i, c := range ids {
		if len(items) == 0 || items[0].Key != keys[i] { // items come in the order of the keys
			unknown = append(unknown, c)
			continue
		}
		found, err := decode(items[0])
		if err != nil {
			return nil, nil, err
		}
		if items = items[1:]; !found.Use.admits(who) {
			closed = append(closed, c)
		}
	}
	return unknown, closed, nil
}

func (s *Store) read(ctx context.Context, t id.Tenant, c id.Category) (Category, error) {
	items, err := s.table.Get(ctx, key.Category(t, c))
	if err != nil {
		return Category{}, err
	}
	if len(items) == 0 {
		return Category{}, fault.New(fault.NotFound, "not_found")
	}
	return decode(items[0])
}

func decode(it table.Item) (Category, error) {
	var c Category
	if err := json.Unmarshal(it.Doc, &c); err != nil {
		return Category{}, fault.New(fault.Internal, "internal").Because(err)
	}
	c.Version = it.Version
	return c, nil
}

// put stages the category's next version. x.Version is the version stored now, 0 for none; the category that it answers carries the next.
func put(c *change.Set, x Category) (Category, error) {
	doc, err := json.Marshal(x, json.Deterministic(true))
	if err != nil {
		return Category{}, fault.New(fault.Internal, "internal").Because(err)
	}
	cond := table.Absent
	if x.Version > 0 {
		cond = table.VersionIs(x.Version)
	}
	c.Put(table.Item{Key: key.Category(x.Tenant, x.ID), Doc: doc}, cond, nil)
	x.Version++
	return x, nil
}

// nameGuard is the item that holds a name for one category of the tenant.
func nameGuard(t id.Tenant, name string) table.Key {
	h := sha256.Sum256([]byte(plain.Fold(name)))
	return key.Unique(t, "category", hex.EncodeToString(h[:16]))
}

// holdName stages the guard of the category's name.
func holdName(c *change.Set, x Category) error {
	doc, err := json.Marshal(map[string]string{"categoryId": string(x.ID)})
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	taken := fault.New(fault.Conflict, "category_name_taken").With(fault.At("/name", "category_name_taken"))
	c.Put(table.Item{Key: nameGuard(x.Tenant, x.Name), Doc: doc}, table.Absent, taken)
	return nil
}

// freeName stages the end of the guard that the category holds.
func freeName(c *change.Set, x Category) {
	c.Delete(nameGuard(x.Tenant, x.Name), table.Equals("categoryId", string(x.ID)), nil)
}

// record stages the audit event: the names of the fields, and before and after sealed under the tenant's key.
func (s *Store) record(ctx context.Context, c *change.Set, t id.Tenant, x id.Category, fields []string, before, after *Category) error {
	k, err := s.crypt.Tenant(ctx, t)
	if err != nil {
		return err
	}
	e := audit.Event{Target: string(x), Fields: fields}
	if err := e.Images(k, before, after); err != nil {
		return err
	}
	c.Record(e)
	return nil
}
