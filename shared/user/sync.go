package user

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strconv"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/principal"
)

// The kinds of jobs that follow a change of a user.
const (
	JobInvite = "users.invite" // make the identity and send the invitation
	JobSync   = "users.sync"   // make the identity match the row
)

// InvitePayload and SyncPayload are what the jobs are told: ids only.
type (
	InvitePayload struct {
		User id.User `json:"userId"`
	}
	SyncPayload struct {
		User    id.User `json:"userId"`
		SignOut bool    `json:"signOut"` // end the provider's sessions too
	}
)

func (s *Store) stageInvite(c *change.Set, u *User) error {
	_, err := s.jobs.Stage(c, u.Tenant, JobInvite, InvitePayload{u.ID}, c.Now)
	return err
}

func (s *Store) stageSync(c *change.Set, u *User, signOut bool) error {
	_, err := s.jobs.Stage(c, u.Tenant, JobSync, SyncPayload{u.ID, signOut}, c.Now)
	return err
}

// Desk keeps the identity provider in line with the rows. The row is the truth: each of its methods reads it now and does what is missing,
// so each may run any number of times, in any order, and after a crash at any point.
type Desk struct {
	users     *Store
	identity  identity.Identity
	notify    notify.Notify
	temporary func(io.Reader) string
}

// NewDesk returns a desk; temporary makes a temporary password of the randomness it is given, always the same one of the same bytes:
// password.Temporary.
func NewDesk(s *Store, i identity.Identity, n notify.Notify, temporary func(io.Reader) string) *Desk {
	return &Desk{users: s, identity: i, notify: n, temporary: temporary}
}

// Invite is the job users.invite: it makes the identity with a temporary password and sends the invitation in force. One that
// was answered is left alone.
//
// The temporary password follows from the tenant's key and the invitation's id. So it is stored nowhere, and a second run after a crash
// sets the very password that the mail, which is sent once, already bears.
func (d *Desk) Invite(ctx context.Context, t id.Tenant, p InvitePayload) error {
	r, err := d.users.row(ctx, t, p.User)
	if fault.IsKind(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.Status != principal.UserInvited {
		return nil
	}
	return d.invite(ctx, r, r.Invitation)
}

// invite makes the identity and sends the mail of this id. The same id again is the same password, and no second mail.
func (d *Desk) invite(ctx context.Context, r *loaded, mail id.Message) error {
	row, _, err := d.users.tenant(ctx, r.Tenant)
	if err != nil {
		return err
	}
	password := d.temporary(&stream{seed: r.tenant.Digest([]byte("invitation " + string(mail)))})
	answered, err := d.create(ctx, r, password)
	if err != nil || answered {
		return err
	}
	return d.notify.Send(ctx, notify.Message{
		ID: mail, Tenant: r.Tenant, User: r.ID, Channel: notify.Email, To: r.Canonical, Template: "invitation", Locale: r.Locale, At: r.InvitedAt,
		Words: map[string]string{"tenant": row.Slug, "name": r.Name, "temporaryPassword": password},
	})
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

// Sync is the job users.sync: it makes the identity match the row.
func (d *Desk) Sync(ctx context.Context, t id.Tenant, p SyncPayload) error {
	r, err := d.users.row(ctx, t, p.User)
	if fault.IsKind(err, fault.NotFound) {
		return d.identity.Delete(ctx, identity.NameOf(t, p.User))
	}
	if err != nil {
		return err
	}
	return d.sync(ctx, r, p.SignOut)
}

func (d *Desk) sync(ctx context.Context, r *loaded, signOut bool) error {
	n := identity.NameOf(r.Tenant, r.ID)
	if r.Status == principal.UserDeleted {
		if err := d.identity.Delete(ctx, n); err != nil {
			return err
		}
		return d.users.sweep(ctx, r.Tenant, r.ID)
	}
	there, err := d.identity.GetUser(ctx, n)
	if fault.Is(err, "user_unknown") {
		return d.missing(ctx, r)
	}
	if err != nil {
		return err
	}
	if err := d.match(ctx, r, there); err != nil {
		return err
	}
	if signOut || r.Status == principal.UserInactive {
		return d.identity.SignOutEverywhere(ctx, n)
	}
	return nil
}

// missing makes an identity that should be there. Whoever had signed in before lost their password with it, and is invited anew: by another
// mail and with another password than the first time, which somebody may have kept.
func (d *Desk) missing(ctx context.Context, r *loaded) error {
	switch r.Status {
	case principal.UserInvited:
		return d.invite(ctx, r, r.Invitation)
	case principal.UserActive:
		return d.invite(ctx, r, r.Invitation+id.Message("-"+strconv.FormatInt(r.Version, 10)))
	}
	return nil // made when the user comes back
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

// stream is endless randomness that follows from a seed: HMAC-SHA-256 in counter mode.
type stream struct {
	seed  []byte
	count uint64
	rest  []byte
}

func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		h := hmac.New(sha256.New, s.seed)
		_ = binary.Write(h, binary.BigEndian, s.count) // a hash takes everything
		s.count, s.rest = s.count+1, h.Sum(nil)
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
