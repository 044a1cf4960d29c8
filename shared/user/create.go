package user

import (
	"context"
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

// Create invites a user: the row with status invited, and a job that makes the identity and sends the invitation. Denied
// permission_denied outside the subject's scope, field_not_writable, grant_exceeds_own; Invalid with every field at fault; Conflict
// email_taken, phone_taken, employee_no_taken, separation_of_duty, user_limit.
func (s *Store) Create(ctx context.Context, who *policy.Subject, c *change.Set, d Draft) (User, error) {
	if err := policy.RequireAny(who, policy.ModUser, policy.Create); err != nil {
		return User{}, err
	}
	written := []string{"name", "email"}
	if d.Phone != "" {
		written = append(written, "phone")
	}
	if d.EmployeeNo != "" {
		written = append(written, "employeeNo")
	}
	if err := writable(who, policy.Create, written); err != nil {
		return User{}, err
	}
	return s.invite(ctx, c, who.Org, who.OrgVersion, d, func(o *access.Organisation, p principal.Place) error {
		in := policy.Resource{Tenant: who.Tenant, Owner: p.Manager, Department: p.Department}
		if err := policy.Require(who, policy.ModUser, policy.Create, in); err != nil {
			return err
		}
		return policy.CanAssign(who, gained(o, principal.Place{}, p))
	})
}

// Invite is Create without the question who asks, for the onboarding of a tenant and for seeding. row is the tenant's row and version
// the version at which it was read; the Set raises it, so it may hold no other change of that row.
func (s *Store) Invite(ctx context.Context, c *change.Set, row principal.Tenant, version int64, d Draft) (User, error) {
	return s.invite(ctx, c, row, version, d, func(*access.Organisation, principal.Place) error { return nil })
}

func (s *Store) invite(
	ctx context.Context, c *change.Set, row principal.Tenant, version int64, d Draft, may func(*access.Organisation, principal.Place) error,
) (User, error) {
	o, err := s.access.OrganisationOf(ctx, row)
	if err != nil {
		return User{}, err
	}
	tk, err := s.crypt.Tenant(ctx, row.ID)
	if err != nil {
		return User{}, err
	}
	if d.ID == "" {
		d.ID = id.New[id.User](c.IDs())
	}
	at := moment(c.Now, time.Time{})
	u := User{ID: d.ID, Tenant: row.ID, CreatedAt: at, UpdatedAt: at, InvitedAt: at, Invitation: id.New[id.Message](c.IDs())}
	u.User, u.Status = u.ID, principal.UserInvited
	p := d.patch(row)
	bad := p.apply(&u, row.Settings.Region)
	u.Roles = set(d.Roles)
	bad = append(bad, tooMany("/roleIds", len(u.Roles), MaxRoles)...)
	if u.Department == "" && len(d.Posts) > 0 {
		u.Department = o.Posts[d.Posts[0]].Department
	}
	bad = append(bad, references(o, principal.Place{}, u.Place, d.Posts, d.Roles)...)
	if err := fault.Fields(bad...); err != nil {
		return User{}, err
	}
	if err := may(o, u.Place); err != nil {
		return User{}, err
	}
	if err := separated(row, o, u.Place); err != nil {
		return User{}, err
	}
	if row.Users >= row.UserLimit {
		return User{}, fault.New(fault.Conflict, "user_limit", "max", strconv.Itoa(row.UserLimit))
	}
	history, kept, err := tk.NewAccount(id.Account(u.ID))
	if err != nil {
		return User{}, err
	}
	kept.Key = historyKey(u.Tenant, u.ID)
	c.Put(kept, table.Absent, nil)
	r := &loaded{User: u, tenant: tk, history: history}
	if err := s.put(c, r, nil, ""); err != nil {
		return User{}, err
	}
	err = access.Raise(c, row, version, func(t *principal.Tenant) {
		t.OrgVer++
		t.Users++
	})
	if err != nil {
		return User{}, err
	}
	return r.User, s.stageInvite(c, &r.User)
}
