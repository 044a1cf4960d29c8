package org_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/role"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// world is one tenant over the laptop's adapters, with the predefined roles and one active administrator.
type world struct {
	*edgetest.Deployment
	org      *org.Store
	users    *user.Store
	accounts *account.Accounts
	access   *access.Access
	tenant   id.Tenant
	roles    map[string]id.Role
	admin    id.User
}

func newWorld(t testing.TB) *world {
	t.Helper()
	d := edgetest.Deploy(t)
	w := &world{Deployment: d, access: access.New(d.Table, d.Now)}
	w.org = org.New(d.Table, d.Crypt, w.access)
	w.accounts = account.New(d.Table, d.Crypt, w.access, nil)
	w.users = user.New(d.Table, d.Crypt, w.access, job.New(d.Table, d.IDs, d.Now))
	w.tenant = d.Tenant(t)
	must(t, w.system(t.Context(), func(c *change.Set) (err error) {
		w.roles, err = role.New(w.Table, w.access, w.Crypt).StagePredefined(t.Context(), c, w.tenant)
		return err
	}))
	w.admin = w.active(t, "Ada", w.roles["administrator"])
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) system(ctx context.Context, stage func(*change.Set) error) error {
	return change.Run(ctx, w.Table, principal.System(w.tenant, "test.system", w.Now()), w.IDs, w.Now, stage)
}

func (w *world) row(t testing.TB) (principal.Tenant, int64) {
	t.Helper()
	items, err := w.Table.Get(t.Context(), key.Tenant(w.tenant))
	must(t, err)
	var row principal.Tenant
	must(t, json.Unmarshal(items[0].Doc, &row))
	return row, items[0].Version
}

// active makes an active user with the roles.
func (w *world) active(t testing.TB, name string, roles ...id.Role) id.User {
	t.Helper()
	var u user.User
	must(t, w.system(t.Context(), func(c *change.Set) (err error) {
		row, version := w.row(t)
		u, err = w.users.Invite(t.Context(), c, row, version, user.Draft{Name: name, Email: string(id.New[id.User](w.IDs)) + "@acme.example", Roles: roles})
		return err
	}))
	must(t, w.system(t.Context(), func(c *change.Set) error {
		_, err := w.users.Activate(t.Context(), c, w.tenant, u.ID)
		return err
	}))
	return u.ID
}

func (w *world) subject(ctx context.Context, u id.User) (*policy.Subject, error) {
	at := w.Now().Add(time.Hour)
	return w.access.Subject(ctx,
		identity.Claims{Name: identity.NameOf(w.tenant, u), Session: "s", AuthTime: at, IssuedAt: at},
		principal.Principal{Locale: "en", RequestID: "req_test", Operation: "org.test", At: w.Now()})
}

// try runs an operation as edge does: the subject is loaded afresh each time a premise moved.
func (w *world) try(ctx context.Context, u id.User, stage func(*policy.Subject, *change.Set) error) error {
	for range 50 {
		who, err := w.subject(ctx, u)
		if err != nil {
			return err
		}
		c := change.New(who.Principal, w.IDs, w.Now())
		if err := stage(who, c); err != nil {
			return err
		}
		if err := c.Commit(ctx, w.Table); !errors.Is(err, change.ErrMoved) {
			return err
		}
	}
	return errors.New("never came to rest")
}

func (w *world) createDepartment(t testing.TB, parent id.Department, name string) (d org.Department, err error) {
	t.Helper()
	err = w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
		d, err = w.org.CreateDepartment(t.Context(), who, c, parent, org.DepartmentPatch{Name: patch.Of(name)})
		return err
	})
	return d, err
}

func (w *world) department(t testing.TB, parent id.Department, name string) id.Department {
	t.Helper()
	d, err := w.createDepartment(t, parent, name)
	must(t, err)
	return d.ID
}

func (w *world) move(t testing.TB, d, parent id.Department) error {
	t.Helper()
	return w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
		_, err := w.org.MoveDepartment(t.Context(), who, c, d, 0, parent)
		return err
	})
}

