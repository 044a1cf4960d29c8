// Package user keeps a tenant's users: the people who sign in, where they sit in the organisation and which roles they hold. It owns their
// rules, their stored form, their life (invited → active ⇄ inactive → deleted) and the keeping in line of the identity provider.
//
// A user takes three shapes. A Draft is what somebody asked for: nothing in it is trusted. A User is what the rules let through. The
// items are what the table keeps, all of one commit: the user's own item, with e-mail and phone sealed in one group under the tenant's
// key; the place in the organisation's partition; a guard for each value that must be unique; an edge for each role held directly;
// and the tenant's row, which serialises every change of place, role or status within the tenant. That last item is what makes
// "no cycle", "an active administrator remains" and "never more users than the plan has" hold when two requests race.
//
// Rights. A user is a resource that belongs to themself and lies in their department. Whoever is to be created belongs to the manager
// they will report to. Nobody hands out a role (directly or by a post) that they do not hold as widely themselves, and nobody changes the
// sign-in address of someone who may do more than they may: it would be a way into that person's account.
//
// History. Every event holds the user's data before and after, sealed under a key of the user's own that lies in the keys space. Deleting
// the user destroys that key with the sealed group, so that the audit keeps who did what to which id, and nothing of the person.
//
// Locked. When the tenant's key is disabled, whoever may see a user still reads the plain fields; e-mail and phone are sealed.Locked,
// because whether there is a phone is sealed too, and masked is locked as well. Every change needs the key and is Locked key_unavailable.
//
// The package refuses to know HTTP, how roles and departments are kept (access reads them), and how a change is committed: every
// operation stages into a change.Set and has no other effect, so it may be run again.
package user

import (
	"context"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/table"
)

// The limits of a user.
const (
	MaxName       = 100 // code points
	MaxEmployeeNo = 32  // code points
	MaxPosts      = 20  // that one user holds
	MaxRoles      = 20  // that one user holds directly: each takes a write of the commit's hundred
)

// The times of an invitation.
const (
	InvitationLife  = 7 * 24 * time.Hour // how long its temporary password is good for
	InvitationPause = time.Minute        // within which asking for it again sends nothing
)

// User is a person of a tenant who signs in.
type User struct {
	principal.Standing // place, status, locale and the end of older sessions

	ID            id.User
	Tenant        id.Tenant
	Name          string
	Email         sealed.Text // as people read it
	Canonical     string      // the e-mail as machines compare it and send to it
	Phone         sealed.Text // E.164; "" for none
	EmailVerified bool
	PhoneVerified bool
	EmployeeNo    string
	Invitation    id.Message // the mail that carries the invitation in force
	InvitedAt     time.Time  // when it was asked for
	MailFailed    MailFailure
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Version       int64
}

// Jobs stages work that follows a change, and starts what no change asks for. Package job has it.
type Jobs interface {
	Stage(c *change.Set, t id.Tenant, kind string, payload any, due time.Time) (id.Job, error)
	Start(ctx context.Context, t id.Tenant, kind string, payload any) error
}

// Store keeps the users of all tenants. Safe for concurrent use.
type Store struct {
	table  table.Table
	crypt  *crypt.Crypt
	access *access.Access
	jobs   Jobs
}

// New returns the users that lie in the table, sealed by k.
func New(t table.Table, k *crypt.Crypt, a *access.Access, jobs Jobs) *Store {
	return &Store{table: t, crypt: k, access: a, jobs: jobs}
}

// Load reads a user now, whatever the status: a deleted one too, which has a pseudonym for a name and no addresses. A user that the
// tenant never had is NotFound not_found; one whose addresses cannot be opened is Locked key_unavailable.
func (s *Store) Load(ctx context.Context, t id.Tenant, u id.User) (User, error) {
	r, err := s.row(ctx, t, u)
	if err != nil {
		return User{}, err
	}
	return r.User, nil
}

// Self reads the user who asks, whatever their rights, with addresses that are locked when the tenant's key is disabled.
func (s *Store) Self(ctx context.Context, who *policy.Subject) (User, error) {
	r, err := s.look(ctx, who.Tenant, who.User)
	if err != nil {
		return User{}, err
	}
	return r.User, nil
}

// Owner tells whether the user may be made responsible for something, and in which department they sit: an active user may. Invalid
// invalid_owner for a user that the tenant does not have, Conflict owner_not_active for one that is invited or deactivated. To rely on the
// answer, stage a check that the user's item (key.User) still has the status active.
func (s *Store) Owner(ctx context.Context, t id.Tenant, u id.User) (id.Department, error) {
	items, err := s.table.Get(ctx, key.User(t, u))
	if err != nil {
		return "", err
	}
	if len(items) == 0 {
		return "", fault.New(fault.Invalid, "invalid_owner")
	}
	d, err := read(items[0])
	switch {
	case err != nil:
		return "", err
	case d.Status == principal.UserDeleted:
		return "", fault.New(fault.Invalid, "invalid_owner")
	case d.Status != principal.UserActive:
		return "", fault.New(fault.Conflict, "owner_not_active")
	}
	return d.Department, nil
}

func (u *User) resource() policy.Resource {
	return policy.Resource{Tenant: u.Tenant, Owner: u.ID, Department: u.Department}
}

func notFound() error { return fault.New(fault.NotFound, "not_found") }
