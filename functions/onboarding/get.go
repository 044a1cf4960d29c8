package onboarding

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/tenant"
	"github.com/steward-crm/steward/shared/text"
)

// onboarding is what the sender of the webhook may know: nothing of the company or its administrator.
type onboarding struct {
	ID      id.Onboarding `json:"id"`
	Status  string        `json:"status"`            // provisioning, active or failed
	Step    string        `json:"step"`              // the one that is next; active at the end; of a failed one, where it failed
	Error   string        `json:"error,omitempty"`   // code of the fault that ended it
	Message string        `json:"message,omitempty"` // the fault in words
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
		body := onboarding{ID: on.ID, Status: string(on.Status), Step: on.Step, Error: on.Error}
		if on.Error != "" {
			body.Message = text.Say(r.Locale, on.Error, nil)
		}
		return &edge.Reply[onboarding]{Body: body}, nil
	}
}
