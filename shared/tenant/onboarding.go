package tenant

import (
	"context"
	"time"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// OnboardingFailed is the status of an onboarding that was undone. Its others are TenantProvisioning and TenantActive.
const OnboardingFailed principal.TenantStatus = "failed"

// Onboarding is the record of how a tenant came to be, or failed to. It is kept for ever and holds no personal data: what the webhook said
// is sealed beside it until the saga has ended.
type Onboarding struct {
	ID         id.Onboarding          `json:"id"`
	Tenant     id.Tenant              `json:"tenantId"`
	ExternalID string                 `json:"externalId"`
	Slug       string                 `json:"slug"`
	Status     principal.TenantStatus `json:"status"`
	Step       string                 `json:"step"`            // the one that is next; active at the end; of a failed one, where it failed
	Error      string                 `json:"error,omitempty"` // code of the fault that ended it
	CreatedAt  time.Time              `json:"createdAt"`
	EndedAt    time.Time              `json:"endedAt,omitzero"`

	sealed  []byte
	version int64
}

// Onboarding reads a record now; an unknown one is NotFound not_found.
func (s *Store) Onboarding(ctx context.Context, o id.Onboarding) (Onboarding, error) {
	items, err := s.table.Get(ctx, key.Onboarding(o))
	if err != nil {
		return Onboarding{}, err
	}
	if len(items) == 0 {
		return Onboarding{}, fault.New(fault.NotFound, "not_found")
	}
	on := Onboarding{sealed: items[0].Sealed, version: items[0].Version}
	return on, decode(items[0].Doc, &on)
}

// put stages the record on the version that was read.
func (o *Onboarding) put(c *change.Set) error {
	cond := table.Absent
	if o.version > 0 {
		cond = table.VersionIs(o.version)
	}
	return put(c, table.Item{Key: key.Onboarding(o.ID), Sealed: o.sealed}, o, cond)
}
