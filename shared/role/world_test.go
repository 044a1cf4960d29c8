package role_test

import (
	"context"
	"errors"
	"testing"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/role"
	"github.com/steward-crm/steward/shared/table"
)

// world is a tenant with its predefined roles and an administrator.
type world struct {
	*testing.T
	*edgetest.Deployment
	access *access.Access
	roles  *role.Store
	tenant id.Tenant
	have   map[string]id.Role // template → predefined role
	admin  id.User
}

func newWorld(t *testing.T, edits ...func(*principal.Tenant)) *world {
	w := &world{T: t, Deployment: edgetest.Deploy(t)}
	w.access = access.New(w.Platform.Table, w.Now)
	w.roles = role.New(w.Platform.Table, w.access, w.Crypt)
	w.tenant = w.Deployment.Tenant(t, edits...)
	w.have = w.predefine()
	w.admin = w.holder("administrator")
	return w
}

func (w *world) predefine() map[string]id.Role {
	w.Helper()
	var have map[string]id.Role
	w.run(func(c *change.Set) (err error) {
		have, err = w.roles.StagePredefined(w.Context(), c, w.tenant)
		return err
	})
	return have
}

// run commits what is staged by the system.
func (w *world) run(stage func(*change.Set) error) {
	w.Helper()
	who := principal.System(w.tenant, "test", w.Now())
	if err := change.Run(w.Context(), w.Platform.Table, who, w.IDs, w.Now, stage); err != nil {
		w.Fatal(err)
	}
}

// holder is a new active user who holds the predefined roles.
func (w *world) holder(templates ...string) id.User {
	w.Helper()
	who := w.User(w.T, w.tenant)
	for _, t := range templates {
		w.give(who.User, w.have[t])
	}
	return who.User
}

// give adds a role to the user, as the user noun would.
func (w *world) give(u id.User, r id.Role) {
	w.Helper()
	add := func(doc map[string]any) {
		list, _ := doc["roleIds"].([]any)
		doc["roleIds"] = append(list, string(r))
	}
	w.Edit(w.T, key.User(w.tenant, u), add)
	w.Edit(w.T, key.Place(w.tenant, u), add)
	w.raise()
}

// raise has the next request see what was written past the nouns.
func (w *world) raise() {
	w.Helper()
	w.Edit(w.T, key.Tenant(w.tenant), func(doc map[string]any) { doc["orgVer"] = doc["orgVer"].(float64) + 1 })
}

// post adds a post that gives the role.
func (w *world) post(r id.Role) {
	w.Helper()
	p := id.New[id.Post](w.IDs)
	doc := []byte(`{"id":"` + string(p) + `","departmentId":"","roleIds":["` + string(r) + `"]}`)
	w.Commit(w.T, table.Put(table.Item{Key: key.Post(w.tenant, p), Doc: doc}, table.Absent))
	w.raise()
}

func (w *world) subject(u id.User) *policy.Subject {
	w.Helper()
	c := identity.Claims{Name: identity.NameOf(w.tenant, u), Session: "s", AuthTime: w.Now()}
	s, err := w.access.Subject(w.Context(), c, principal.Principal{Locale: "en", Operation: "roles.test", At: w.Now()})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// as runs an operation of the user as edge does: a fresh subject and a fresh set each time, until the premises hold still.
func (w *world) as(u id.User, op func(context.Context, *policy.Subject, *change.Set) error) error {
	w.Helper()
	for range 5 {
		who := w.subject(u)
		c := change.New(who.Principal, w.IDs, w.Now())
		err := op(w.Context(), who, c)
		if err == nil {
			err = c.Commit(w.Context(), w.Platform.Table)
		}
		if !errors.Is(err, change.ErrMoved) {
			return err
		}
	}
	return change.ErrMoved
}

func (w *world) create(u id.User, d role.Draft) (made policy.Role, err error) {
	w.Helper()
	err = w.as(u, func(ctx context.Context, who *policy.Subject, c *change.Set) (err error) {
		made, err = w.roles.Create(ctx, who, c, d)
		return err
	})
	return made, err
}

func (w *world) update(u id.User, r id.Role, match int64, p role.Patch) (after policy.Role, err error) {
	w.Helper()
	err = w.as(u, func(ctx context.Context, who *policy.Subject, c *change.Set) (err error) {
		after, err = w.roles.Update(ctx, who, c, r, match, p)
		return err
	})
	return after, err
}

func (w *world) remove(u id.User, r id.Role, match int64) error {
	w.Helper()
	return w.as(u, func(ctx context.Context, who *policy.Subject, c *change.Set) error {
		return w.roles.Delete(ctx, who, c, r, match)
	})
}

func (w *world) made(u id.User, d role.Draft) policy.Role {
	w.Helper()
	r, err := w.create(u, d)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// dump is the store as text: equal dumps are equal stores.
func (w *world) dump() string { w.Helper(); return edgetest.Dump(w.T, w.Platform.Table) }
