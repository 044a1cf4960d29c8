// Package access reads the rows that decide who may do what, and compiles them: from a verified token to a policy.Subject, and from a
// tenant's organisation partition to the graph that guards ask ("is this a cycle", "who is the last administrator"). It lies below the
// nouns: they write those rows, access reads them.
package access

import (
	"context"
	"time"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Access loads subjects. Its caches hold compiled roles and organisations by version, bounded; never a decision.
type Access struct{}

// New returns an Access over the table.
func New(t table.Table, now func() time.Time) *Access { panic("unwritten") }

// Subject authorises a verified token: one strong Get of tenant, user and revocation, then the snapshot of roles and organisation by
// version. base carries locale, source, request id, operation and time; Subject adds tenant, user and session. Faults: Unauthenticated
// token_invalid (no such user, revoked session, signed in before SessionsAfter), Unauthenticated account_inactive, Denied
// tenant_suspended (any tenant that is not active).
func (a *Access) Subject(ctx context.Context, c identity.Claims, base principal.Principal) (*policy.Subject, error) {
	panic("unwritten")
}

// Department and Post are the rows of the organisation as far as guards and scopes need them; the org noun's documents hold these members
// and more.
type Department struct {
	ID     id.Department `json:"id"`
	Parent id.Department `json:"parentId,omitempty"`
	Head   id.User       `json:"headId,omitempty"`
}

// Post is a post in a department, with the roles that everyone who holds it has.
type Post struct {
	ID         id.Post       `json:"id"`
	Department id.Department `json:"departmentId"`
	Roles      []id.Role     `json:"roleIds"`
}

// Organisation is a tenant's whole organisation, read strongly.
type Organisation struct {
	Departments map[id.Department]Department
	Posts       map[id.Post]Post
	Places      map[id.User]principal.Place
	Roles       map[id.Role]policy.Role
}

// Organisation reads the tenant's organisation and roles now, past every cache. To guard a change with it, read the tenant's row first and
// stage Raise on that row's version in the same Set.
func (a *Access) Organisation(ctx context.Context, t id.Tenant) (*Organisation, error) {
	panic("unwritten")
}

// RolesOf are the roles that the user holds, directly and by posts, in id order.
func (o *Organisation) RolesOf(u id.User) []id.Role { panic("unwritten") }

// Admins are the active users who hold the administrator role.
func (o *Organisation) Admins() []id.User { panic("unwritten") }

// Under reports whether a is b or lies below b in the department tree; ReportsTo whether a is b or reports to b, transitively.
func (o *Organisation) Under(a, b id.Department) bool { panic("unwritten") }
func (o *Organisation) ReportsTo(a, b id.User) bool   { panic("unwritten") }

// Raise stages the tenant's row with an edit, on the version that was read, so that two changes that both rely on the organisation or the
// roles cannot both commit: the second finds the premise moved and runs again.
func Raise(c *change.Set, row principal.Tenant, version int64, edit func(*principal.Tenant)) error {
	panic("unwritten")
}
