package org

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
)

func listDepartments(s *org.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[department]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[department]], error) {
		var parent *id.Department
		if r.Query.Has("parentId") {
			p := id.Department(r.Query.Get("parentId"))
			if p == "root" {
				p = ""
			}
			parent = &p
		}
		found, next, err := s.Departments(ctx, r.Who, parent, r.Page.After, r.Page.Limit)
		if err != nil {
			return nil, err
		}
		out := edge.List[department]{Items: make([]department, 0, len(found))}
		for _, d := range found {
			out.Items = append(out.Items, showDepartment(d))
		}
		if r.Page.Count {
			n, err := s.CountDepartments(ctx, r.Who, parent)
			if err != nil {
				return nil, err
			}
			out.Count = &edge.Count{Value: n, Exact: true}
		}
		return &edge.Reply[edge.List[department]]{Body: out, Next: next}, nil
	}
}
