package account_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

func (s *staff) setOwner(t testing.TB, by id.User, a id.Account, d account.OwnerDraft) (x *account.Account, err error) {
	t.Helper()
	s.Clock.Add(time.Millisecond)
	err = s.do(t, by, func(who *policy.Subject, c *change.Set) (err error) {
		x, err = s.accounts.SetOwner(t.Context(), who, c, a, 0, d)
		return err
	})
	return x, err
}

func (s *staff) assign(t testing.TB, by, to id.User, all ...*account.Account) (out []account.Assigned, err error) {
	t.Helper()
	d := account.Assignment{Owner: string(to), Reason: "Canary"}
	for _, a := range all {
		d.Accounts = append(d.Accounts, string(a.ID))
	}
	s.Clock.Add(time.Millisecond)
	err = s.do(t, by, func(who *policy.Subject, c *change.Set) (err error) {
		out, err = s.accounts.Assign(t.Context(), who, c, d)
		return err
	})
	return out, err
}

// owns is how many accounts the user owns, by the strong marks.
func (s *staff) owns(t testing.TB, u id.User) int {
	t.Helper()
	n, err := s.accounts.CountOwned(t.Context(), s.row.ID, u)
	must(t, err)
	return n
}

// TestSetOwner holds A15 and A16: the new owner sees the account at once, the old one keeps nothing for having owned it, marks and indexes follow,
// grants stay; and the history tells from whom to whom, and why.
func TestSetOwner(t *testing.T) {
	s := newStaff(t)
	sales := s.department(t, "")
	bo, cy, di := s.hire(t, sales, "", s.role(t, grants(policy.Own, policy.View, policy.Transfer)...)), s.clerk(t, "", ""), s.clerk(t, "", "")
	a := s.owned(t, bo)
	s.gives(t, s.boss, a.ID, account.TeamDraft{User: string(di), Level: "read"})
	got, err := s.setOwner(t, bo, a.ID, account.OwnerDraft{Owner: string(cy), Reason: "Canary leave"})
	must(t, err)
	if got.Owner != cy || got.Version != 3 || got.Name != "" || got.Team != nil {
		t.Errorf("who handed it out of their sight is told %+v", got)
	}
	if s.sees(t, bo, a.ID) || !s.sees(t, cy, a.ID) || !s.sees(t, di, a.ID) {
		t.Errorf("seen by the old owner %v, the new one %v, the team %v", s.sees(t, bo, a.ID), s.sees(t, cy, a.ID), s.sees(t, di, a.ID))
	}
	if s.owns(t, bo) != 0 || s.owns(t, cy) != 1 {
		t.Error("the marks of owners did not follow")
	}
	is, err := s.accounts.Get(t.Context(), s.who(t, cy), a.ID)
	if err != nil || is.Department != sales || !is.UpdatedAt.After(a.UpdatedAt) {
		t.Errorf("it lies in %q, updated at %v, %v", is.Department, is.UpdatedAt, err)
	}
	page, err := s.accounts.History(t.Context(), s.who(t, s.boss), a.ID, "", 1)
	must(t, err)
	if e := page.Items[0]; e.Reason != "Canary leave" || string(e.Before["ownerId"]) != fmt.Sprintf("%q", bo) || string(e.After["ownerId"]) != fmt.Sprintf("%q", cy) {
		t.Errorf("the history says %+v", e)
	}
	before := edgetest.Dump(t, s.Table)
	if same, err := s.setOwner(t, s.boss, a.ID, account.OwnerDraft{Owner: string(cy), Reason: "again"}); err != nil || same.Version != 3 {
		t.Errorf("the present owner: %+v, %v", same, err)
	}
	if edgetest.Dump(t, s.Table) != before {
		t.Error("no change changed the store")
	}
	shop := s.department(t, "")
	got, err = s.setOwner(t, s.boss, a.ID, account.OwnerDraft{Owner: string(bo), Department: patch.Of(string(shop))})
	if err != nil || got.Department != shop || got.Owner != bo || got.Name != a.Name || len(got.Team) != 1 {
		t.Errorf("to another department as well: %+v, %v", got, err)
	}
	if p, err := s.accounts.List(t.Context(), s.who(t, s.boss), account.Query{Limit: 10, Department: shop}); err != nil || len(p.Items) != 1 {
		t.Errorf("the department lists %d, %v", len(p.Items), err)
	}
}

