package user_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/password"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/role"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// world is one tenant over the laptop's adapters, with the predefined roles and one active administrator.
type world struct {
	*edgetest.Deployment
	users  *user.Store
	desk   *user.Desk
	jobs   *job.Store
	access *access.Access
	tenant id.Tenant
	roles  map[string]id.Role // predefined, by template
	admin  id.User
}

func newWorld(t testing.TB, edits ...func(*principal.Tenant)) *world {
	t.Helper()
	d := edgetest.Deploy(t)
	w := &world{Deployment: d, access: access.New(d.Table, d.Now), jobs: job.New(d.Table, d.IDs, d.Now)}
	w.users = user.New(d.Table, d.Crypt, w.access, w.jobs)
	w.desk = user.NewDesk(w.users, d.Identity, password.Temporary)
	w.tenant = d.Tenant(t, edits...)
	must(t, w.system(t.Context(), func(c *change.Set) (err error) {
		w.roles, err = role.New(w.Table, w.access, w.Crypt).StagePredefined(t.Context(), c, w.tenant)
		return err
	}))
	w.admin = w.invite(t, user.Draft{Name: "Ada Admin", Email: "ada@acme.example", Roles: []id.Role{w.roles["administrator"]}})
	w.activate(t, w.admin)
	w.lose(t) // the administrator has no identity: a test that needs one makes it
	return w
}

// worker runs the jobs of users over the parts that the edits leave.
func (w *world) worker(edits ...func(*platform.Platform)) *job.Worker {
	p := *w.Platform
	for _, e := range edits {
		e(&p)
	}
	k := job.NewWorker(w.jobs, nil, p.Log)
	k.HandleAll(users.Runners(&p), users.MailRunners(&p))
	return k
}

// work runs the jobs that are due, and those that they hand over to.
func (w *world) work(t testing.TB) {
	t.Helper()
	_, err := w.worker().RunDue(t.Context())
	must(t, err)
}

// start begins a job and runs what is due.
func (w *world) start(t testing.TB, kind string, payload any) {
	t.Helper()
	must(t, w.jobs.Start(t.Context(), w.tenant, kind, payload))
	w.work(t)
}

