package roles

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/role"
)

type templatesBody struct {
	Items []body `json:"items"`
}

func templates(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[templatesBody], error) {
	all := role.Templates()
	out := templatesBody{Items: make([]body, 0, len(all))}
	for _, t := range all {
		out.Items = append(out.Items, show(policy.Role{
			Name: t.Title(r.Locale), Description: t.Description(r.Locale), Level: t.Level, Template: t.Name, Predefined: true,
			Grants: t.Grants, Fields: t.Fields,
		}))
	}
	return &edge.Reply[templatesBody]{Body: out}, nil
}
