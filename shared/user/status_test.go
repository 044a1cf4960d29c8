package user_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// in brings a fresh user into the status.
func (w *world) in(t testing.TB, s principal.UserStatus) id.User {
	t.Helper()
	u := w.invite(t, user.Draft{Name: "U", Email: string(id.New[id.User](w.IDs)) + "@acme.example"})
	if s != principal.UserInvited {
		w.activate(t, u)
	}
	if s == principal.UserInactive || s == principal.UserDeleted {
		must(t, w.act(t.Context(), w.users.Deactivate, w.admin, u))
	}
	if s == principal.UserDeleted {
		must(t, w.delete(t.Context(), w.admin, u))
	}
	return u
}

// TestStates holds I20: every operation from every status. "=" is answered unchanged, without an event.
func TestStates(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	activate := func(u id.User) error {
		return w.system(ctx, func(c *change.Set) error {
			_, err := w.users.Activate(ctx, c, w.tenant, u)
			return err
		})
	}
	ops := map[string]func(id.User) error{
		"activate":   activate,
		"deactivate": func(u id.User) error { return w.act(ctx, w.users.Deactivate, w.admin, u) },
		"reactivate": func(u id.User) error { return w.act(ctx, w.users.Reactivate, w.admin, u) },
		"delete":     func(u id.User) error { return w.delete(ctx, w.admin, u) },
		"sign out":   func(u id.User) error { return w.act(ctx, w.users.SignOut, w.admin, u) },
	}
	const (
		invited, active, inactive, deleted = principal.UserInvited, principal.UserActive, principal.UserInactive, principal.UserDeleted
	)
	for _, row := range []struct {
		from principal.UserStatus
		op   string
		want string // the status after, "=" or a code
	}{
		{invited, "activate", "active"},
		{invited, "deactivate", "user_not_active"},
		{invited, "reactivate", "user_not_active"},
		{invited, "delete", "deleted"},
		{active, "activate", "="},
		{active, "deactivate", "inactive"},
		{active, "reactivate", "="},
		{active, "delete", "user_active"},
		{active, "sign out", "active"},
		{inactive, "activate", "account_inactive"},
		{inactive, "deactivate", "="},
		{inactive, "reactivate", "active"},
		{inactive, "delete", "deleted"},
		{deleted, "activate", "account_inactive"},
		{deleted, "deactivate", "not_found"},
		{deleted, "reactivate", "not_found"},
		{deleted, "delete", "not_found"},
		{deleted, "sign out", "not_found"},
	} {
		t.Run(string(row.from)+" "+row.op, func(t *testing.T) {
			u := w.in(t, row.from)
			w.Clock.Add(time.Second)
			before, events := edgetest.Dump(t, w.Table), w.events(t)
			err := ops[row.op](u)
			if to := principal.UserStatus(row.want); err == nil && to == w.load(t, u).Status {
				if w.events(t) != events+1 {
					t.Errorf("%d events for one change", w.events(t)-events)
				}
				return
			}
			if row.want != "=" || err != nil {
				edgetest.Refused(t, err, row.want)
			}
			if edgetest.Dump(t, w.Table) != before {
				t.Error("the store changed")
			}
		})
	}
	w.sound(t)
}

// TestLeaver holds U08, U09 and I5: locked out from the next request on; back with the same place and roles, and no session revived.
func TestLeaver(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	dept := w.department(t, "")
	u := w.active(t, "Li Lei", with(w.roles["standard_user"]), func(d *user.Draft) { d.Department = dept })
	if _, err := w.users.Owner(ctx, w.tenant, u); err != nil {
		t.Fatal(err)
	}
	must(t, w.act(ctx, w.users.Deactivate, w.admin, u))
	_, err := w.subject(ctx, u, "users.test")
	edgetest.Refused(t, err, "account_inactive")
	_, err = w.users.Owner(ctx, w.tenant, u)
	edgetest.Refused(t, err, "owner_not_active")
	if left := w.load(t, u); !left.Ended("s", w.Now()) {
		t.Error("a sign-in from before is not dead")
	}
	w.Clock.Add(time.Minute)
	must(t, w.act(ctx, w.users.Reactivate, w.admin, u))
	got := w.load(t, u)
	if got.ID != u || got.Department != dept || len(got.Roles) != 1 || got.Status != principal.UserActive {
		t.Errorf("came back as %+v", got)
	}
	if !got.Ended("s", w.Now().Add(-time.Minute)) || got.Ended("s", w.Now()) {
		t.Error("an old sign-in is alive again, or a new one is dead")
	}
	w.sound(t)
}

