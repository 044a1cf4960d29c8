package user

import (
	"context"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

// EndOtherSessions ends every session of a user but one: the user changed the password in it. The provider's refresh tokens live on, because
// it cannot end all but one; what they give out carries the old sign-in and is refused like it.
func (s *Store) EndOtherSessions(ctx context.Context, c *change.Set, t id.Tenant, u id.User, keep string) (User, error) {
	r, err := s.row(ctx, t, u)
	if err != nil {
		return User{}, err
	}
	if r.Status != principal.UserActive {
		return User{}, notFound()
	}
	was := r.User
	r.SessionsAfter = moment(c.Now, was.SessionsAfter)
	r.SessionKept = principal.Kept{Session: keep, At: r.SessionsAfter}
	return r.User, s.put(c, r, &was, "")
}
