package roles

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/role"
)

type createBody struct {
	Name        string           `json:"name"`
	Description *string          `json:"description,omitzero"`
	Level       string           `json:"level,omitzero"`
	Grants      []role.Grant     `json:"grants,omitzero"`
	Fields      []role.FieldRule `json:"fields,omitzero"`
	CloneOf     id.Role          `json:"cloneOf,omitzero"`
}

func create(s *role.Store) func(context.Context, *edge.Request[createBody]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[createBody]) (*edge.Reply[body], error) {
		made, err := s.Create(ctx, r.Who, r.Change, role.Draft{
			Name: r.In.Name, Description: r.In.Description, Level: r.In.Level, Grants: r.In.Grants, Fields: r.In.Fields, CloneOf: r.In.CloneOf,
		})
		if err != nil {
			return nil, err
		}
		return &edge.Reply[body]{Body: show(made), Version: made.Version, Location: "/v1/roles/" + string(made.ID)}, nil
	}
}