// TestOwner holds rule 8 of the rights: who may become responsible for something.
func TestOwner(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		u    id.User
		code string
	}{
		{w.in(t, principal.UserActive), ""},
		{w.in(t, principal.UserInvited), "owner_not_active"},
		{w.in(t, principal.UserInactive), "owner_not_active"},
		{w.in(t, principal.UserDeleted), "invalid_owner"},
		{"user_none", "invalid_owner"},
	} {
		_, err := w.users.Owner(t.Context(), w.tenant, row.u)
		if row.code == "" {
			must(t, err)
		} else {
			edgetest.Refused(t, err, row.code)
		}
	}
}

// TestReactivateWithinOwnRights holds I8 for the way back: nobody lets in more than they hold.
func TestReactivateWithinOwnRights(t *testing.T) {
	w := newWorld(t)
	by := w.active(t, "Ed", with(w.role(t, grant(policy.ModUser, policy.Update, policy.All), grant(policy.ModUser, policy.View, policy.All))))
	other := w.active(t, "Otto", with(w.roles["administrator"]))
	must(t, w.act(t.Context(), w.users.Deactivate, w.admin, other))
	edgetest.Refused(t, w.act(t.Context(), w.users.Reactivate, by, other), "grant_exceeds_own")
	must(t, w.act(t.Context(), w.users.Reactivate, w.admin, other))
}

func TestNotOneself(t *testing.T) {
	w := newWorld(t)
	second := w.active(t, "Bea Boss", with(w.roles["administrator"]))
	edgetest.Unchanged(t, w.Table, func() {
		edgetest.Refused(t, w.act(t.Context(), w.users.Deactivate, second, second), "self_change_forbidden")
		edgetest.Refused(t, w.delete(t.Context(), second, second), "self_change_forbidden")
	})
	must(t, w.setRoles(t.Context(), second, second)) // stepping down is one's own affair while another administrator remains
	w.sound(t)
}

// TestLastAdministrator holds I12: whatever would leave no active administrator is refused.
func TestLastAdministrator(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	all := []policy.Grant{}
	for _, a := range []policy.Action{policy.View, policy.Update, policy.Delete} {
		all = append(all, grant(policy.ModUser, a, policy.All))
	}
	by := w.active(t, "Hu Head", with(w.role(t, all...)))
	idle := w.active(t, "Ida Idle", with(w.roles["administrator"]))
	must(t, w.act(ctx, w.users.Deactivate, w.admin, idle)) // an inactive administrator does not count
	edgetest.Unchanged(t, w.Table, func() {
		edgetest.Refused(t, w.act(ctx, w.users.Deactivate, by, w.admin), "last_admin")
		edgetest.Refused(t, w.delete(ctx, by, w.admin), "last_admin")
		edgetest.Refused(t, w.setRoles(ctx, by, w.admin), "last_admin")
		edgetest.Refused(t, w.setRoles(ctx, w.admin, w.admin, w.roles["power_user"]), "self_change_forbidden")
		edgetest.Refused(t, w.setRoles(ctx, w.admin, w.admin), "last_admin")
	})
	// An administrator by post alone counts, and losing the post is losing the role.
	post := w.post(t, w.department(t, ""), w.roles["administrator"])
	byPost := w.active(t, "Pat Post", func(d *user.Draft) { d.Posts = []id.Post{post} })
	must(t, w.setRoles(ctx, by, w.admin))
	edgetest.Refused(t, w.update(ctx, by, byPost, user.Patch{Posts: none[[]id.Post]()}), "last_admin")
}

