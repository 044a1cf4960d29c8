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
		return edge.Listed(r, found, next, showDepartment, func() (int, error) { return s.CountDepartments(ctx, r.Who, parent) })
	}
}
