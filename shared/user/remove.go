package user

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Holdings counts what a user is responsible for. Package account has it. Accounts accept active owners only, so once a user is not
// active the count can but fall.
type Holdings interface {
	CountOwned(ctx context.Context, t id.Tenant, u id.User) (int, error)
}

// Held is what has to find another hand before a user can be deleted, and what they would leave behind.
type Held struct {
	Accounts    int             // owned
	Reports     []id.User       // who report to them
	Departments []id.Department // that they head
	Posts       []id.Post       // that they hold
	Roles       []id.Role       // that they hold, directly and by posts
}

// Holdings tells what a user holds.
func (s *Store) Holdings(ctx context.Context, who *policy.Subject, u id.User, h Holdings) (Held, error) {
	r, err := s.sight(ctx, who, u, policy.View)
	if err != nil {
		return Held{}, err
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return Held{}, err
	}
	out := held(o, &r.User)
	out.Accounts, err = h.CountOwned(ctx, who.Tenant, u)
	return out, err
}

func held(o *access.Organisation, u *User) Held {
	out := Held{Posts: u.Posts, Roles: rolesAt(o, u.Place)}
	for other, p := range o.Places {
		if p.Manager == u.ID {
			out.Reports = append(out.Reports, other)
		}
	}
	for d, dep := range o.Departments {
		if dep.Head == u.ID {
			out.Departments = append(out.Departments, d)
		}
	}
	slices.Sort(out.Reports)
	slices.Sort(out.Departments)
	return out
}

// Delete deletes a user for good: a leaver who was deactivated, or an invitation that is taken back. Addresses and the history's key are
// destroyed, the name gives way to a pseudonym, every address is free again. Denied self_change_forbidden for oneself. Conflict
// user_owns_accounts, last_admin, user_active (deactivate first: then nothing new can fall to them while they go), user_has_reports,
// user_heads_departments.
func (s *Store) Delete(ctx context.Context, who *policy.Subject, c *change.Set, u id.User, version int64, h Holdings) error {
	r, err := s.reach(ctx, who, u, version, policy.Delete)
	if err != nil {
		return err
	}
	if u == who.User {
		return fault.New(fault.Denied, "self_change_forbidden")
	}
	n, err := h.CountOwned(ctx, who.Tenant, u)
	if err != nil {
		return err
	}
	if n > 0 {
		return fault.New(fault.Conflict, "user_owns_accounts", "count", strconv.Itoa(n), "path", "/v1/users/"+string(u)+"/holdings")
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return err
	}
	if err := remains(o, r.Place, true); err != nil {
		return err
	}
	if r.Status == principal.UserActive {
		return fault.New(fault.Conflict, "user_active")
	}
	left := held(o, &r.User)
	if n := len(left.Reports); n > 0 {
		return fault.New(fault.Conflict, "user_has_reports", "count", strconv.Itoa(n))
	}
	if n := len(left.Departments); n > 0 {
		return fault.New(fault.Conflict, "user_heads_departments", "count", strconv.Itoa(n))
	}
	was := r.User
	r.User = User{
		ID: u, Tenant: was.Tenant, Name: pseudonym(u), CreatedAt: was.CreatedAt, Version: was.Version,
		Standing: principal.Standing{
			Place: principal.Place{User: u}, Status: principal.UserDeleted, Locale: was.Locale, SessionsAfter: moment(c.Now, time.Time{}),
		},
	}
	if err := s.put(c, r, &was, ""); err != nil {
		return err
	}
	c.Delete(historyKey(was.Tenant, u), table.Always, nil)
	err = access.Raise(c, who.Org, who.OrgVersion, func(t *principal.Tenant) {
		t.OrgVer++
		t.Users--
	})
	if err != nil {
		return err
	}
	return s.stageSync(c, &r.User, false)
}

// pseudonym is what a deleted user is called: the end of the id, which tells two of them apart and says nothing of the person.
func pseudonym(u id.User) string { return "#" + string(u[max(0, len(u)-8):]) }
