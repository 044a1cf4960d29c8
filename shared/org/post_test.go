package org_test

import (
	"errors"
	"testing"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/user"
)

// TestPosts holds O03: a post stands in a department, its roles are its holders' on their next request, and it goes when nobody holds it.
func TestPosts(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	sales, east := w.department(t, "", "Sales"), w.department(t, "", "East")
	export := policy.Grant{Module: policy.ModAccount, Action: policy.Export, Scope: policy.All}
	r := w.role(t, export)
	p, err := w.createPost(t, w.admin, sales, "Rep", r, r)
	must(t, err)
	if len(p.Roles) != 1 {
		t.Errorf("the roles are %v", p.Roles)
	}
	u := w.active(t, "U")
	must(t, w.updateUser(t, u, user.Patch{Posts: patch.Of([]id.Post{p.ID})}))
	may := func() policy.Scope {
		who, err := w.subject(ctx, u)
		must(t, err)
		return policy.May(who, policy.ModAccount, policy.Export)
	}
	if may() != policy.All {
		t.Error("the post's role is not in force")
	}
	must(t, w.updatePost(t, w.admin, p.ID, org.PostPatch{Roles: patch.Of([]id.Role{})}))
	if may() != policy.None {
		t.Error("a role that was taken off the post is still in force")
	}
	edgetest.Refused(t, w.deletePost(t, p.ID), "post_in_use")
	move := func(to id.Department) error {
		return w.try(ctx, w.admin, func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.MovePost(ctx, who, c, p.ID, 0, to)
			return err
		})
	}
	must(t, move(east))
	edgetest.Unchanged(t, w.Table, func() { must(t, move(east)) })
	edgetest.Field(t, move("dept_none"), "/departmentId", "unknown_department")
	edgetest.Field(t, move(""), "/departmentId", "required")
	if x, err := w.users.Load(ctx, w.tenant, u); err != nil || x.Department != "" {
		t.Error("a post that moves takes its holders along")
	}
	must(t, w.updateUser(t, u, user.Patch{Posts: patch.Of([]id.Post{})}))
	// Between judging and commit somebody takes the post up.
	who, err := w.subject(ctx, w.admin)
	must(t, err)
	c := change.New(who.Principal, w.IDs, w.Now())
	must(t, w.org.DeletePost(ctx, who, c, p.ID, 0))
	must(t, w.updateUser(t, u, user.Patch{Posts: patch.Of([]id.Post{p.ID})}))
	if err := c.Commit(ctx, w.Table); !errors.Is(err, change.ErrMoved) {
		t.Fatalf("a post was deleted that somebody holds: %v", err)
	}
	must(t, w.updateUser(t, u, user.Patch{Posts: patch.Of([]id.Post{})}))
	must(t, w.deletePost(t, p.ID))
	w.sound(t)
}

func TestPostFields(t *testing.T) {
	w := newWorld(t)
	sales, east := w.department(t, "", "Sales"), w.department(t, "", "East")
	p, err := w.createPost(t, w.admin, sales, "Rep")
	must(t, err)
	_, err = w.createPost(t, w.admin, east, "Rep")
	must(t, err) // another department
	edgetest.Unchanged(t, w.Table, func() {
		_, err := w.createPost(t, w.admin, "dept_none", " ", w.roles["power_user"], "role_none")
		edgetest.Field(t, err, "/departmentId", "unknown_department")
		edgetest.Field(t, err, "/name", "required")
		edgetest.Field(t, err, "/roleIds/1", "unknown_role")
		_, err = w.createPost(t, w.admin, sales, "ｒｅｐ")
		edgetest.Refused(t, err, "post_name_taken")
		many := make([]id.Role, org.MaxRoles+1)
		for i := range many {
			many[i] = id.New[id.Role](w.IDs)
		}
		_, err = w.createPost(t, w.admin, sales, "Many", many...)
		edgetest.Field(t, err, "/roleIds", "too_many")
		must(t, w.updatePost(t, w.admin, p.ID, org.PostPatch{Name: patch.Of("Rep"), Roles: patch.Field[[]id.Role]{Set: true, Null: true}}))
		edgetest.Refused(t, w.updatePost(t, w.admin, "post_none", org.PostPatch{Name: patch.Of("X")}), "not_found")
		err = w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.UpdatePost(t.Context(), who, c, p.ID, 7, org.PostPatch{Name: patch.Of("X")})
			return err
		})
		edgetest.Refused(t, err, "version_conflict")
		err = w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.MovePost(t.Context(), who, c, p.ID, 0, east)
			return err
		})
		edgetest.Refused(t, err, "post_name_taken")
	})
}

// TestPostGrants holds I8 for posts: nobody puts a role on a post that they do not hold, also not on their own.
func TestPostGrants(t *testing.T) {
	w := newWorld(t)
	d := w.department(t, "", "Sales")
	var edit []policy.Grant
	for _, a := range []policy.Action{policy.View, policy.Create, policy.Update} {
		edit = append(edit, policy.Grant{Module: policy.ModOrg, Action: a, Scope: policy.All})
	}
	by := w.active(t, "Ed", w.role(t, edit...))
	same, wider := w.role(t, edit[0]), w.role(t, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All})
	p, err := w.createPost(t, by, d, "Clerk", same)
	must(t, err)
	must(t, w.updateUser(t, by, user.Patch{Posts: patch.Of([]id.Post{p.ID})}))
	edgetest.Unchanged(t, w.Table, func() {
		_, err := w.createPost(t, by, d, "Boss", wider)
		edgetest.Refused(t, err, "grant_exceeds_own")
		edgetest.Refused(t, w.updatePost(t, by, p.ID, org.PostPatch{Roles: patch.Of([]id.Role{same, wider})}), "grant_exceeds_own")
	})
	must(t, w.updatePost(t, w.admin, p.ID, org.PostPatch{Roles: patch.Of([]id.Role{same, wider})}))
	must(t, w.updatePost(t, by, p.ID, org.PostPatch{Roles: patch.Of([]id.Role{same})})) // taking away
}

// TestLastAdministratorByPost holds I12 where the administrator's role comes with a post.
func TestLastAdministratorByPost(t *testing.T) {
	w := newWorld(t)
	d := w.department(t, "", "Office")
	p, err := w.createPost(t, w.admin, d, "Head", w.roles["administrator"])
	must(t, err)
	second := w.active(t, "Bo")
	must(t, w.updateUser(t, second, user.Patch{Posts: patch.Of([]id.Post{p.ID})}))
	must(t, w.try(t.Context(), second, func(who *policy.Subject, c *change.Set) error {
		_, err := w.users.SetRoles(t.Context(), who, c, w.admin, 0, nil)
		return err
	}))
	edgetest.Unchanged(t, w.Table, func() {
		edgetest.Refused(t, w.updatePost(t, second, p.ID, org.PostPatch{Roles: patch.Of([]id.Role{})}), "last_admin")
	})
	w.admin = second
	must(t, w.updatePost(t, second, p.ID, org.PostPatch{Name: patch.Of("Head of Office")}))
	w.sound(t)
}
