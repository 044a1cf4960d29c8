package role

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// StagePredefined stages those predefined roles that the tenant does not have yet, named in the tenant's locale, and answers the ids of all
// of them by template. Doing it again stages nothing; of two at the same time one finds its premise moved. It is a step of
// onboarding: the tenant's row and key must be committed, and the row is left alone, because no snapshot of roles is taken
// before the tenant is active.
func (s *Store) StagePredefined(ctx context.Context, c *change.Set, t id.Tenant) (map[string]id.Role, error) {
	items, err := s.table.Get(ctx, key.Tenant(t))
	if err != nil {
		return nil, err
	}
	var row principal.Tenant
	if len(items) == 0 {
		return nil, fault.New(fault.NotFound, "not_found")
	}
	if err := json.Unmarshal(items[0].Doc, &row); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	o, err := s.access.Organisation(ctx, t)
	if err != nil {
		return nil, err
	}
	have := map[string]id.Role{}
	for _, r := range o.Roles {
		if r.Predefined {
			have[r.Template] = r.ID
		}
	}
	for _, tpl := range Templates() {
		if have[tpl.Name] != "" {
			continue
		}
		r := policy.Role{
			ID:          id.New[id.Role](c.IDs()),
			Name:        tpl.Title(row.Settings.Locale),
			Description: tpl.Description(row.Settings.Locale),
			Level:       tpl.Level,
			Template:    tpl.Name,
			Predefined:  true,
			Grants:      tpl.Grants,
			Fields:      tpl.Fields,
		}
		have[tpl.Name] = r.ID
		if r, err = put(c, t, r); err != nil {
			return nil, err
		}
		if err := holdName(c, t, r, nil); err != nil {
			return nil, err
		}
		if err := s.record(ctx, c, t, r.ID, changed(policy.Role{}, r), nil, &r); err != nil {
			return nil, err
		}
	}
	return have, nil
}
