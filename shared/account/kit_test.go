package account_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// world is one tenant with a made-up organisation. Its subjects are compiled here, so that a test says exactly what each may do.
type world struct {
	*edgetest.Deployment
	accounts *account.Accounts
	access   *access.Access
	row      principal.Tenant
	places   map[id.User]principal.Place
	parents  map[id.Department]id.Department
}

func newWorld(t testing.TB, edits ...func(*principal.Tenant)) *world {
	t.Helper()
	return worldOn(t, edgetest.Deploy(t), edits...)
}

func worldOn(t testing.TB, d *edgetest.Deployment, edits ...func(*principal.Tenant)) *world {
	t.Helper()
	w := &world{Deployment: d, places: map[id.User]principal.Place{}, parents: map[id.Department]id.Department{}}
	tenant := d.Tenant(t, edits...)
	items, err := d.Table.Get(t.Context(), key.Tenant(tenant))
	must(t, err)
	must(t, json.Unmarshal(items[0].Doc, &w.row))
	w.access = access.New(d.Table, d.Now)
	w.accounts = account.New(d.Table, d.Crypt, w.access, user.New(d.Table, d.Crypt, w.access, nil))
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) department(t testing.TB, parent id.Department) id.Department {
	t.Helper()
	d := id.New[id.Department](w.IDs)
	w.parents[d] = parent
	w.Commit(t, table.Put(item(t, key.Department(w.row.ID, d), access.Department{ID: d, Parent: parent}), table.Absent))
	return d
}

// user makes a user of the status in the department, who reports to the manager.
func (w *world) user(t testing.TB, status principal.UserStatus, dept id.Department, manager id.User) id.User {
	t.Helper()
	u := id.New[id.User](w.IDs)
	p := principal.Place{User: u, Department: dept, Manager: manager, Active: status == principal.UserActive}
	w.places[u] = p
	w.Commit(t,
		table.Put(item(t, key.User(w.row.ID, u), standing{principal.Standing{Place: p, Status: status}, w.row.ID}), table.Absent),
		table.Put(item(t, key.Place(w.row.ID, u), p), table.Absent))
	return u
}

// standing is a user's document, as far as anybody here reads it.
type standing struct {
	principal.Standing
	Tenant id.Tenant `json:"tenantId"`
}

func (w *world) setStatus(t testing.TB, u id.User, s principal.UserStatus) {
	t.Helper()
	w.Edit(t, key.User(w.row.ID, u), func(doc map[string]any) { doc["status"] = string(s) })
}

func item(t testing.TB, k table.Key, doc any) table.Item {
	t.Helper()
	b, err := json.Marshal(doc)
	must(t, err)
	return table.Item{Key: k, Doc: b}
}

// everything grants all that accounts and contacts know, in the scope.
func everything(s policy.Scope) policy.Role {
	r := policy.Role{ID: "role", Level: policy.Admin}
	for _, m := range []policy.Module{policy.ModAccount, policy.ModContact} {
		for _, a := range policy.Actions {
			if policy.Declared(m, a) {
				r.Grants = append(r.Grants, policy.Grant{Module: m, Action: a, Scope: s})
			}
		}
		r.Fields = append(r.Fields, policy.FieldRule{Module: m, Field: "idNumber", Access: policy.Edit})
	}
	return r
}

// as gives the subject of a user with the role.
func (w *world) as(u id.User, r policy.Role) *policy.Subject {
	at := policy.Chart{User: u, Reports: w.reports(u), Department: w.places[u].Department}
	at.Below, at.Seated, at.Sits = w.below(at.Department), w.seated, w.sits
	at.Unseated = len(w.seated(""))
	return &policy.Subject{
		Principal: principal.Principal{Tenant: w.row.ID, User: u, Locale: "en", Operation: "test.operation", At: w.Now()},
		Org:       w.row, Self: principal.Standing{Place: w.places[u], Status: principal.UserActive}, Rights: policy.Compile(at, []policy.Role{r}),
	}
}

func (w *world) reports(u id.User) []id.User {
	var out []id.User
	for other, p := range w.places {
		if p.Manager == u {
			out = append(append(out, other), w.reports(other)...)
		}
	}
	return out
}

func (w *world) seated(d id.Department) []id.User {
	var out []id.User
	for u, p := range w.places {
		if p.Department == d {
			out = append(out, u)
		}
	}
	return out
}

func (w *world) sits(u id.User) (in id.Department, moved bool) {
	return w.places[u].Department, w.places[u].Moved
}

func (w *world) below(d id.Department) []id.Department {
	var out []id.Department
	for other, parent := range w.parents {
		if d != "" && parent == d {
			out = append(append(out, other), w.below(other)...)
		}
	}
	return out
}

// run stages and commits as edge does: again when a premise moved.
func (w *world) run(ctx context.Context, who *policy.Subject, stage func(*change.Set) error) error {
	return change.Run(ctx, w.Table, who.Principal, w.IDs, w.Now, stage)
}

// create makes an account for the owner, a moment after the last one.
func (w *world) create(t testing.TB, who *policy.Subject, owner id.User, edits ...func(*account.Draft)) *account.Account {
	t.Helper()
	w.Clock.Add(time.Millisecond)
	d := account.Draft{Name: "Lotus Trading", Email: "hello@lotus.example", Phone: "+8613800138000"}
	if owner != "" {
		d.Owner = patch.Of(string(owner))
	}
	for _, e := range edits {
		e(&d)
	}
	var a *account.Account
	must(t, w.run(t.Context(), who, func(c *change.Set) (err error) {
		a, err = w.accounts.Create(t.Context(), who, c, d)
		return err
	}))
	return a
}

func (w *world) addContact(t testing.TB, who *policy.Subject, a id.Account, d account.ContactDraft) *account.Contact {
	t.Helper()
	var x *account.Contact
	must(t, w.run(t.Context(), who, func(c *change.Set) (err error) {
		x, err = w.accounts.AddContact(t.Context(), who, c, a, 0, d)
		return err
	}))
	return x
}
