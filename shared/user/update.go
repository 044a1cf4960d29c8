package user

import (
	"context"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// Update changes a user by a merge patch. version is the one that the client named, 0 for none: Stale version_conflict when it is
// another. A patch that changes nothing stages nothing. A changed address becomes unverified; an invited user whose e-mail changes gets
// a new invitation there. Denied permission_denied, field_not_writable, grant_exceeds_own, self_change_forbidden (a subject's own posts
// and, where their rights reach by it, own department); Invalid with every field at fault; Conflict email_taken, phone_taken,
// employee_no_taken, separation_of_duty, last_admin.
func (s *Store) Update(ctx context.Context, who *policy.Subject, c *change.Set, u id.User, version int64, p Patch) (User, error) {
	r, err := s.reach(ctx, who, u, version, policy.Update)
	if err != nil {
		return User{}, err
	}
	if err := writable(who, policy.Update, p.ruled()); err != nil { // before anything is compared with what is stored
		return User{}, err
	}
	was := r.User
	bad := p.apply(&r.User, who.Org.Settings.Region)
	if len(bad) == 0 && len(changed(&was, &r.User)) == 0 {
		return was, nil
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return User{}, err
	}
	bad = append(bad, references(o, was.Place, r.Place, p.Posts.Value, nil)...)
	if err := fault.Fields(bad...); err != nil {
		return User{}, err
	}
	if err := mayMove(who, o, &was, &r.User); err != nil {
		return User{}, err
	}
	// Without this, whoever may edit an administrator could have the administrator's password reset to their own mailbox.
	if was.Canonical != r.Canonical || was.Phone != r.Phone {
		if err := outranked(who, o, &was); err != nil {
			return User{}, err
		}
	}
	return s.save(c, who.Org, who.OrgVersion, r, &was, "")
}

// mayMove judges a change of place: it stays within the subject's scope, hands out nothing that the subject lacks, does not raise the
// subject, keeps duties apart, and leaves an administrator.
func mayMove(who *policy.Subject, o *access.Organisation, was, now *User) error {
	if samePlace(was.Place, now.Place) {
		return nil
	}
	if !policy.Decide(who, policy.ModUser, policy.Update, now.resource()).Allowed {
		return fault.New(fault.Denied, "permission_denied")
	}
	more := gained(o, was.Place, now.Place)
	if now.ID == who.User {
		if len(more) > 0 || (now.Department != was.Department && raisesSelf(who, o)) {
			return fault.New(fault.Denied, "self_change_forbidden")
		}
	}
	if err := policy.CanAssign(who, more); err != nil {
		return err
	}
	if err := separated(who.Org, o, now.Place); err != nil {
		return err
	}
	return remains(o, now.Place, false)
}

// outranked answers Denied grant_exceeds_own when the user may do something that the subject may not, and is somebody else.
func outranked(who *policy.Subject, o *access.Organisation, u *User) error {
	if u.ID == who.User {
		return nil
	}
	return policy.CanAssign(who, roles(o, rolesAt(o, u.Place)))
}

// UpdateSelf changes what users may change of themselves, by a merge patch; it needs no right. A changed address becomes unverified.
func (s *Store) UpdateSelf(ctx context.Context, who *policy.Subject, c *change.Set, version int64, p SelfPatch) (User, error) {
	r, err := s.row(ctx, who.Tenant, who.User)
	if err != nil {
		return User{}, err
	}
	if r.Status != principal.UserActive {
		return User{}, notFound()
	}
	if err := fault.Match(version, r.Version); err != nil {
		return User{}, err
	}
	was := r.User
	whole := p.patch()
	if err := fault.Fields(whole.apply(&r.User, who.Org.Settings.Region)...); err != nil {
		return User{}, err
	}
	return s.save(c, who.Org, who.OrgVersion, r, &was, "")
}

// SetRoles replaces the roles that the user holds directly. Denied grant_exceeds_own for a role that the subject does not hold as widely,
// self_change_forbidden when subjects would give themselves one; Invalid unknown_role; Conflict separation_of_duty, last_admin.
func (s *Store) SetRoles(ctx context.Context, who *policy.Subject, c *change.Set, u id.User, version int64, ids []id.Role) (User, error) {
	r, err := s.reach(ctx, who, u, version, policy.Update)
	if err != nil {
		return User{}, err
	}
	was := r.User
	r.Roles = set(ids)
	if samePlace(was.Place, r.Place) {
		return was, nil
	}
	o, err := s.access.OrganisationOf(ctx, who.Org)
	if err != nil {
		return User{}, err
	}
	bad := append(tooMany("/roleIds", len(r.Roles), MaxRoles), references(o, was.Place, r.Place, nil, ids)...)
	if err := fault.Fields(bad...); err != nil {
		return User{}, err
	}
	if err := mayMove(who, o, &was, &r.User); err != nil {
		return User{}, err
	}
	return s.save(c, who.Org, who.OrgVersion, r, &was, "")
}

// reach reads a user for a change that the subject asks for. Stale when the client named another version; Locked without the keys.
func (s *Store) reach(ctx context.Context, who *policy.Subject, u id.User, version int64, a policy.Action) (*loaded, error) {
	r, err := s.sight(ctx, who, u, a)
	if err != nil {
		return nil, err
	}
	if err := fault.Match(version, r.Version); err != nil {
		return nil, err
	}
	return r, r.locked
}

// sight reads a user for an action that the subject asks for. A user who is deleted, or out of the subject's sight, is NotFound.
func (s *Store) sight(ctx context.Context, who *policy.Subject, u id.User, a policy.Action) (*loaded, error) {
	if err := policy.RequireAny(who, policy.ModUser, a); err != nil {
		return nil, err
	}
	r, err := s.look(ctx, who.Tenant, u)
	if err != nil {
		return nil, err
	}
	if r.Status == principal.UserDeleted {
		return nil, notFound()
	}
	return r, policy.Require(who, policy.ModUser, a, r.resource())
}

// save stages a changed user with all that follows from the change: the tenant's row when place or status moved, and the job that brings
// the identity in line. A user who did not change is answered as they were.
func (s *Store) save(c *change.Set, row principal.Tenant, version int64, r *loaded, was *User, action string) (User, error) {
	if was.Canonical != r.Canonical {
		r.MailFailed = MailFailure{}
	}
	if len(changed(was, &r.User)) == 0 {
		return *was, nil
	}
	addressed := was.Canonical != r.Canonical || was.Phone != r.Phone
	if r.Status == principal.UserInvited && addressed {
		r.InvitedAt, r.Invitation = moment(c.Now, was.InvitedAt), id.New[id.Message](c.IDs())
	}
	if err := s.put(c, r, was, action); err != nil {
		return User{}, err
	}
	if !samePlace(was.Place, r.Place) {
		if err := access.Raise(c, row, version, func(t *principal.Tenant) { t.OrgVer++ }); err != nil {
			return User{}, err
		}
	}
	switch {
	case r.Invitation != was.Invitation:
		return r.User, s.stageInvite(c, &r.User)
	case addressed, was.Status != r.Status, was.EmailVerified != r.EmailVerified, was.PhoneVerified != r.PhoneVerified:
		return r.User, s.stageSync(c, &r.User, was.SessionsAfter != r.SessionsAfter)
	case was.SessionsAfter != r.SessionsAfter:
		return r.User, s.stageSync(c, &r.User, true)
	}
	return r.User, nil
}