// TestSetOwnerRefused holds I10's rules of who may become owner, and by whom; each refusal leaves the store as it was.
func TestSetOwnerRefused(t *testing.T) {
	s := newStaff(t)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	invited, gone := s.user(t, principal.UserInvited, "", ""), s.user(t, principal.UserInactive, "", "")
	seller := s.hire(t, "", "", s.role(t, append(grants(policy.All, policy.View), grants(policy.Own, policy.Transfer)...)...))
	mover := s.hire(t, "", "", s.role(t, grants(policy.All, policy.View, policy.Transfer)...))
	blind := s.hire(t, "", "", s.role(t, grants(policy.All, policy.Transfer)...))
	a, away := s.owned(t, bo), s.owned(t, bo)
	must(t, s.do(t, s.boss, func(who *policy.Subject, c *change.Set) error {
		_, err := s.accounts.Deactivate(t.Context(), who, c, away.ID, 0)
		return err
	}))
	before := edgetest.Dump(t, s.Table)
	to := func(u id.User) account.OwnerDraft { return account.OwnerDraft{Owner: string(u)} }
	for _, row := range []struct {
		name string
		by   id.User
		of   id.Account
		d    account.OwnerDraft
		code string
	}{
		{"no right to transfer", bo, a.ID, to(cy), "permission_denied"},
		{"the right for one's own", seller, a.ID, to(seller), "permission_denied"},
		{"not seen", cy, a.ID, to(cy), "not_found"},
		{"may transfer, may not see", blind, a.ID, to(cy), "not_found"},
		{"unknown account", s.boss, id.New[id.Account](s.IDs), to(cy), "not_found"},
		{"nobody", s.boss, a.ID, account.OwnerDraft{}, "required"},
		{"no id", s.boss, a.ID, account.OwnerDraft{Owner: "x"}, "invalid_owner"},
		{"unknown", s.boss, a.ID, to(id.New[id.User](s.IDs)), "invalid_owner"},
		{"invited", s.boss, a.ID, to(invited), "owner_not_active"},
		{"deactivated", s.boss, a.ID, to(gone), "owner_not_active"},
		{"put away", s.boss, away.ID, to(cy), "account_deactivated"},
		{"unknown department", s.boss, a.ID, account.OwnerDraft{Owner: string(cy), Department: patch.Of(string(id.New[id.Department](s.IDs)))}, "unknown_department"},
		{"another department without the right to edit", mover, a.ID, account.OwnerDraft{Owner: string(cy), Department: patch.Of(string(id.New[id.Department](s.IDs)))}, "permission_denied"},
	} {
		if _, err := s.setOwner(t, row.by, row.of, row.d); !fault.Is(err, row.code) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	ruled := func(access policy.Access) *policy.Subject {
		who := s.who(t, mover)
		r := policy.Role{ID: "role", Level: policy.Admin, Grants: grants(policy.All, policy.View, policy.Transfer)}
		r.Fields = []policy.FieldRule{{Module: policy.ModAccount, Field: "ownerId", Access: access}}
		who.Rights = policy.Compile(policy.Chart{User: mover}, []policy.Role{r})
		return who
	}
	c := change.New(principal.Principal{Tenant: s.row.ID}, s.IDs, s.Now())
	if _, err := s.accounts.SetOwner(t.Context(), ruled(policy.Read), c, a.ID, 0, to(cy)); !fault.Is(err, "field_not_writable") {
		t.Errorf("the field is read only: %v", err)
	}
	if _, err := s.accounts.Assign(t.Context(), ruled(policy.Read), c, account.Assignment{Owner: string(cy), Accounts: []string{string(a.ID)}}); !fault.Is(err, "field_not_writable") {
		t.Errorf("the field is read only, assigned: %v", err)
	}
	if edgetest.Dump(t, s.Table) != before {
		t.Error("the store changed")
	}
}

// TestAssign holds A16 and I10: all named accounts have the owner, or none has; one that had them already is as it was, without an event.
func TestAssign(t *testing.T) {
	s := newStaff(t)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	var all []*account.Account
	for i := range account.MaxAssigned {
		all = append(all, s.owned(t, []id.User{bo, s.boss}[i%2]))
	}
	had := s.owned(t, cy)
	all[5] = had
	out, err := s.assign(t, s.boss, cy, all...)
	must(t, err)
	for i, x := range out {
		want := int64(2)
		if i == 5 {
			want = 1
		}
		got, err := s.accounts.Get(t.Context(), s.who(t, cy), all[i].ID)
		if err != nil || x.ID != all[i].ID || x.Version != want || got.Version != want || got.Owner != cy {
			t.Errorf("account %d: %+v, %v, %v", i, x, got, err)
		}
	}
	if s.owns(t, cy) != account.MaxAssigned || s.owns(t, bo) != 0 || s.owns(t, s.boss) != 1 {
		t.Errorf("owned: %d, %d, %d", s.owns(t, cy), s.owns(t, bo), s.owns(t, s.boss))
	}
	page, err := s.accounts.History(t.Context(), s.who(t, s.boss), had.ID, "", 10)
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d events of what was theirs already, %v", len(page.Items), err)
	}
	before := edgetest.Dump(t, s.Table)
	if _, err := s.assign(t, s.boss, cy, all...); err != nil {
		t.Error(err)
	}
	if edgetest.Dump(t, s.Table) != before {
		t.Error("assigning to the present owner changed the store")
	}
}

