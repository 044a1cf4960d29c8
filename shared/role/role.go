// Package role keeps a tenant's roles: named sets of grants and field rules, with a level that caps them. Predefined roles come with the
// tenant and are read only; custom roles are the tenant's own. The package owns how roles are made, changed, versioned and named. It
// refuses to know who holds a role (the organisation that access reads says so) and how a decision is made (policy).
//
// A role is one item, policy.Role, beside immutable items of all its versions. Every change raises the tenant's AuthzVer in its own commit,
// so it is in force on the next request of whoever holds the role.
package role

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

// MaxRoles is how many roles a tenant may have, predefined ones included: every one is part of the snapshot that decisions stand on.
const MaxRoles = 200

// Store reads roles and stages their changes.
type Store struct {
	table  table.Table
	access *access.Access
	crypt  *crypt.Crypt
}

// New returns a Store over the table; a reads who holds a role, k seals what the audit keeps of a change.
func New(t table.Table, a *access.Access, k *crypt.Crypt) *Store {
	return &Store{table: t, access: a, crypt: k}
}

// Get reads a role. Faults: Denied permission_denied, NotFound not_found. Its Version is the version that If-Match names.
func (s *Store) Get(ctx context.Context, who *policy.Subject, r id.Role) (policy.Role, error) {
	if err := policy.RequireAny(who, policy.ModRole, policy.View); err != nil {
		return policy.Role{}, err
	}
	return s.read(ctx, who.Tenant, r)
}

// List reads up to limit roles in the order of their ids, after the id; next is where the following page starts, "" at the end.
// Faults: Denied permission_denied.
func (s *Store) List(ctx context.Context, who *policy.Subject, after id.Role, limit int) (roles []policy.Role, next id.Role, err error) {
	if err := policy.RequireAny(who, policy.ModRole, policy.View); err != nil {
		return nil, "", err
	}
	q := table.Query{PK: key.Authz(who.Tenant), Prefix: key.RolePrefix, Limit: limit + 1}
	if after != "" {
		q.Prefix, q.From, q.To, q.Limit = "", key.Role(who.Tenant, after).SK, key.RolePrefix+"~", limit+2
	}
	page, err := s.table.Query(ctx, q)
	if err != nil {
		return nil, "", err
	}
	for _, it := range page.Items {
		r, err := decode(it)
		if err != nil {
			return nil, "", err
		}
		if r.ID == after {
			continue
		}
		if len(roles) == limit {
			return roles, roles[limit-1].ID, nil
		}
		roles = append(roles, r)
	}
	if page.Cursor != "" && len(roles) > 0 {
		next = roles[len(roles)-1].ID
	}
	return roles, next, nil
}

// Count is how many roles the tenant has. Faults: Denied permission_denied.
func (s *Store) Count(ctx context.Context, who *policy.Subject) (int, error) {
	if err := policy.RequireAny(who, policy.ModRole, policy.View); err != nil {
		return 0, err
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return 0, err
	}
	return len(o.Roles), nil
}

func (s *Store) read(ctx context.Context, t id.Tenant, r id.Role) (policy.Role, error) {
	items, err := s.table.Get(ctx, key.Role(t, r))
	if err != nil {
		return policy.Role{}, err
	}
	if len(items) == 0 {
		return policy.Role{}, fault.New(fault.NotFound, "not_found")
	}
	return decode(items[0])
}

func decode(it table.Item) (policy.Role, error) {
	var r policy.Role
	if err := json.Unmarshal(it.Doc, &r); err != nil {
		return policy.Role{}, fault.New(fault.Internal, "internal").Because(err)
	}
	r.Version = it.Version
	return r, nil
}

// put stages the role's next version, with the immutable record of it. r.Version is the version stored now, 0 for none; the role
// that it answers carries the next.
func put(c *change.Set, t id.Tenant, r policy.Role) (policy.Role, error) {
	cond := table.Absent
	if r.Version > 0 {
		cond = table.VersionIs(r.Version)
	}
	r.Version++
	doc, err := json.Marshal(r)
	if err != nil {
		return policy.Role{}, fault.New(fault.Internal, "internal").Because(err)
	}
	c.Put(table.Item{Key: key.Role(t, r.ID), Doc: doc}, cond, nil)
	c.Put(table.Item{Key: key.RoleVersion(t, r.ID, r.Version), Doc: doc}, table.Absent, nil)
	return r, nil
}

// nameGuard is the item that holds a name for one role of the tenant.
func nameGuard(t id.Tenant, name string) table.Key {
	h := sha256.Sum256([]byte(plain.Fold(name)))
	return key.Unique(t, "role", hex.EncodeToString(h[:16]))
}

// holdName stages the guard of the name for the role. otherwise is the answer when another role has it.
func holdName(c *change.Set, t id.Tenant, r policy.Role, otherwise error) error {
	doc, err := json.Marshal(map[string]string{"roleId": string(r.ID)})
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	c.Put(table.Item{Key: nameGuard(t, r.Name), Doc: doc}, table.Absent, otherwise)
	return nil
}

// freeName stages the end of the guard that the role holds.
func freeName(c *change.Set, t id.Tenant, r policy.Role) {
	c.Delete(nameGuard(t, r.Name), table.Equals("roleId", string(r.ID)), nil)
}

func nameTaken() error {
	return fault.New(fault.Conflict, "role_name_taken").With(fault.At("/name", "role_name_taken"))
}

// record stages the audit event: the names of the fields, and before and after sealed under the tenant's key, because a role has none
// of its own.
func (s *Store) record(ctx context.Context, c *change.Set, t id.Tenant, r id.Role, fields []string, before, after *policy.Role) error {
	k, err := s.crypt.Tenant(ctx, t)
	if err != nil {
		return err
	}
	e := audit.Event{Target: string(r), Fields: fields}
	if err := e.Images(k, before, after); err != nil {
		return err
	}
	c.Record(e)
	return nil
}
