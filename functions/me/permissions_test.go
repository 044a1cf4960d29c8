package me_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/table"
)

// TestMyPermissions: what one may do, by which roles, where one sits and who reports to one; and of fields, those that are narrower.
func TestMyPermissions(t *testing.T) {
	w := signintest.New(t)
	who := w.User(t, w.Tenant, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.Department})
	report := w.User(t, w.Tenant)
	own, headed := id.New[id.Department](w.IDs), id.New[id.Department](w.IDs)
	role, post := id.New[id.Role](w.IDs), id.New[id.Post](w.IDs)
	put := func(k table.Key, doc any) {
		t.Helper()
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		w.Commit(t, table.Put(table.Item{Key: k, Doc: b}, table.Always))
	}
	put(key.Department(w.Tenant, own), access.Department{ID: own})
	put(key.Department(w.Tenant, headed), access.Department{ID: headed, Head: who.User})
	put(key.Role(w.Tenant, role), policy.Role{ID: role, Name: "Clerk", Level: policy.Standard, Version: 7, Grants: []policy.Grant{
		{Module: policy.ModAccount, Action: policy.Update, Scope: policy.Own},
	}})
	put(key.Post(w.Tenant, post), access.Post{ID: post, Department: own, Roles: []id.Role{role}})
	for _, k := range []table.Key{key.User(w.Tenant, who.User), key.Place(w.Tenant, who.User)} {
		w.Edit(t, k, func(doc map[string]any) { doc["departmentId"], doc["postIds"] = own, []id.Post{post} })
	}
	for _, k := range []table.Key{key.User(w.Tenant, report.User), key.Place(w.Tenant, report.User)} {
		w.Edit(t, k, func(doc map[string]any) { doc["managerId"] = who.User })
	}
	w.Edit(t, key.Tenant(w.Tenant), func(doc map[string]any) {
		doc["authzVer"], doc["orgVer"] = doc["authzVer"].(float64)+1, doc["orgVer"].(float64)+1
	})
	var out struct {
		RoleIDs []string       `json:"roleIds"`
		Grants  []policy.Grant `json:"grants"`
		Roles   []struct {
			Name    string    `json:"name"`
			Version int64     `json:"version"`
			Direct  bool      `json:"direct"`
			Posts   []id.Post `json:"postIds"`
		} `json:"roles"`
		Level         string               `json:"level"`
		Fields        []policy.FieldAccess `json:"fields"`
		Departments   []id.Department      `json:"departmentIds"`
		DirectReports int                  `json:"directReports"`
	}
	api := edgetest.Serve(t, w.Platform, routes(w))
	api.As(who).Get("/v1/me/permissions").Want(t, http.StatusOK, "").Read(t, &out)
	if len(out.RoleIDs) != 1 || len(out.Grants) != 2 || out.Grants[0].Scope != policy.Department || out.Level != "admin" || out.DirectReports != 1 {
		t.Errorf("permissions are %+v", out)
	}
	if !slices.Equal(out.Departments, []id.Department{own, headed}) || len(out.Roles) != 2 || !out.Roles[0].Direct || out.Roles[0].Posts != nil {
		t.Errorf("permissions are %+v", out)
	}
	if r := out.Roles[1]; r.Name != "Clerk" || r.Version != 7 || r.Direct || !slices.Equal(r.Posts, []id.Post{post}) {
		t.Errorf("the role of the post is %+v", r)
	}
	if len(out.Fields) != 2 || out.Fields[0] != (policy.FieldAccess{Module: "account", Action: "view", Field: "idNumber", Access: policy.Hidden}) {
		t.Errorf("narrowed: %+v", out.Fields)
	}
	api.As(report).Get("/v1/me/permissions").Want(t, http.StatusOK, "").Read(t, &out)
}
