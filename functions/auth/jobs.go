package auth

import (
	"context"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/signin"
)

// Runners are the jobs that send codes, by kind. They ask the identity provider nothing.
func Runners(p *platform.Platform) map[string]job.Runner {
	d := desk(p)
	return map[string]job.Runner{
		signin.JobReset: func(ctx context.Context, r *job.Run) error {
			var what signin.ResetPayload
			var state signin.ResetState
			if err := r.Read(&what, &state); err != nil {
				return err
			}
			return d.SendReset(ctx, r.Job.ID, what, state, func(ctx context.Context, state any, stage func(*change.Set) error) error {
				return r.Step(ctx, state, job.Progress{}, stage)
			})
		},
		signin.JobVerify: func(ctx context.Context, r *job.Run) error {
			var what signin.VerifyPayload
			if err := r.Payload(&what); err != nil {
				return err
			}
			return d.SendCode(ctx, r.Job.Tenant, r.Job.ID, what)
		},
	}
}