// TestLastAdministratorRaced holds I12 under a race: administrators who remove each other at once leave one.
func TestLastAdministratorRaced(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for round := range 8 {
		a, b := w.admin, w.active(t, string(id.New[id.User](w.IDs)), with(w.roles["administrator"]))
		remove := []func(by, u id.User) error{
			func(by, u id.User) error { return w.act(ctx, w.users.Deactivate, by, u) },
			func(by, u id.User) error { return w.setRoles(ctx, by, u) },
		}
		var both sync.WaitGroup
		errs := make([]error, 2)
		both.Go(func() { errs[0] = remove[round%2](a, b) })
		both.Go(func() { errs[1] = remove[round/2%2](b, a) })
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v, %v", round, errs[0], errs[1])
		}
		if errs[0] == nil {
			w.admin = a
		} else {
			w.admin = b
		}
		w.sound(t)
	}
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	u := w.active(t, "Li Lei", with(w.roles["standard_user"]), func(d *user.Draft) { d.Phone, d.EmployeeNo = "13800138000", "E1" })
	report := w.active(t, "Ray Report", func(d *user.Draft) { d.Manager = u })
	w.Commit(t, w.item(t, key.UserPart(w.tenant, u, "CODE"), map[string]string{"x": "y"}))
	must(t, w.act(ctx, w.users.Deactivate, w.admin, u))

	del := func(h user.Holdings) error {
		return w.try(ctx, w.admin, func(who *policy.Subject, c *change.Set) error { return w.users.Delete(ctx, who, c, u, 0, h) })
	}
	edgetest.Unchanged(t, w.Table, func() {
		err := del(owns(3))
		edgetest.Refused(t, err, "user_owns_accounts")
		if a := fault.Of(err).Args; a["count"] != "3" || a["path"] != "/v1/users/"+string(u)+"/holdings" {
			t.Errorf("the refusal says %v", a)
		}
		edgetest.Refused(t, del(owns(0)), "user_has_reports")
	})
	must(t, w.update(ctx, w.admin, report, user.Patch{Manager: none[id.User]()}))
	dept := w.department(t, "")
	w.raise(t, w.item(t, key.Department(w.tenant, dept), map[string]string{"id": string(dept), "headId": string(u)}))
	edgetest.Refused(t, del(owns(0)), "user_heads_departments")
	held, err := w.users.Holdings(ctx, w.as(t, w.admin), u, owns(2))
	must(t, err)
	if held.Accounts != 2 || len(held.Departments) != 1 || len(held.Roles) != 1 {
		t.Errorf("holds %+v", held)
	}
	w.raise(t, w.item(t, key.Department(w.tenant, dept), map[string]string{"id": string(dept)}))
	must(t, del(owns(0)))

	got := w.load(t, u)
	if got.Status != principal.UserDeleted || got.Name != "#"+string(u[len(u)-8:]) || string(got.Email+got.Phone)+got.Canonical+got.EmployeeNo != "" || len(got.Roles) != 0 {
		t.Errorf("left as %+v", got)
	}
	items, err := w.Table.Get(ctx, key.User(w.tenant, u), key.AccountKey(w.tenant, id.Account(u)))
	must(t, err)
	if len(items) != 1 || len(items[0].Sealed) != 0 {
		t.Error("the addresses or the key of the history are still there")
	}
	w.start(t, user.JobSync, user.SyncPayload{User: u})
	if page, err := w.Table.Query(ctx, table.Query{PK: key.User(w.tenant, u).PK}); err != nil || len(page.Items) != 1 {
		t.Errorf("%d items in the partition of a deleted user, %v", len(page.Items), err)
	}
	again := w.active(t, "Li Lei", func(d *user.Draft) { d.Phone, d.EmployeeNo = "13800138000", "E1" })
	if again == u {
		t.Error("an id was used twice")
	}
	w.sound(t)
}

// TestDeleteRacesAssignment holds I11 and I10: a user is deleted, or gets an account, never both.
func TestDeleteRacesAssignment(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	accounts := account.New(w.Table, w.Crypt, nil, w.users)
	give := func(u id.User) (a id.Account, err error) {
		err = w.try(ctx, w.admin, func(who *policy.Subject, c *change.Set) error {
			d := account.Draft{Name: "Lotus", Email: "hello@lotus.example", Phone: "+8613800138000", Owner: given(string(u))}
			x, err := accounts.Create(ctx, who, c, d)
			if err == nil {
				a = x.ID
			}
			return err
		})
		return a, err
	}
	deleted := 0
	for range 12 {
		u := w.in(t, principal.UserActive)
		var both sync.WaitGroup
		var given, gone error
		both.Go(func() { _, given = give(u) })
		both.Go(func() {
			if gone = w.act(ctx, w.users.Deactivate, w.admin, u); gone == nil {
				gone = w.try(ctx, w.admin, func(who *policy.Subject, c *change.Set) error { return w.users.Delete(ctx, who, c, u, 0, accounts) })
			}
		})
		both.Wait()
		n, err := accounts.CountOwned(ctx, w.tenant, u)
		must(t, err)
		switch status := w.load(t, u).Status; {
		case status == principal.UserDeleted && (n != 0 || given == nil):
			t.Fatalf("deleted with %d accounts (%v)", n, given)
		case status != principal.UserDeleted && n != 1:
			t.Fatalf("%s with %d accounts (%v, %v)", status, n, given, gone)
		case status == principal.UserDeleted:
			deleted++
		}
	}
	t.Logf("%d of 12 were deleted", deleted)
}

// TestDeleteTakesTheVersionItJudged holds I11 in its narrowest moment: the user comes back and is given an account after the deletion has
// judged and before it commits.
func TestDeleteTakesTheVersionItJudged(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	u := w.in(t, principal.UserInactive)
	who := w.as(t, w.admin)
	c := change.New(who.Principal, w.IDs, w.Now())
	must(t, w.users.Delete(ctx, who, c, u, 0, owns(0)))
	must(t, w.act(ctx, w.users.Reactivate, w.admin, u))
	if err := c.Commit(ctx, w.Table); err == nil {
		t.Fatal("a user was deleted who had come back meanwhile")
	}
	w.sound(t)
}
