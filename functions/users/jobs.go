package users

import (
	"context"

	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/password"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/user"
)

// Desk keeps the identity provider in line with the users.
func Desk(p *platform.Platform) *user.Desk {
	return user.NewDesk(store(p), p.Identity, p.Notify, password.Temporary)
}

// Runners are the jobs that follow changes of users, by kind.
func Runners(p *platform.Platform) map[string]job.Runner {
	d := Desk(p)
	return map[string]job.Runner{
		user.JobInvite: func(ctx context.Context, r *job.Run) error {
			var what user.InvitePayload
			if err := r.Payload(&what); err != nil {
				return err
			}
			return d.Invite(ctx, r.Job.Tenant, what)
		},
		user.JobSync: func(ctx context.Context, r *job.Run) error {
			var what user.SyncPayload
			if err := r.Payload(&what); err != nil {
				return err
			}
			return d.Sync(ctx, r.Job.Tenant, what)
		},
	}
}
