package onboarding

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/tenant"
)

// onboarding is what the sender of the webhook may know: nothing of the company or its administrator.
type onboarding struct {
	ID     id.Onboarding `json:"id"`
	Status string        `json:"status"`          // provisioning, active or failed
	Step   string        `json:"step"`            // the one that is next; active at the end; of a failed one, where it failed
	Error  string        `json:"error,omitempty"` // code of the fault that ended it
}

func get(s *tenant.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[onboarding], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[onboarding], error) {
		o, err := edge.PathID[id.Onboarding](r, "id")
		if err != nil {
			return nil, err
		}
		on, err := s.Onboarding(ctx, o)
		if err != nil {
			return nil, err
		}
		return &edge.Reply[onboarding]{Body: onboarding{ID: on.ID, Status: string(on.Status), Step: on.Step, Error: on.Error}}, nil
	}
}
