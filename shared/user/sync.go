package user

import (
	"cmp"
	"context"
	"io"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/principal"
)

// The kinds of jobs that follow a change of a user.
const (
	JobInvite = "users.invite" // make the identity, and hand over to JobMail
	JobSync   = "users.sync"   // make the identity match the row
	JobMail   = "users.mail"   // send the invitation
)

// InvitePayload, SyncPayload and MailPayload are what the jobs are told: ids only.
type (
	InvitePayload struct {
		User    id.User    `json:"userId"`
		Message id.Message `json:"messageId,omitempty"` // "" for the invitation in force
	}
	SyncPayload struct {
		User    id.User `json:"userId"`
		SignOut bool    `json:"signOut"` // end the provider's sessions too
	}
	MailPayload struct {
		User    id.User    `json:"userId"`
		Message id.Message `json:"messageId"`
	}
)

// InviteState and SyncState are how far the jobs came: what they have handed over.
type (
	InviteState struct {
		Message id.Message `json:"messageId,omitempty"` // whose mail is on the way
	}
	SyncState struct {
		Invites bool `json:"invites,omitempty"` // another job makes the identity
	}
)

// Follow saves the state of the job that runs and stages one that goes on from there, in one commit; package job's Run has it.
type Follow func(ctx context.Context, state any, kind string, payload any) error

func (s *Store) stageInvite(c *change.Set, u *User) error {
	_, err := s.jobs.Stage(c, u.Tenant, JobInvite, InvitePayload{User: u.ID}, c.Now)
	return err
}

func (s *Store) stageSync(c *change.Set, u *User, signOut bool) error {
	_, err := s.jobs.Stage(c, u.Tenant, JobSync, SyncPayload{u.ID, signOut}, c.Now)
	return err
}

// Desk keeps the identity provider in line with the rows. The row is the truth: each of its methods reads it now and does what is missing,
// so each may run any number of times, in any order, and after a crash at any point. It sends nothing: a Sender does.
type Desk struct {
	users     *Store
	identity  identity.Identity
	temporary func(io.Reader) string
}

// NewDesk returns a desk; temporary makes a temporary password of the randomness it is given, always the same one of the same bytes:
// password.Temporary.
func NewDesk(s *Store, i identity.Identity, temporary func(io.Reader) string) *Desk {
	return &Desk{users: s, identity: i, temporary: temporary}
}

// Invite is the job users.invite: it makes the identity with a temporary password, or gives it that password, and then hands the mail that bears
// it to the job users.mail. An invitation that was answered, or is no longer in force, is left alone.
//
// The temporary password follows from the tenant's key and the mail's id. So it is stored nowhere, a second run after a crash sets the very
// password that the mail bears, and no mail is on its way before its password opens the door.
func (d *Desk) Invite(ctx context.Context, t id.Tenant, p InvitePayload, s InviteState, follow Follow) error {
	r, err := d.users.row(ctx, t, p.User)
	if fault.IsKind(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	mail := cmp.Or(p.Message, r.Invitation)
	if !r.inForce(mail) || mail == s.Message {
		return nil
	}
	answered, err := d.create(ctx, r, r.password(mail, d.temporary))
	if err != nil || answered {
		return err
	}
	return follow(ctx, InviteState{mail}, JobMail, MailPayload{r.ID, mail})
}

// create makes the identity with the temporary password, or gives it the password anew. It reports whether the user already has a password
// of their own: then there is nothing to invite to.
func (d *Desk) create(ctx context.Context, r *loaded, password string) (answered bool, err error) {
	n := identity.NameOf(r.Tenant, r.ID)
	err = d.identity.CreateUser(ctx, n, r.Canonical, string(r.Phone), password, InvitationLife)
	if !fault.Is(err, "user_exists") {
		return false, err
	}
	there, err := d.identity.GetUser(ctx, n)
	if err != nil {
		return false, err
	}
	if !there.PasswordIsTemp {
		return true, d.match(ctx, r, there)
	}
	if err := d.match(ctx, r, there); err != nil {
		return false, err
	}
	return false, d.identity.SetTemporaryPassword(ctx, n, password, InvitationLife)
}

// Sync is the job users.sync: it makes the identity match the row. One that is missing is left to a job users.invite, which does not end before
// its mail is on the way.
func (d *Desk) Sync(ctx context.Context, t id.Tenant, p SyncPayload, s SyncState, follow Follow) error {
	r, err := d.users.row(ctx, t, p.User)
	if fault.IsKind(err, fault.NotFound) {
		return d.identity.Delete(ctx, identity.NameOf(t, p.User))
	}
	if err != nil {
		return err
	}
	n := identity.NameOf(t, p.User)
	if r.Status == principal.UserDeleted {
		if err := d.identity.Delete(ctx, n); err != nil {
			return err
		}
		return d.users.sweep(ctx, t, p.User)
	}
	there, err := d.identity.GetUser(ctx, n)
	if fault.Is(err, "user_unknown") {
		if invite, lacks := r.lacks(); lacks && !s.Invites {
			return follow(ctx, SyncState{Invites: true}, JobInvite, invite)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.match(ctx, r, there); err != nil {
		return err
	}
	if p.SignOut || r.Status == principal.UserInactive {
		return d.identity.SignOutEverywhere(ctx, n)
	}
	return nil
}

// match brings addresses, what is verified of them, and the lock in line.
func (d *Desk) match(ctx context.Context, r *loaded, there identity.User) error {
	n := identity.NameOf(r.Tenant, r.ID)
	if there.Email != r.Canonical || there.Phone != string(r.Phone) || there.EmailVerified != r.EmailVerified || there.PhoneVerified != r.PhoneVerified {
		var verified []identity.Attribute
		if r.EmailVerified {
			verified = append(verified, identity.Email)
		}
		if r.PhoneVerified {
			verified = append(verified, identity.Phone)
		}
		if err := d.identity.SetAttributes(ctx, n, r.Canonical, string(r.Phone), verified...); err != nil {
			return err
		}
	}
	switch enabled := r.Status != principal.UserInactive; {
	case enabled == there.Enabled:
		return nil
	case enabled:
		return d.identity.Enable(ctx, n)
	}
	return d.identity.Disable(ctx, n)
}
