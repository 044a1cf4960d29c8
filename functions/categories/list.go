package categories

import (
	"context"

	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

func list(s *category.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[body]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[body]], error) {
		found, next, err := s.List(ctx, r.Who, id.Category(r.Page.After), r.Page.Limit)
		if err != nil {
			return nil, err
		}
		out := edge.List[body]{Items: make([]body, 0, len(found))}
		for _, x := range found {
			out.Items = append(out.Items, show(x))
		}
		if r.Page.Count {
			n, err := s.Count(ctx, r.Who)
			if err != nil {
				return nil, err
			}
			out.Count = &edge.Count{Value: n, Exact: true}
		}
		return &edge.Reply[edge.List[body]]{Body: out, Next: string(next)}, nil
	}
}