// TestAssignRefused holds I10 and bad input 61: whatever is wrong with one of the accounts is told at its place, and none is changed. What may not
// be seen is worded as what does not exist.
func TestAssignRefused(t *testing.T) {
	s := newStaff(t)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	seller := s.hire(t, "", "", s.role(t, grants(policy.Own, policy.View, policy.Transfer)...))
	a, b, hidden := s.owned(t, seller), s.owned(t, seller), s.owned(t, bo)
	seen, away := s.owned(t, bo), s.owned(t, seller)
	s.gives(t, s.boss, seen.ID, account.TeamDraft{User: string(seller), Level: "read"})
	must(t, s.do(t, s.boss, func(who *policy.Subject, c *change.Set) error {
		_, err := s.accounts.Deactivate(t.Context(), who, c, away.ID, 0)
		return err
	}))
	inactive := s.user(t, principal.UserInactive, "", "")
	unknown := string(id.New[id.Account](s.IDs))
	before := edgetest.Dump(t, s.Table)
	many := slices.Repeat([]string{unknown}, account.MaxAssigned+1)
	for _, row := range []struct {
		name string
		to   id.User
		ids  []string
		code string
		at   string // pointer=code, each
	}{
		{"none", cy, nil, "required", "[/accountIds=required]"},
		{"too many", cy, many, "too_many", "[/accountIds=too_many]"},
		{"unknown, hidden, malformed", cy, []string{string(a.ID), unknown, string(hidden.ID), "x"}, "unknown_account", "[/accountIds/1=unknown_account /accountIds/2=unknown_account /accountIds/3=unknown_account]"},
		{"twice", cy, []string{string(a.ID), string(b.ID), string(a.ID)}, "duplicate_account", "[/accountIds/2=duplicate_account]"},
		{"seen and not transferable", cy, []string{string(a.ID), string(seen.ID)}, "permission_denied", "[/accountIds/1=permission_denied]"},
		{"put away", cy, []string{string(a.ID), string(away.ID)}, "account_deactivated", "[/accountIds/1=account_deactivated]"},
		{"to who is not active", inactive, []string{string(a.ID), string(b.ID)}, "owner_not_active", "[/ownerId=owner_not_active]"},
		{"to nobody", id.New[id.User](s.IDs), []string{string(a.ID)}, "invalid_owner", "[/ownerId=invalid_owner]"},
	} {
		err := s.do(t, seller, func(who *policy.Subject, c *change.Set) error {
			_, err := s.accounts.Assign(t.Context(), who, c, account.Assignment{Owner: string(row.to), Accounts: row.ids})
			return err
		})
		var at []string
		for _, f := range fault.Of(err).Fields {
			at = append(at, f.Pointer+"="+f.Code)
		}
		if !fault.Is(err, row.code) || fmt.Sprint(at) != row.at {
			t.Errorf("%s: %v %v", row.name, err, at)
		}
	}
	if edgetest.Dump(t, s.Table) != before {
		t.Error("the store changed")
	}
}

// TestAssignTooManyGrants holds I39: accounts with so many grants that one commit cannot move them are refused with the limit, dry run included,
// and a part of them goes through.
func TestAssignTooManyGrants(t *testing.T) {
	s := newStaff(t)
	cy := s.clerk(t, "", "")
	var all []*account.Account
	for range 4 {
		a := s.owned(t, s.boss)
		for range 24 {
			s.gives(t, s.boss, a.ID, account.TeamDraft{User: string(s.user(t, principal.UserActive, "", "")), Level: "read"})
		}
		all = append(all, a)
	}
	before := edgetest.Dump(t, s.Table)
	d := account.Assignment{Owner: string(cy)}
	for _, a := range all {
		d.Accounts = append(d.Accounts, string(a.ID))
	}
	who := s.who(t, s.boss)
	_, err := s.accounts.Assign(t.Context(), who, change.New(who.Principal, s.IDs, s.Now()), d)
	if f := fault.Of(err); f == nil || f.Code != "too_many_writes" || f.Kind != fault.Invalid || f.Args["max"] != "100" {
		t.Errorf("four of them, staged: %v", err)
	}
	if _, err := s.assign(t, s.boss, cy, all...); !fault.Is(err, "too_many_writes") {
		t.Errorf("four of them: %v", err)
	}
	if edgetest.Dump(t, s.Table) != before {
		t.Error("the store changed")
	}
	if _, err := s.assign(t, s.boss, cy, all[:3]...); err != nil || s.owns(t, cy) != 3 {
		t.Errorf("three of them: %v", err)
	}
}

