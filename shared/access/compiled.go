package access

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// Compiled is an organisation with the rights of everyone in it: the tenant's own at one version, or one that is only supposed, such as a
// change that is previewed. Safe for concurrent use. Do not change the organisation in it.
type Compiled struct{ *snapshot }

// Compile compiles an organisation that is supposed.
func Compile(o *Organisation) *Compiled { return &Compiled{newSnapshot(version{}, o)} }

// Compiled gives the tenant's organisation at the versions that the row names, or at later ones when a change came in between.
func (a *Access) Compiled(ctx context.Context, row principal.Tenant) (*Compiled, error) {
	s, err := a.snapshot(ctx, row)
	if err != nil {
		return nil, err
	}
	return &Compiled{s}, nil
}

// Versions are those of the roles and of the organisation that were compiled.
func (c *Compiled) Versions() (authz, org int64) { return c.authz, c.org }

// Users are all users who have a place, in id order, whatever their status.
func (c *Compiled) Users() []id.User { return slices.Sorted(maps.Keys(c.Places)) }

// RolesAt are the roles that the user holds, directly and by posts, in id order.
func (c *Compiled) RolesAt(u id.User) []policy.Role { return c.rolesOf(c.Places[u]) }

// Grantees are all that the user is one of.
func (c *Compiled) Grantees(u id.User) []policy.Grantee { return c.grantees(c.Places[u]) }

// Subject gives a user as they would ask at the time: active or not, as their place has it. A user without a place is a subject that may do
// nothing.
func (c *Compiled) Subject(row principal.Tenant, u id.User, at time.Time) *policy.Subject {
	p, ok := c.Places[u]
	s := &policy.Subject{Principal: principal.Principal{Tenant: row.ID, User: u, At: at}, Org: row}
	if !ok {
		return s
	}
	s.Self = principal.Standing{Place: p, Status: principal.UserInactive}
	if p.Active {
		s.Self.Status = principal.UserActive
	}
	s.Rights = c.rights(p, 0)
	return s
}

// Clone gives a copy whose members may be replaced without changing the organisation. What the members point to is shared.
func (o *Organisation) Clone() *Organisation {
	return &Organisation{
		Departments: maps.Clone(o.Departments), Posts: maps.Clone(o.Posts), Places: maps.Clone(o.Places), Roles: maps.Clone(o.Roles),
		Categories: maps.Clone(o.Categories), Granted: maps.Clone(o.Granted),
	}
}

// Of gives another user of who's tenant as they would ask now, in who's language. NotFound not_found when there is no such user.
func (a *Access) Of(ctx context.Context, who *policy.Subject, u id.User) (*policy.Subject, error) {
	items, err := a.table.Get(ctx, key.User(who.Tenant, u))
	if err != nil {
		return nil, err
	}
	s := &policy.Subject{Principal: who.Principal, Org: who.Org, OrgVersion: who.OrgVersion}
	s.User, s.Session = u, ""
	if len(items) == 0 {
		return nil, fault.New(fault.NotFound, "not_found")
	}
	if err := json.Unmarshal(items[0].Doc, &s.Self); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	if s.Self.Status == principal.UserDeleted {
		return nil, fault.New(fault.NotFound, "not_found")
	}
	s.SelfVersion = items[0].Version
	c, err := a.Compiled(ctx, who.Org)
	if err != nil {
		return nil, err
	}
	s.Rights = c.rights(s.Self.Place, s.SelfVersion)
	return s, nil
}
