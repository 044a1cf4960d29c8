package user

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/principal"
)

// Sender sends invitations. It asks the identity provider nothing.
type Sender struct {
	users     *Store
	notify    notify.Notify
	temporary func(io.Reader) string
}

// NewSender returns a sender; temporary is the desk's.
func NewSender(s *Store, n notify.Notify, temporary func(io.Reader) string) *Sender {
	return &Sender{users: s, notify: n, temporary: temporary}
}

// Mail is the job users.mail: it sends the invitation with the temporary password that the identity has, which follows from the mail's id. A
// mail that is no longer in force is not sent. The same id again is no second mail, as far as the notifier remembers.
func (s *Sender) Mail(ctx context.Context, t id.Tenant, p MailPayload) error {
	r, err := s.users.row(ctx, t, p.User)
	if fault.IsKind(err, fault.NotFound) {
		return nil
	}
	if err != nil || !r.inForce(p.Message) {
		return err
	}
	row, _, err := s.users.tenant(ctx, t)
	if err != nil {
		return err
	}
	return s.notify.Send(ctx, notify.Message{
		ID: p.Message, Tenant: t, User: r.ID, Channel: notify.Email, To: r.Canonical, Template: "invitation", Locale: r.Locale, At: r.InvitedAt,
		Words: map[string]string{"tenant": row.Slug, "name": r.Name, "temporaryPassword": r.password(p.Message, s.temporary)},
	})
}

// anew separates the invitation that a user once answered from the version of the row at which their identity was found missing.
const anew = "-"

// lacks is the job that makes a missing identity. Whoever had signed in before lost their password with it, and is invited anew: by another mail
// and with another password than the first time, which somebody may have kept. False for a user who needs no identity now: it is made when they
// come back.
func (u *User) lacks() (InvitePayload, bool) {
	p := InvitePayload{User: u.ID}
	if u.Status == principal.UserActive {
		p.Message = u.Invitation + id.Message(anew+strconv.FormatInt(u.Version, 10))
	}
	return p, u.Status == principal.UserInvited || u.Status == principal.UserActive
}

// inForce reports whether the mail may still be sent. Of an invited user it is that of the last invitation, and no other; of an active one only a
// mail that invites them anew, from whatever version on: what changes of them while the mail waits takes nothing from its password.
func (u *User) inForce(mail id.Message) bool {
	switch u.Status {
	case principal.UserInvited:
		return mail == u.Invitation
	case principal.UserActive:
		version, ok := strings.CutPrefix(string(mail), string(u.Invitation)+anew)
		n, err := strconv.ParseInt(version, 10, 64)
		return ok && err == nil && n <= u.Version
	}
	return false
}

// password is the temporary password that the mail bears.
func (r *loaded) password(mail id.Message, temporary func(io.Reader) string) string {
	return temporary(&stream{seed: r.tenant.Digest([]byte("invitation " + string(mail)))})
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