// TestOwnersInParallel holds I10 and I19: of several changes of one owner at once each is judged on what the one before left, and the account has
// one owner.
func TestOwnersInParallel(t *testing.T) {
	s := newStaff(t)
	a := s.owned(t, s.boss)
	who := s.who(t, s.boss)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	first, second := change.New(who.Principal, s.IDs, s.Now()), change.New(who.Principal, s.IDs, s.Now())
	_, err := s.accounts.SetOwner(t.Context(), who, first, a.ID, a.Version, account.OwnerDraft{Owner: string(bo)})
	must(t, err)
	_, err = s.accounts.Assign(t.Context(), who, second, account.Assignment{Owner: string(cy), Accounts: []string{string(a.ID)}})
	must(t, err)
	must(t, first.Commit(t.Context(), s.Table))
	if err := second.Commit(t.Context(), s.Table); !errors.Is(err, change.ErrMoved) {
		t.Errorf("the second of two answered %v", err)
	}
	c := change.New(who.Principal, s.IDs, s.Now())
	if _, err := s.accounts.SetOwner(t.Context(), who, c, a.ID, a.Version, account.OwnerDraft{Owner: string(cy)}); !fault.Is(err, "version_conflict") {
		t.Errorf("on the old version: %v", err)
	}
	users := []id.User{bo, cy, s.boss, s.clerk(t, "", "")}
	done := make(chan error)
	for _, u := range users {
		go func() { _, err := s.assign(t, s.boss, u, a); done <- err }()
	}
	for range users {
		must(t, <-done)
	}
	is, err := s.accounts.Get(t.Context(), who, a.ID)
	must(t, err)
	for _, u := range users {
		want := 0
		if u == is.Owner {
			want = 1
		}
		if n := s.owns(t, u); n != want {
			t.Errorf("%d accounts are marked as owned by one of them, want %d", n, want)
		}
	}
}

// TestDeletionAgainstHandover runs the leaving of a user (deactivate; decide to delete; commit) against accounts being handed to them (decide;
// commit), one or several, in every order of the steps and on an index that lags. It holds I10 and I11: the new owner is active at the instant
// of the commit, and no account is ever left with an owner who is gone.
func TestDeletionAgainstHandover(t *testing.T) {
	s := newStaff(t)
	s.Store.FreezeIndexes()
	admins := s.role(t, append(grants(policy.All, policy.View, policy.Transfer),
		policy.Grant{Module: policy.ModUser, Action: policy.View, Scope: policy.All}, policy.Grant{Module: policy.ModUser, Action: policy.Delete, Scope: policy.All})...)
	admin := s.hire(t, "", "", admins)
	users := user.New(s.Table, s.Crypt, access.New(s.Table, s.Now), noJobs{})
	for _, several := range []bool{false, true} {
		inEveryOrder(t, func() contest {
			leaver := s.clerk(t, "", "")
			a := s.owned(t, s.boss)
			who := s.who(t, admin)
			hand, remove := change.New(who.Principal, s.IDs, s.Now()), change.New(who.Principal, s.IDs, s.Now())
			return contest{
				give: []func() error{
					func() (err error) {
						if several {
							_, err = s.accounts.Assign(t.Context(), who, hand, account.Assignment{Owner: string(leaver), Accounts: []string{string(a.ID)}})
							return err
						}
						_, err = s.accounts.SetOwner(t.Context(), who, hand, a.ID, 0, account.OwnerDraft{Owner: string(leaver)})
						return err
					},
					func() error { return hand.Commit(t.Context(), s.Table) },
				},
				leave: []func() error{
					func() error { s.setStatus(t, leaver, principal.UserInactive); return nil },
					func() error { return users.Delete(t.Context(), who, remove, leaver, 0, s.accounts) },
					func() error { return remove.Commit(t.Context(), s.Table) },
				},
				owned: func() (int, error) { return s.owns(t, leaver), nil },
			}
		})
	}
}
