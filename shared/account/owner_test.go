package account_test

import (
	"context"
	"math/bits"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// TestOwnerGoesMeanwhile holds I10 and I11 at their root: between the reading of the owner and the commit the owner is deactivated, and the
// commit refuses.
func TestOwnerGoesMeanwhile(t *testing.T) {
	for _, self := range []bool{true, false} {
		w := newWorld(t)
		boss := w.user(t, principal.UserActive, "", "")
		owner := boss
		if !self {
			owner = w.user(t, principal.UserActive, "", "")
		}
		who := w.as(boss, everything(policy.All))
		c := change.New(who.Principal, w.IDs, w.Now())
		_, err := w.accounts.Create(t.Context(), who, c, account.Draft{Name: "Lotus", Email: "a@b.example", Phone: "13800138000", Owner: patch.Of(string(owner))})
		must(t, err)
		w.setStatus(t, owner, principal.UserInactive)
		before := edgetest.Dump(t, w.Table)
		if err := c.Verify(t.Context(), w.Table); !fault.Is(err, "owner_not_active") {
			t.Errorf("self %v: the dry run answered %v", self, err)
		}
		if err := c.Commit(t.Context(), w.Table); !fault.Is(err, "owner_not_active") {
			t.Errorf("self %v: the commit answered %v", self, err)
		}
		if edgetest.Dump(t, w.Table) != before {
			t.Errorf("self %v: the store changed", self)
		}
	}
}

// TestDepartmentGoesMeanwhile is the same for the department.
func TestDepartmentGoesMeanwhile(t *testing.T) {
	w := newWorld(t)
	dept := w.department(t, "")
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	made := w.create(t, who, "")
	c, u := change.New(who.Principal, w.IDs, w.Now()), change.New(who.Principal, w.IDs, w.Now())
	_, err := w.accounts.Create(t.Context(), who, c, account.Draft{Name: "Lotus", Email: "a@b.example", Phone: "13800138000", Department: patch.Of(string(dept))})
	must(t, err)
	_, err = w.accounts.Update(t.Context(), who, u, made.ID, 0, account.Patch{Department: patch.Of(string(dept))})
	must(t, err)
	w.Commit(t, table.Delete(key.Department(w.row.ID, dept), table.Present))
	for name, set := range map[string]*change.Set{"create": c, "update": u} {
		if err := set.Commit(t.Context(), w.Table); !fault.Is(err, "unknown_department") {
			t.Errorf("%s answered %v", name, err)
		}
	}
}

// TestCountOwnedIsStrong holds that a lagging index hides no account from the count that a deletion relies on.
func TestCountOwnedIsStrong(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	other := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	w.Store.FreezeIndexes()
	a := w.create(t, who, "")
	w.create(t, who, other)
	must(t, w.run(t.Context(), who, func(c *change.Set) error {
		_, err := w.accounts.Deactivate(t.Context(), who, c, a.ID, 0)
		return err
	}))
	for u, want := range map[id.User]int{boss: 1, other: 1, id.New[id.User](w.IDs): 0} {
		if n, err := w.accounts.CountOwned(t.Context(), w.row.ID, u); err != nil || n != want {
			t.Errorf("counted %d, %v; want %d", n, err, want)
		}
	}
}

// TestDeletionAgainstCreation runs the leaving of a user against an account being created for them.
func TestDeletionAgainstCreation(t *testing.T) {
	w := newWorld(t)
	w.Store.FreezeIndexes()
	boss := w.user(t, principal.UserActive, "", "")
	admin := everything(policy.All)
	for _, a := range []policy.Action{policy.View, policy.Update, policy.Delete} {
		admin.Grants = append(admin.Grants, policy.Grant{Module: policy.ModUser, Action: a, Scope: policy.All})
	}
	users := user.New(w.Table, w.Crypt, access.New(w.Table, w.Now), noJobs{})
	inEveryOrder(t, func() contest {
		leaver := w.user(t, principal.UserActive, "", "")
		who := w.as(boss, admin)
		items, err := w.Table.Get(t.Context(), key.Tenant(w.row.ID))
		must(t, err)
		who.OrgVersion = items[0].Version
		must(t, json.Unmarshal(items[0].Doc, &who.Org))
		create, remove := change.New(who.Principal, w.IDs, w.Now()), change.New(who.Principal, w.IDs, w.Now())
		return contest{
			give: []func() error{
				func() error {
					_, err := w.accounts.Create(t.Context(), who, create, account.Draft{Name: "Lotus", Email: "a@b.example", Phone: "13800138000", Owner: patch.Of(string(leaver))})
					return err
				},
				func() error { return create.Commit(t.Context(), w.Table) },
			},
			leave: []func() error{
				func() error { w.setStatus(t, leaver, principal.UserInactive); return nil },
				func() error { return users.Delete(t.Context(), who, remove, leaver, 0, w.accounts) },
				func() error { return remove.Commit(t.Context(), w.Table) },
			},
			owned: func() (int, error) { return w.accounts.CountOwned(t.Context(), w.row.ID, leaver) },
		}
	})
}

// contest is an account being given to a user (decide; commit) against the user leaving (deactivate; decide to delete; commit). What fails ends
// its side. owned gives how many accounts are the user's after it.
type contest struct {
	give, leave []func() error
	owned       func() (int, error)
}

// inEveryOrder runs a contest in each of the ten orders of its five steps and demands that no account is left with an owner who is gone, and
// that of the two exactly one comes about.
func inEveryOrder(t *testing.T, begin func() contest) {
	t.Helper()
	given, gone := 0, 0
	for order := range 1 << 5 {
		if bits.OnesCount(uint(order)) != 2 { // the steps that are the giver's
			continue
		}
		c := begin()
		var made, left error
		for step := range 5 {
			side, err := &c.leave, &left
			if order>>step&1 == 1 {
				side, err = &c.give, &made
			}
			if *err == nil {
				*err = (*side)[0]()
			}
			*side = (*side)[1:]
		}
		if made != nil && !fault.Is(made, "owner_not_active") && !fault.Is(made, "invalid_owner") {
			t.Errorf("order %05b: giving: %v", order, made)
		}
		if left != nil && !fault.Is(left, "user_owns_accounts") {
			t.Errorf("order %05b: leaving: %v", order, left)
		}
		n, err := c.owned()
		must(t, err)
		if (made == nil) != (n == 1) || (left == nil) == (n == 1) {
			t.Errorf("order %05b: giving: %v; leaving: %v; and %d accounts are owned", order, made, left, n)
		}
		if n == 1 {
			given++
		} else {
			gone++
		}
	}
	if given == 0 || gone == 0 {
		t.Errorf("%d given, %d gone: the orders do not cover both", given, gone)
	}
}

type noJobs struct{}

func (noJobs) Stage(*change.Set, id.Tenant, string, any, time.Time) (id.Job, error) { return "", nil }

func (noJobs) Start(context.Context, id.Tenant, string, any) error { return nil }
