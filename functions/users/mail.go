package users

import (
	"context"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

// FailMail notes what a report says of a mail to a user: user.Store.FailMail, with its event, in a commit of its own.
func FailMail(p *platform.Platform) func(ctx context.Context, t id.Tenant, u id.User, f user.MailFailure, is func(address string) bool) error {
	s := store(p)
	return func(ctx context.Context, t id.Tenant, u id.User, f user.MailFailure, is func(address string) bool) error {
		return change.Run(ctx, p.Table, principal.System(t, "users.mailFailed", p.Now()), p.IDs, p.Now, func(c *change.Set) error {
			_, err := s.FailMail(ctx, c, t, u, f, is)
			return err
		})
	}
}
