package users

import (
	"context"

	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/password"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/user"
)

// Desk keeps the identity provider in line with the users. It sends nothing.
func Desk(p *platform.Platform) *user.Desk {
	return user.NewDesk(store(p), p.Identity, password.Temporary)
}

// Runners are the jobs that bring the identity provider in line, by kind. None sends anything.
func Runners(p *platform.Platform) map[string]job.Runner {
	d := Desk(p)
	return map[string]job.Runner{
		user.JobInvite: func(ctx context.Context, r *job.Run) error {
			var what user.InvitePayload
			var state user.InviteState
			if err := r.Read(&what, &state); err != nil {
				return err
			}
			return d.Invite(ctx, r.Job.Tenant, what, state, r.Follow)
		},
		user.JobSync: func(ctx context.Context, r *job.Run) error {
			var what user.SyncPayload
			var state user.SyncState
			if err := r.Read(&what, &state); err != nil {
				return err
			}
			return d.Sync(ctx, r.Job.Tenant, what, state, r.Follow)
		},
	}
}

// MailRunners are the jobs that send mails to users, by kind. They ask the identity provider nothing.
func MailRunners(p *platform.Platform) map[string]job.Runner {
	s := user.NewSender(store(p), p.Notify, password.Temporary)
	return map[string]job.Runner{
		user.JobMail: func(ctx context.Context, r *job.Run) error {
			var what user.MailPayload
			if err := r.Payload(&what); err != nil {
				return err
			}
			return s.Mail(ctx, r.Job.Tenant, what)
		},
	}
}
