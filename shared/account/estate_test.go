package account_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// estate is a random tenant in which people move, and accounts change hands and departments, all by the nouns' own operations. Who may do what is
// loaded from the table for each request.
type estate struct {
	*world
	users  *user.Store
	rand   *rand.Rand
	boss   id.User
	people []id.User
	depts  []id.Department // none, too
	all    []id.Account
}

// sips is a table that answers few items at a time, so that a list of few accounts has to read on as one of many does.
type sips struct {
	table.Table
	most int
}

func (s sips) Query(ctx context.Context, q table.Query) (table.Page, error) {
	q.Limit = min(q.Limit, s.most)
	return s.Table.Query(ctx, q)
}

func newEstate(t *testing.T, seed uint64) *estate {
	w := &estate{rand: rand.New(rand.NewPCG(seed, 23))}
	w.world = newWorld(t, func(row *principal.Tenant) { row.Shards = 1 + 7*int(seed%2); row.Strays = seed%4 != 3 })
	w.users = user.New(w.Table, w.Crypt, w.access, job.New(w.Table, w.IDs, w.Now))
	w.accounts = account.New(sips{w.Table, 1 + int(seed%5)}, w.Crypt, w.access, w.users)
	w.boss = w.user(t, principal.UserActive, "", "")
	w.depts = []id.Department{""}
	for range 3 + w.rand.IntN(3) {
		w.depts = append(w.depts, w.department(t, pick(w.rand, w.depts)))
	}
	for range 7 {
		boss := id.User("")
		if len(w.people) > 0 {
			boss = pick(w.rand, w.people[:(len(w.people)+1)/2])
		}
		w.people = append(w.people, w.user(t, principal.UserActive, pick(w.rand, w.depts), boss))
	}
	for range 12 {
		w.open(t)
	}
	return w
}

// scopeOf is the scope in which the user may do everything with accounts: each their own.
func (w *estate) scopeOf(u id.User) policy.Scope {
	if u == w.boss {
		return policy.All
	}
	return []policy.Scope{policy.Own, policy.Reports, policy.Subtree, policy.Department}[(slices.Index(w.people, u)+1)%4] // who came later, their own
}

// who loads the user as a request does, but for the roles, which are not in the table.
func (w *estate) who(t *testing.T, u id.User) *policy.Subject {
	t.Helper()
	items, err := w.Table.Get(t.Context(), key.Tenant(w.row.ID))
	must(t, err)
	var row principal.Tenant
	must(t, json.Unmarshal(items[0].Doc, &row))
	o, err := w.access.Organisation(t.Context(), w.row.ID)
	must(t, err)
	for x, p := range o.Places {
		role := everything(w.scopeOf(x))
		if x == w.boss {
			for _, a := range []policy.Action{policy.View, policy.Update} {
				role.Grants = append(role.Grants, policy.Grant{Module: policy.ModUser, Action: a, Scope: policy.All})
			}
		}
		role.ID = id.Role("role_" + w.scopeOf(x).String())
		o.Roles[role.ID], p.Roles = role, []id.Role{role.ID}
		o.Places[x] = p
	}
	row.Users = max(row.Users, len(o.Places))
	s := access.Compile(o).Subject(row, u, w.Now())
	s.OrgVersion, s.Locale, s.Operation = items[0].Version, "en", "test.operation"
	return s
}

// by has the user do it, a moment after what was last done. What the rules refuse is left undone.
func (w *estate) by(t *testing.T, u id.User, do func(who *policy.Subject, c *change.Set) error) {
	t.Helper()
	w.Clock.Add(time.Duration(w.rand.IntN(3)) * time.Millisecond)
	who := w.who(t, u)
	err := w.run(t.Context(), who, func(c *change.Set) error { return do(who, c) })
	if refused, ok := errors.AsType[*fault.Fault](err); err != nil && (!ok || refused.Kind == fault.Internal || refused.Kind == fault.Unavailable) {
		t.Fatal(err)
	}
}

// open makes an account for somebody: where they sit, elsewhere, or nowhere.
func (w *estate) open(t *testing.T) {
	t.Helper()
	d := account.Draft{Name: "Lotus Trading", Email: "hello@lotus.example", Phone: "+8613800138000", Owner: patch.Of(string(pick(w.rand, w.people)))}
	switch w.rand.IntN(4) {
	case 0:
		d.Department = patch.Of(string(pick(w.rand, w.depts)))
	case 1:
		d.Department = patch.Field[string]{Set: true, Null: true}
	}
	w.by(t, w.boss, func(who *policy.Subject, c *change.Set) error {
		a, err := w.accounts.Create(t.Context(), who, c, d)
		if err == nil {
			w.all = append(w.all, a.ID)
		}
		return err
	})
}

