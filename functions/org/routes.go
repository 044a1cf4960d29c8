// Package org is the API of what a tenant says of itself: the company, the settings, and the departments and posts that users sit in.
package org

import (
	"net/http"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/preview"
)

// Routes are the operations of company, settings, departments and posts.
func Routes(p *platform.Platform) []edge.Route {
	a := access.New(p.Table, p.Now)
	s := org.New(p.Table, p.Crypt, a)
	placed := account.New(p.Table, p.Crypt, nil, nil) // only counted: it makes none, so it asks nobody who may own
	foretell := preview.Of(a, placed)
	tenant := func(a policy.Action) edge.Access { return edge.May(policy.ModTenant, a) }
	may := func(a policy.Action) edge.Access { return edge.May(policy.ModOrg, a) }
	const (
		departments, department = "/v1/departments", "/v1/departments/{id}"
		posts, post             = "/v1/posts", "/v1/posts/{id}"
	)
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "company.get", Method: http.MethodGet, Path: "/v1/company", Access: tenant(policy.View),
			Summary: "Reads the company that the tenant is.",
		}, getCompany(s)),
		edge.Handle(edge.Route{
			Operation: "company.set", Method: http.MethodPut, Path: "/v1/company", Access: tenant(policy.Update),
			Summary: "Replaces name, address, phone and e-mail of the company.",
		}, setCompany(s)),
		edge.Handle(edge.Route{
			Operation: "settings.get", Method: http.MethodGet, Path: "/v1/settings", Access: tenant(policy.View),
			Summary: "Reads the tenant's settings: language, region, required account fields, modules that are off, passwords, defaults of modules, separation of duty.",
		}, getSettings(s)),
		edge.Handle(edge.Route{
			Operation: "settings.update", Method: http.MethodPatch, Path: "/v1/settings", Access: tenant(policy.Update), Preview: foretell,
			Summary: "Changes the tenant's settings by a JSON merge patch. They are in force on the next request.",
		}, updateSettings(s)),
		edge.Handle(edge.Route{
			Operation: "departments.create", Method: http.MethodPost, Path: departments, Access: may(policy.Create), Status: http.StatusCreated,
			Summary: "Makes a department below another, or a root.",
		}, createDepartment(s)),
		edge.Handle(edge.Route{
			Operation: "departments.list", Method: http.MethodGet, Path: departments, Access: may(policy.View), List: true,
			Summary: "Lists departments in the order of their making.",
			Query:   []edge.Param{{Name: "parentId", Description: "Only those directly below this department; root for the roots."}},
		}, listDepartments(s)),
		edge.Handle(edge.Route{
			Operation: "departments.get", Method: http.MethodGet, Path: department, Access: may(policy.View), Summary: "Reads a department.",
		}, getDepartment(s)),
		edge.Handle(edge.Route{
			Operation: "departments.update", Method: http.MethodPatch, Path: department, Access: may(policy.Update), Preview: foretell,
			Summary: "Changes name, responsibilities and head of a department by a JSON merge patch. Its parent is changed by a move.",
		}, updateDepartment(s)),
		edge.Handle(edge.Route{
			Operation: "departments.move", Method: http.MethodPost, Path: department + "/move", Access: may(policy.Update), Preview: foretell,
			Summary: "Puts a department with all below it under another; null makes it a root.",
		}, moveDepartment(s)),
		edge.Handle(edge.Route{
			Operation: "departments.delete", Method: http.MethodDelete, Path: department, Access: may(policy.Delete), Preview: foretell,
			Summary: "Deletes a department without departments, posts, users and accounts.",
		}, deleteDepartment(s, placed)),
		edge.Handle(edge.Route{
			Operation: "posts.create", Method: http.MethodPost, Path: posts, Access: may(policy.Create), Preview: foretell, Status: http.StatusCreated,
			Summary: "Makes a post in a department. Whoever holds it has its roles.",
		}, createPost(s)),
		edge.Handle(edge.Route{
			Operation: "posts.list", Method: http.MethodGet, Path: posts, Access: may(policy.View), List: true,
			Summary: "Lists posts in the order of their making.",
			Query:   []edge.Param{{Name: "departmentId", Description: "Only posts of this department."}},
		}, listPosts(s)),
		edge.Handle(edge.Route{
			Operation: "posts.get", Method: http.MethodGet, Path: post, Access: may(policy.View), Summary: "Reads a post.",
		}, getPost(s)),
		edge.Handle(edge.Route{
			Operation: "posts.update", Method: http.MethodPatch, Path: post, Access: may(policy.Update), Preview: foretell,
			Summary: "Changes name and roles of a post by a JSON merge patch. Its department is changed by a move.",
		}, updatePost(s)),
		edge.Handle(edge.Route{
			Operation: "posts.move", Method: http.MethodPost, Path: post + "/move", Access: may(policy.Update), Preview: foretell,
			Summary: "Puts a post into another department. Its holders stay in theirs.",
		}, movePost(s)),
		edge.Handle(edge.Route{
			Operation: "posts.delete", Method: http.MethodDelete, Path: post, Access: may(policy.Delete), Preview: foretell,
			Summary: "Deletes a post that nobody holds.",
		}, deletePost(s)),
	}
}
