package account_test

import (
	"errors"
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// sharer makes somebody who may see, edit and share every account, and not delete it.
func (s *staff) sharer(t testing.TB, dept id.Department, manager id.User) id.User {
	t.Helper()
	return s.hire(t, dept, manager, s.role(t, grants(policy.All, policy.View, policy.Update, policy.Share)...))
}

// TestOffMeetsNoSuperior holds A25 and rule 5: nobody closes an account to those whom they report to, however those are named; on is no matter, nor is off for
// others.
func TestOffMeetsNoSuperior(t *testing.T) {
	s := newStaff(t)
	top := s.department(t, "")
	sales := s.department(t, top)
	headed := s.department(t, "")
	role := s.role(t, grants(policy.Own, policy.View)...)
	chief := s.hire(t, sales, "", role)
	s.Edit(t, key.Department(s.row.ID, headed), func(doc map[string]any) { doc["headId"] = string(chief) })
	s.moved(t)
	lead := s.clerk(t, "", chief)
	rep := s.sharer(t, "", lead)
	peer := s.clerk(t, "", "")
	a := s.owned(t, rep)
	before := edgetest.Dump(t, s.Table)
	for name, to := range map[string]account.Target{
		"their manager":                     {User: string(lead)},
		"the manager of that":               {User: string(chief)},
		"whose department it is":            {Department: string(sales)},
		"who sits below":                    {Department: string(top), Below: true},
		"who heads it":                      {Department: string(headed)},
		"who holds the role":                {Role: string(role)},
		"a role that the superior has, too": {Role: string(s.clerks)},
	} {
		if _, err := s.give(t, rep, a.ID, account.OverrideDraft{Target: to, Edit: "off"}); !fault.Is(err, "superior_override") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if edgetest.Dump(t, s.Table) != before {
		t.Error("the store changed")
	}
	for name, asked := range map[string]account.OverrideDraft{
		"on for a superior":     {Target: account.Target{User: string(lead)}, Edit: "on"},
		"off for a peer":        {Target: account.Target{User: string(peer)}, View: "off"},
		"off for another floor": {Target: account.Target{Department: string(top)}, Edit: "off"},
	} {
		if _, err := s.give(t, rep, a.ID, asked); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.give(t, s.boss, a.ID, account.OverrideDraft{Target: account.Target{User: string(rep)}, View: "off"}); err != nil {
		t.Errorf("off for a report: %v", err)
	}
}

// TestOffLeavesWhoCouldUndoIt holds A25: a switch off is refused when no active user would be left who sees and shares the account and holds what
// is off.
func TestOffLeavesWhoCouldUndoIt(t *testing.T) {
	s := newStaff(t)
	role := s.role(t, grants(policy.All, policy.View, policy.Update, policy.Share)...)
	rep := s.hire(t, "", "", role)
	a := s.owned(t, rep)
	s.set(t, s.boss, principal.UserInactive)
	off := account.OverrideDraft{Target: account.Target{Role: string(role)}, View: "off"}
	before := edgetest.Dump(t, s.Table)
	refused := func(why string, asked account.Asked) {
		t.Helper()
		if _, err := s.give(t, rep, a.ID, asked); !fault.Is(err, "override_locks_out") {
			t.Errorf("%s: %v", why, err)
		}
	}
	refused("all who hold the role, and who else could is not active", off)
	refused("they would see it and not hold what is off", account.OverrideDraft{Target: off.Target, Edit: "off"})
	if edgetest.Dump(t, s.Table) != before {
		t.Error("the store changed")
	}
	s.hire(t, "", "", s.role(t, grants(policy.All, policy.View)...))
	s.hire(t, "", "", s.role(t, grants(policy.All, policy.Share)...))
	s.hire(t, "", "", s.role(t, grants(policy.Own, policy.View, policy.Share)...))
	s.hire(t, "", "", s.role(t, grants(policy.All, policy.Share, policy.Update)...))
	refused("others see it or share it, not both", off)
	refused("others share it and hold what is off, and do not see it", account.OverrideDraft{Target: off.Target, Edit: "off"})
	s.set(t, s.boss, principal.UserActive)
	s.gives(t, rep, a.ID, off)
	if s.sees(t, rep, a.ID) {
		t.Error("it is not closed")
	}
	must(t, s.revoke(t, s.boss, a.ID, policy.KindOverride, string(role)))
	if !s.sees(t, rep, a.ID) {
		t.Error("it was not undone")
	}
}

// TestOrganisationMovesMeanwhile holds that what a switch off was judged by stands still until its commit: somebody becomes a superior, and the
// switch is judged again.
func TestOrganisationMovesMeanwhile(t *testing.T) {
	s := newStaff(t)
	rep, peer := s.sharer(t, "", ""), s.clerk(t, "", "")
	a := s.owned(t, rep)
	s.gives(t, rep, a.ID, account.OverrideDraft{Target: account.Target{User: string(peer)}, Edit: "off"}) // the mark is there
	who := s.who(t, rep)
	c := change.New(who.Principal, s.IDs, s.Now())
	off := account.OverrideDraft{Target: account.Target{User: string(peer)}, View: "off"}
	_, err := s.accounts.Give(t.Context(), who, c, a.ID, 0, off)
	must(t, err)
	s.place(t, rep, func(doc map[string]any) { doc["managerId"] = string(peer) })
	if err := c.Commit(t.Context(), s.Table); !errors.Is(err, change.ErrMoved) {
		t.Errorf("the commit answered %v", err)
	}
	if _, err := s.give(t, rep, a.ID, off); !fault.Is(err, "superior_override") {
		t.Errorf("judged again: %v", err)
	}
}

// TestSharedIsHeld holds I8: nobody gives, takes or switches off what they do not hold on that very account, and who may not share gives nothing.
func TestSharedIsHeld(t *testing.T) {
	s := newStaff(t)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	reader := s.hire(t, "", "", s.role(t, grants(policy.All, policy.View, policy.Share)...))
	editor := s.sharer(t, "", "")
	viewer := s.hire(t, "", "", s.role(t, grants(policy.All, policy.View, policy.Update, policy.Delete)...))
	mine := s.hire(t, "", "", s.role(t, grants(policy.Own, policy.View, policy.Update, policy.Share)...))
	a := s.owned(t, s.boss)
	s.gives(t, s.boss, a.ID, account.ShareDraft{Target: account.Target{User: string(cy)}, Level: "edit"})
	s.gives(t, s.boss, a.ID, account.TeamDraft{User: string(mine), Level: "edit"}) // sees and edits it, and shares only their own
	s.gives(t, s.boss, a.ID, account.OverrideDraft{Target: account.Target{User: string(cy)}, Delete: "off"})
	to := account.Target{User: string(bo)}
	read, edit := account.ShareDraft{Target: to, Level: "read"}, account.ShareDraft{Target: to, Level: "edit"}
	override := func(view, edit, del string) account.Asked {
		return account.OverrideDraft{Target: to, View: view, Edit: edit, Delete: del}
	}
	before := edgetest.Dump(t, s.Table)
	for _, row := range []struct {
		name  string
		by    id.User
		asked account.Asked
		code  string
	}{
		{"no right to share", viewer, read, "permission_denied"},
		{"no right to share, whatever else is wrong", viewer, account.ShareDraft{}, "permission_denied"},
		{"no right to share this one", mine, read, "permission_denied"},
		{"not seen", bo, edit, "not_found"},
		{"edit by who may read", reader, edit, "grant_exceeds_own"},
		{"team with edit by who may read", reader, account.TeamDraft{User: string(bo), Level: "edit"}, "grant_exceeds_own"},
		{"temporary edit by who may read", reader, account.TemporaryDraft{User: string(bo), Level: "edit", Expires: s.in(1e12), Reason: "x"}, "grant_exceeds_own"},
		{"edit taken back to read by who may read", reader, account.ShareDraft{Target: account.Target{User: string(cy)}, Level: "read"}, "grant_exceeds_own"},
		{"edit off by who may read", reader, override("", "off", ""), "grant_exceeds_own"},
		{"delete on by who may edit", editor, override("", "", "on"), "grant_exceeds_own"},
		{"delete off by who may edit", editor, override("", "", "off"), "grant_exceeds_own"},
		{"delete off turned into view on", editor, account.OverrideDraft{Target: account.Target{User: string(cy)}, View: "on"}, "grant_exceeds_own"},
	} {
		if _, err := s.give(t, row.by, a.ID, row.asked); !fault.Is(err, row.code) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	for name, err := range map[string]error{
		"a share of edit ended by who may read": s.revoke(t, reader, a.ID, policy.KindShare, string(cy)),
		"delete on again by who may edit":       s.revoke(t, editor, a.ID, policy.KindOverride, string(cy)),
	} {
		if !fault.Is(err, "grant_exceeds_own") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, grantee := range []string{string(cy), "x"} { // who may not share is not told what is shared
		if err := s.revoke(t, viewer, a.ID, policy.KindShare, grantee); !fault.Is(err, "permission_denied") {
			t.Errorf("ended by who may not share: %v", err)
		}
	}
	if edgetest.Dump(t, s.Table) != before {
		t.Error("the store changed")
	}
	s.gives(t, reader, a.ID, read)
	s.gives(t, editor, a.ID, edit)
	s.gives(t, s.boss, a.ID, override("", "", "on"))
}

// TestRightsOutsideRoles holds R03: a grant adds no action that the roles of the grantee lack, whatever it switches on.
func TestRightsOutsideRoles(t *testing.T) {
	s := newStaff(t)
	reader := s.hire(t, "", "", s.role(t, grants(policy.Own, policy.View)...))
	nobody := s.hire(t, "", "")
	a := s.owned(t, s.boss)
	for _, u := range []id.User{reader, nobody} {
		s.gives(t, s.boss, a.ID, account.OverrideDraft{Target: account.Target{User: string(u)}, Edit: "on", Delete: "on"})
	}
	if m := s.may(t, reader, a.ID); m != "v" {
		t.Errorf("whose roles let them view may %q", m)
	}
	if _, err := s.accounts.Get(t.Context(), s.who(t, nobody), a.ID); !fault.Is(err, "not_found") {
		t.Errorf("without any role: %v", err)
	}
}

// TestDeactivatedAccount holds A14 for grants: nothing is opened while an account is put away, but it may be closed.
func TestDeactivatedAccount(t *testing.T) {
	s := newStaff(t)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	a := s.owned(t, s.boss)
	s.gives(t, s.boss, a.ID, account.TeamDraft{User: string(bo), Level: "edit"})
	must(t, s.do(t, s.boss, func(who *policy.Subject, c *change.Set) error {
		_, err := s.accounts.Deactivate(t.Context(), who, c, a.ID, 0)
		return err
	}))
	if _, err := s.give(t, s.boss, a.ID, account.TeamDraft{User: string(cy), Level: "read"}); !fault.Is(err, "account_deactivated") {
		t.Errorf("a new grant: %v", err)
	}
	must(t, s.revoke(t, s.boss, a.ID, policy.KindTeam, string(bo)))
	if s.sees(t, bo, a.ID) {
		t.Error("it is not closed")
	}
}