// place is a department to name, or none.
func (w *estate) place() patch.Field[string] {
	d := pick(w.rand, w.depts)
	return patch.Field[string]{Set: true, Null: d == "", Value: string(d)}
}

// act does one of all that decides where an account is found.
func (w *estate) act(t *testing.T) {
	t.Helper()
	a, u := pick(w.rand, w.all), pick(w.rand, w.people)
	switch w.rand.IntN(12) {
	case 0, 1:
		w.open(t)
	case 2, 3:
		w.by(t, w.boss, func(who *policy.Subject, c *change.Set) error {
			d := account.OwnerDraft{Owner: string(u)}
			if w.rand.IntN(2) == 0 {
				d.Department = w.place()
			}
			_, err := w.accounts.SetOwner(t.Context(), who, c, a, 0, d)
			return err
		})
	case 4:
		w.by(t, w.boss, func(who *policy.Subject, c *change.Set) error {
			d := account.Assignment{Owner: string(u), Accounts: []string{string(a)}}
			if other := pick(w.rand, w.all); other != a {
				d.Accounts = append(d.Accounts, string(other))
			}
			_, err := w.accounts.Assign(t.Context(), who, c, d)
			return err
		})
	case 5:
		w.by(t, w.boss, func(who *policy.Subject, c *change.Set) error {
			_, err := w.accounts.Update(t.Context(), who, c, a, 0, account.Patch{Department: w.place()})
			return err
		})
	case 6, 7, 8:
		w.move(t, u, pick(w.rand, w.depts))
	case 9:
		w.by(t, w.boss, func(who *policy.Subject, c *change.Set) error {
			p := user.Patch{Manager: patch.Field[id.User]{Set: true, Value: pick(w.rand, w.people)}}
			_, err := w.users.Update(t.Context(), who, c, u, 0, p)
			return err
		})
	case 10:
		w.toggle(t, a, u)
	case 11:
		w.by(t, w.boss, func(who *policy.Subject, c *change.Set) error {
			_, err := w.accounts.Give(t.Context(), who, c, a, 0, w.grant(u))
			return err
		})
	}
}

// move has the user sit elsewhere, or nowhere.
func (w *estate) move(t *testing.T, u id.User, to id.Department) {
	t.Helper()
	w.by(t, w.boss, func(who *policy.Subject, c *change.Set) error {
		_, err := w.users.Update(t.Context(), who, c, u, 0, user.Patch{Department: patch.Field[id.Department]{Set: true, Null: to == "", Value: to}})
		return err
	})
}

// toggle puts an account or a user away, or takes them up again.
func (w *estate) toggle(t *testing.T, a id.Account, u id.User) {
	t.Helper()
	w.by(t, w.boss, func(who *policy.Subject, c *change.Set) error {
		switch w.rand.IntN(4) {
		case 0:
			_, err := w.accounts.Deactivate(t.Context(), who, c, a, 0)
			return err
		case 1:
			_, err := w.accounts.Reactivate(t.Context(), who, c, a, 0)
			return err
		case 2:
			_, err := w.users.Deactivate(t.Context(), who, c, u, 0)
			return err
		}
		_, err := w.users.Reactivate(t.Context(), who, c, u, 0)
		return err
	})
}

// grant is one that opens an account to the user, for a while or for good, or closes it.
func (w *estate) grant(u id.User) account.Asked {
	switch w.rand.IntN(4) {
	case 0:
		return account.TemporaryDraft{User: string(u), Level: "read", Expires: w.Now().Add(time.Hour).Format(time.RFC3339), Reason: "away"}
	case 1:
		return account.OverrideDraft{Target: account.Target{User: string(u)}, View: "off"}
	case 2:
		return account.ShareDraft{Target: account.Target{Department: string(pick(w.rand, w.depts[1:]))}, Level: "read"}
	}
	return account.TeamDraft{User: string(u), Level: "read", Superiors: true}
}

// seen are the accounts that Get answers, in the order of lists.
func (w *estate) seen(t *testing.T, who *policy.Subject) []id.Account {
	t.Helper()
	var out []*account.Account
	for _, a := range w.all {
		if x, err := w.accounts.Get(t.Context(), who, a); err == nil {
			out = append(out, x)
		} else if !fault.Is(err, "not_found") {
			t.Fatal(err)
		}
	}
	slices.SortFunc(out, newestFirst)
	return idsOf(out)
}
