package user

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// Deactivate locks a leaver out from the next request on: every session ends, and nobody can make them responsible for anything. What
// they own stays theirs until it is transferred; roles and place stay for a return. An inactive user is answered unchanged. Denied
// self_change_forbidden for oneself; Conflict last_admin; Conflict user_not_active for one who never answered the invitation.
func (s *Store) Deactivate(ctx context.Context, who *policy.Subject, c *change.Set, u id.User, version int64) (User, error) {
	r, err := s.reach(ctx, who, u, version, policy.Update)
	if err != nil {
		return User{}, err
	}
	switch {
	case u == who.User:
		return User{}, fault.New(fault.Denied, "self_change_forbidden")
	case r.Status == principal.UserInactive:
		return r.User, nil
	case r.Status != principal.UserActive:
		return User{}, fault.New(fault.Conflict, "user_not_active")
	}
	was := r.User
	r.Status, r.Active = principal.UserInactive, false
	r.SessionsAfter, r.SessionKept = moment(c.Now, was.SessionsAfter), principal.Kept{}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return User{}, err
	}
	if err := remains(o, r.Place, false); err != nil {
		return User{}, err
	}
	return s.save(c, who.Org, who.OrgVersion, r, &was, "")
}

// Reactivate takes back a deactivated user, with the id, place and roles they have now. Sessions stay dead. An active user is answered
// unchanged. Denied grant_exceeds_own when the user would come back with more than the subject has; Conflict user_not_active for one who
// never answered the invitation.
func (s *Store) Reactivate(ctx context.Context, who *policy.Subject, c *change.Set, u id.User, version int64) (User, error) {
	r, err := s.reach(ctx, who, u, version, policy.Update)
	if err != nil {
		return User{}, err
	}
	switch r.Status {
	case principal.UserActive:
		return r.User, nil
	case principal.UserInvited:
		return User{}, fault.New(fault.Conflict, "user_not_active")
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return User{}, err
	}
	if err := outranked(who, o, &r.User); err != nil {
		return User{}, err
	}
	was := r.User
	r.Status, r.Active = principal.UserActive, true
	return s.save(c, who.Org, who.OrgVersion, r, &was, "")
}

// Activate makes an invited user active: their first sign-in. An active user is answered unchanged; any other is Unauthenticated
// account_inactive. Whoever calls it has seen the invitation's password.
func (s *Store) Activate(ctx context.Context, c *change.Set, t id.Tenant, u id.User) (User, error) {
	row, version, err := s.tenant(ctx, t)
	if err != nil {
		return User{}, err
	}
	r, err := s.row(ctx, t, u)
	if err != nil {
		return User{}, err
	}
	switch r.Status {
	case principal.UserActive:
		return r.User, nil
	case principal.UserInvited:
	default:
		return User{}, fault.New(fault.Unauthenticated, "account_inactive")
	}
	was := r.User
	r.Status, r.Active = principal.UserActive, true
	return s.save(c, row, version, r, &was, "users.activate")
}

// SignOut ends every session of a user.
func (s *Store) SignOut(ctx context.Context, who *policy.Subject, c *change.Set, u id.User, version int64) (User, error) {
	r, err := s.reach(ctx, who, u, version, policy.Update)
	if err != nil {
		return User{}, err
	}
	return s.endSessions(c, r)
}

// EndSessions ends every session of a user, for whoever has judged that it must be: a password was reset, say. Sign-ins of this second
// are dead too.
func (s *Store) EndSessions(ctx context.Context, c *change.Set, t id.Tenant, u id.User) (User, error) {
	r, err := s.row(ctx, t, u)
	if err != nil {
		return User{}, err
	}
	if r.Status == principal.UserDeleted {
		return User{}, notFound()
	}
	return s.endSessions(c, r)
}

func (s *Store) endSessions(c *change.Set, r *loaded) (User, error) {
	was := r.User
	r.SessionsAfter, r.SessionKept = moment(c.Now, was.SessionsAfter), principal.Kept{}
	return s.save(c, principal.Tenant{}, 0, r, &was, "")
}

// SetVerified notes that the user has shown an address to be theirs. Doing it again changes nothing.
func (s *Store) SetVerified(ctx context.Context, c *change.Set, t id.Tenant, u id.User, a identity.Attribute) (User, error) {
	r, err := s.row(ctx, t, u)
	if err != nil {
		return User{}, err
	}
	if r.Status == principal.UserDeleted {
		return User{}, notFound()
	}
	was := r.User
	switch {
	case a == identity.Email:
		r.EmailVerified, r.MailFailed = true, MailFailure{} // the code arrived
	case a == identity.Phone && r.Phone != "":
		r.PhoneVerified = true
	}
	return s.save(c, principal.Tenant{}, 0, r, &was, "")
}

// ResendInvitation sends an invited user a new invitation; the one before stops working. Within a minute of the last nothing is sent,
// and the invitation stays the same. Conflict user_not_invited for one who has answered it.
func (s *Store) ResendInvitation(ctx context.Context, who *policy.Subject, c *change.Set, u id.User, version int64) (User, error) {
	r, err := s.reach(ctx, who, u, version, policy.Update)
	if err != nil {
		return User{}, err
	}
	if r.Status != principal.UserInvited {
		return User{}, fault.New(fault.Conflict, "user_not_invited")
	}
	if c.Now.Before(r.InvitedAt.Add(InvitationPause)) {
		return r.User, nil
	}
	was := r.User
	r.InvitedAt, r.Invitation = moment(c.Now, was.InvitedAt), id.New[id.Message](c.IDs())
	return s.save(c, principal.Tenant{}, 0, r, &was, "")
}

// tenant reads the tenant's row and its version, for changes that nobody's request carries.
func (s *Store) tenant(ctx context.Context, t id.Tenant) (principal.Tenant, int64, error) {
	items, err := s.table.Get(ctx, key.Tenant(t))
	if err != nil {
		return principal.Tenant{}, 0, err
	}
	if len(items) == 0 {
		return principal.Tenant{}, 0, notFound()
	}
	var row principal.Tenant
	if err := json.Unmarshal(items[0].Doc, &row); err != nil {
		return principal.Tenant{}, 0, fault.New(fault.Internal, "internal").Because(err)
	}
	return row, items[0].Version, nil
}