// lose takes away every job that waits.
func (w *world) lose(t testing.TB) {
	t.Helper()
	must(t, w.jobs.EachDue(t.Context(), func(j job.Job) error {
		w.Commit(t, table.Delete(key.Job(j.Tenant, j.ID), table.Present))
		return nil
	}))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// system commits a change that nobody's request carries.
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

// invite makes a user past every question of rights.
func (w *world) invite(t testing.TB, d user.Draft) id.User {
	t.Helper()
	var u user.User
	must(t, w.system(t.Context(), func(c *change.Set) (err error) {
		row, version := w.row(t)
		u, err = w.users.Invite(t.Context(), c, row, version, d)
		return err
	}))
	return u.ID
}

func (w *world) activate(t testing.TB, u id.User) {
	t.Helper()
	must(t, w.system(t.Context(), func(c *change.Set) error {
		_, err := w.users.Activate(t.Context(), c, w.tenant, u)
		return err
	}))
}

// active makes an active user with the roles, whose address follows from the name.
func (w *world) active(t testing.TB, name string, edits ...func(*user.Draft)) id.User {
	t.Helper()
	d := user.Draft{Name: name, Email: strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@acme.example"}
	for _, e := range edits {
		e(&d)
	}
	u := w.invite(t, d)
	w.activate(t, u)
	return u
}

func with(roles ...id.Role) func(*user.Draft) { return func(d *user.Draft) { d.Roles = roles } }

// subject loads who asks, as edge does.
func (w *world) subject(ctx context.Context, u id.User, operation string) (*policy.Subject, error) {
	at := w.Now().Add(time.Hour) // later than any end of sessions
	return w.access.Subject(ctx,
		identity.Claims{Name: identity.NameOf(w.tenant, u), Session: "s", AuthTime: at, IssuedAt: at},
		principal.Principal{Locale: "en", RequestID: "req_test", Operation: operation, At: w.Now()})
}

func (w *world) as(t testing.TB, u id.User) *policy.Subject {
	t.Helper()
	s, err := w.subject(t.Context(), u, "users.test")
	must(t, err)
	return s
}

// try runs an operation as edge does: the subject is loaded afresh each time a premise moved.
func (w *world) try(ctx context.Context, u id.User, stage func(*policy.Subject, *change.Set) error) error {
	for range 50 {
		who, err := w.subject(ctx, u, "users.test")
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

func (w *world) load(t testing.TB, u id.User) user.User {
	t.Helper()
	x, err := w.users.Load(t.Context(), w.tenant, u)
	must(t, err)
	return x
}

func (w *world) update(ctx context.Context, by, u id.User, p user.Patch) error {
	return w.try(ctx, by, func(who *policy.Subject, c *change.Set) error {
		_, err := w.users.Update(ctx, who, c, u, 0, p)
		return err
	})
}

func (w *world) setRoles(ctx context.Context, by, u id.User, roles ...id.Role) error {
	return w.try(ctx, by, func(who *policy.Subject, c *change.Set) error {
		_, err := w.users.SetRoles(ctx, who, c, u, 0, roles)
		return err
	})
}

type act func(context.Context, *policy.Subject, *change.Set, id.User, int64) (user.User, error)

func (w *world) act(ctx context.Context, do act, by, u id.User) error {
	return w.try(ctx, by, func(who *policy.Subject, c *change.Set) error {
		_, err := do(ctx, who, c, u, 0)
		return err
	})
}

func (w *world) delete(ctx context.Context, by, u id.User) error {
	return w.try(ctx, by, func(who *policy.Subject, c *change.Set) error {
		return w.users.Delete(ctx, who, c, u, 0, owns(0))
	})
}

// owns is a made-up count of owned accounts.
type owns int

func (n owns) CountOwned(context.Context, id.Tenant, id.User) (int, error) { return int(n), nil }

// role makes a role with the grants.
func (w *world) role(t testing.TB, grants ...policy.Grant) id.Role {
	t.Helper()
	r := policy.Role{ID: id.New[id.Role](w.IDs), Level: policy.Admin, Grants: grants, Version: 1}
	r.Name = string(r.ID)
	w.raise(t, w.item(t, key.Role(w.tenant, r.ID), r))
	return r.ID
}

func (w *world) roleWith(t testing.TB, edit func(*policy.Role)) id.Role {
	t.Helper()
	r := policy.Role{ID: id.New[id.Role](w.IDs), Level: policy.Standard, Version: 1}
	r.Name = string(r.ID)
	edit(&r)
	w.raise(t, w.item(t, key.Role(w.tenant, r.ID), r))
	return r.ID
}

func grant(m policy.Module, a policy.Action, s policy.Scope) policy.Grant {
	return policy.Grant{Module: m, Action: a, Scope: s}
}

func (w *world) department(t testing.TB, parent id.Department) id.Department {
	t.Helper()
	d := access.Department{ID: id.New[id.Department](w.IDs), Parent: parent}
	w.raise(t, w.item(t, key.Department(w.tenant, d.ID), d))
	return d.ID
}

func (w *world) post(t testing.TB, d id.Department, roles ...id.Role) id.Post {
	t.Helper()
	p := access.Post{ID: id.New[id.Post](w.IDs), Department: d, Roles: roles}
	w.raise(t, w.item(t, key.Post(w.tenant, p.ID), p))
	return p.ID
}

func (w *world) item(t testing.TB, k table.Key, doc any) table.Write {
	t.Helper()
	b, err := json.Marshal(doc)
	must(t, err)
	return table.Put(table.Item{Key: k, Doc: b}, table.Always)
}

// raise commits rows of the organisation as their own noun would: with the tenant's row.
func (w *world) raise(t testing.TB, writes ...table.Write) {
	t.Helper()
	row, version := w.row(t)
	c := change.New(principal.System(w.tenant, "test.setup", w.Now()), w.IDs, w.Now())
	must(t, access.Raise(c, row, version, func(r *principal.Tenant) { r.OrgVer, r.AuthzVer = r.OrgVer+1, r.AuthzVer+1 }))
	for _, x := range writes {
		c.Put(x.Item, x.If, nil)
	}
	mine, err := c.Writes()
	must(t, err)
	w.Commit(t, mine...)
}

// events counts the tenant's audit events.
func (w *world) events(t testing.TB) int {
	t.Helper()
	n := 0
	for it, err := range w.Table.Scan(t.Context(), 0, 1) {
		must(t, err)
		if strings.Contains(it.PK, "#AU#") {
			n++
		}
	}
	return n
}

// sound holds the invariants of users on what is stored now: places and rows are one, guards and users are a bijection, edges and direct
// roles too, the tenant's count is right, managers make no cycle, an administrator is active.
func (w *world) sound(t testing.TB) {
	t.Helper()
	users, places, guards, edges := map[id.User]principal.Standing{}, map[id.User]principal.Place{}, map[id.User]int{}, map[string]bool{}
	for it, err := range w.Table.Scan(t.Context(), 0, 1) {
		must(t, err)
		if owner, ok := key.TenantOf(it.PK); ok && owner != w.tenant {
			t.Fatalf("an item of another tenant: %s", it.PK)
		}
		switch {
		case it.SK == "USER":
			var s principal.Standing
			must(t, json.Unmarshal(it.Doc, &s))
			users[s.User] = s
		case it.PK == key.Organisation(w.tenant) && strings.HasPrefix(it.SK, key.PlacePrefix):
			var p principal.Place
			must(t, json.Unmarshal(it.Doc, &p))
			places[p.User] = p
		case strings.Contains(it.PK, "#UQ#email#"):
			guards[w.holder(t, it)]++
		case strings.Contains(it.PK, "#RM#"):
			edges[it.PK+string(w.holder(t, it))] = true
		}
	}
	count, admins, wantEdges := 0, 0, 0
	for u, s := range users {
		if s.Status == principal.UserDeleted {
			if _, ok := places[u]; ok || guards[u] != 0 {
				t.Fatalf("%s is deleted and still has a place or an address", u)
			}
			continue
		}
		count++
		if !equalPlace(s.Place, places[u]) || s.Active != (s.Status == principal.UserActive) {
			t.Fatalf("%s: the place %+v is not the row's %+v", u, places[u], s.Place)
		}
		if guards[u] != 1 {
			t.Fatalf("%s has %d e-mail guards", u, guards[u])
		}
		x := w.load(t, u)
		if found, err := w.users.ByEmail(t.Context(), w.tenant, mail(string(x.Email))); err != nil || found.ID != u {
			t.Fatalf("%s is not found by their address: %v", u, err)
		}
		for _, r := range s.Roles {
			wantEdges++
			if !edges[key.RoleMembers(w.tenant, r)+string(u)] {
				t.Fatalf("%s holds %s without an edge", u, r)
			}
		}
		if s.Active && slices.Contains(s.Roles, w.roles["administrator"]) {
			admins++
		}
		for up, seen := s.Manager, map[id.User]bool{}; up != ""; up = places[up].Manager {
			if up == u || seen[up] {
				t.Fatalf("%s reports to themself", u)
			}
			seen[up] = true
		}
	}
	if len(places) != count || len(guards) != count || len(edges) != wantEdges {
		t.Fatalf("%d users, %d places, %d guards, %d edges for %d roles", count, len(places), len(guards), len(edges), wantEdges)
	}
	if row, _ := w.row(t); row.Users != count {
		t.Fatalf("the tenant counts %d users of %d", row.Users, count)
	}
	if admins == 0 {
		t.Fatal("no active administrator is left")
	}
}

func equalPlace(a, b principal.Place) bool {
	return a.User == b.User && a.Department == b.Department && a.Manager == b.Manager && a.Active == b.Active && a.Moved == b.Moved &&
		slices.Equal(a.Posts, b.Posts) && slices.Equal(a.Roles, b.Roles)
}

func (w *world) holder(t testing.TB, it table.Item) id.User {
	t.Helper()
	var h struct {
		User id.User `json:"userId"`
	}
	must(t, json.Unmarshal(it.Doc, &h))
	return h.User
}

func mail(s string) email.Address {
	a, err := email.Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

func given[T any](v T) patch.Field[T] { return patch.Of(v) }

func none[T any]() patch.Field[T] { return patch.Field[T]{Set: true, Null: true} }
