package permissions

import (
	"context"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

// maxNamed is how many users one rule names: an answer stays far below what the API gateway lets through.
const maxNamed = 1000

type conflict struct {
	principal.Separation
	Users int       `json:"users"` // how many hold both rights
	IDs   []id.User `json:"userIds"`
}

type conflictsBody struct {
	Items []conflict `json:"items"`
}

// conflicts reports on the organisation as it is now. Such users are there when a rule was made after they got their roles.
func conflicts(a *access.Access) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[conflictsBody], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[conflictsBody], error) {
		o, err := a.Compiled(ctx, r.Who.Org)
		if err != nil {
			return nil, err
		}
		out := conflictsBody{Items: []conflict{}}
		rules := r.Who.Org.Settings.Separation
		for i, users := range o.Conflicts(rules) {
			if len(users) > 0 {
				out.Items = append(out.Items, conflict{rules[i], len(users), users[:min(len(users), maxNamed)]})
			}
		}
		return &edge.Reply[conflictsBody]{Body: out}, nil
	}
}
