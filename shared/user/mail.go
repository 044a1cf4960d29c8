package user

import (
	"context"
	"time"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

// MailFailure says that a user's address takes no mail, as far as is known. Another address, and a code that arrived at this one, end it.
type MailFailure struct {
	Kind string    `json:"kind"` // bounced: there is no such address; complained: the person called it spam. "" is none
	At   time.Time `json:"at"`
}

// IsZero reports whether nothing has failed.
func (f MailFailure) IsZero() bool { return f.Kind == "" }

// FailMail notes that mail to the user failed for good at an address, which is reports whether the user has still: what is said of an
// older address says nothing of this one. A user who is gone, an older report and the same one again change nothing.
func (s *Store) FailMail(ctx context.Context, c *change.Set, t id.Tenant, u id.User, f MailFailure, is func(address string) bool) (User, error) {
	r, err := s.row(ctx, t, u)
	if fault.IsKind(err, fault.NotFound) {
		return User{}, nil
	}
	if err != nil {
		return User{}, err
	}
	if r.Status == principal.UserDeleted || !is(r.Canonical) || !f.At.After(r.MailFailed.At) {
		return r.User, nil
	}
	was := r.User
	r.MailFailed = f
	return s.save(c, principal.Tenant{}, 0, r, &was, "")
}