func (w *world) updateDepartment(t testing.TB, d id.Department, p org.DepartmentPatch) error {
	t.Helper()
	return w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
		_, err := w.org.UpdateDepartment(t.Context(), who, c, d, 0, p)
		return err
	})
}

func (w *world) deleteDepartment(t testing.TB, d id.Department) error {
	t.Helper()
	return w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
		return w.org.DeleteDepartment(t.Context(), who, c, d, 0, w.accounts)
	})
}

func (w *world) createPost(t testing.TB, by id.User, d id.Department, name string, roles ...id.Role) (p org.Post, err error) {
	t.Helper()
	err = w.try(t.Context(), by, func(who *policy.Subject, c *change.Set) error {
		p, err = w.org.CreatePost(t.Context(), who, c, d, org.PostPatch{Name: patch.Of(name), Roles: patch.Of(roles)})
		return err
	})
	return p, err
}

func (w *world) updatePost(t testing.TB, by id.User, p id.Post, x org.PostPatch) error {
	t.Helper()
	return w.try(t.Context(), by, func(who *policy.Subject, c *change.Set) error {
		_, err := w.org.UpdatePost(t.Context(), who, c, p, 0, x)
		return err
	})
}

func (w *world) updateUser(t testing.TB, u id.User, p user.Patch) error {
	t.Helper()
	return w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
		_, err := w.users.Update(t.Context(), who, c, u, 0, p)
		return err
	})
}

// role makes a role with the grants.
func (w *world) role(t testing.TB, grants ...policy.Grant) id.Role {
	t.Helper()
	r := policy.Role{ID: id.New[id.Role](w.IDs), Level: policy.Admin, Grants: grants, Version: 1}
	b, err := json.Marshal(r)
	must(t, err)
	row, version := w.row(t)
	c := change.New(principal.System(w.tenant, "test.setup", w.Now()), w.IDs, w.Now())
	must(t, access.Raise(c, row, version, func(r *principal.Tenant) { r.AuthzVer++ }))
	c.Put(table.Item{Key: key.Role(w.tenant, r.ID), Doc: b}, table.Always, nil)
	writes, err := c.Writes()
	must(t, err)
	w.Commit(t, writes...)
	return r.ID
}

// sound holds that the stored departments are a tree with different names among siblings, and that every reference leads somewhere.
func (w *world) sound(t testing.TB) {
	t.Helper()
	who, err := w.subject(t.Context(), w.admin)
	must(t, err)
	list, _, err := w.org.Departments(t.Context(), who, nil, "", org.MaxDepartments)
	must(t, err)
	all, names := map[id.Department]org.Department{}, map[string]bool{}
	for _, d := range list {
		all[d.ID] = d
		at := string(d.Parent) + "/" + d.Name
		if names[at] {
			t.Fatalf("two departments are called %s", at)
		}
		names[at] = true
	}
	for _, d := range list {
		n := 0
		for up := d.ID; up != ""; up = all[up].Parent {
			if _, ok := all[up]; !ok {
				t.Fatalf("a department stands below one that is gone")
			}
			if n++; n > org.MaxDepth {
				t.Fatal("a cycle, or too deep a tree")
			}
		}
	}
	o, err := w.access.Organisation(t.Context(), w.tenant)
	must(t, err)
	for _, p := range o.Posts {
		if _, ok := all[p.Department]; !ok {
			t.Fatal("a post stands in a department that is gone")
		}
	}
	for _, p := range o.Places {
		if _, ok := all[p.Department]; p.Department != "" && !ok {
			t.Fatal("a user sits in a department that is gone")
		}
		for _, post := range p.Posts {
			if _, ok := o.Posts[post]; !ok {
				t.Fatal("a user holds a post that is gone")
			}
		}
	}
	if len(o.Admins()) == 0 {
		t.Fatal("no active administrator is left")
	}
}
