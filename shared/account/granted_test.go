package account_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// TestReachedByAGrantAlone holds R03 and H2: whoever a grant names sees the account on their next request, in get, list and count alike, may do
// what it opens and no more; and superiors only where it says so. Bo sits in shop, which lies below trade; Cy manages Bo and Di manages Cy.
func TestReachedByAGrantAlone(t *testing.T) {
	type people struct{ bo, cy, di, other id.User }
	for _, row := range []struct {
		name  string
		asked func(s *staff, p people, shop, trade id.Department) account.Asked
		sees  string // who may what: of bo, cy, di, other
	}{
		{"nothing", nil, "- - - -"},
		{"team, read", func(s *staff, p people, _, _ id.Department) account.Asked {
			return account.TeamDraft{User: string(p.bo), Level: "read"}
		}, "v - - -"},
		{"team, edit, superiors", func(s *staff, p people, _, _ id.Department) account.Asked {
			return account.TeamDraft{User: string(p.bo), Level: "edit", Superiors: true}
		}, "ve ve ve -"},
		{"share with a user", func(s *staff, p people, _, _ id.Department) account.Asked {
			return account.ShareDraft{Target: account.Target{User: string(p.cy)}, Level: "edit"}
		}, "- ve - -"},
		{"share with a user, superiors", func(s *staff, p people, _, _ id.Department) account.Asked {
			return account.ShareDraft{Target: account.Target{User: string(p.cy)}, Level: "read", Superiors: true}
		}, "- v v -"},
		{"share with a department", func(s *staff, p people, shop, _ id.Department) account.Asked {
			return account.ShareDraft{Target: account.Target{Department: string(shop)}, Level: "read"}
		}, "v - - -"},
		{"share with a department above", func(s *staff, p people, _, trade id.Department) account.Asked {
			return account.ShareDraft{Target: account.Target{Department: string(trade)}, Level: "read"}
		}, "- - - -"},
		{"share with a department and those below", func(s *staff, p people, _, trade id.Department) account.Asked {
			return account.ShareDraft{Target: account.Target{Department: string(trade), Below: true}, Level: "edit"}
		}, "ve - - -"},
		{"the same, superiors", func(s *staff, p people, _, trade id.Department) account.Asked {
			return account.ShareDraft{Target: account.Target{Department: string(trade), Below: true}, Level: "read", Superiors: true}
		}, "v v v -"},
		{"share with a role", func(s *staff, p people, _, _ id.Department) account.Asked {
			return account.ShareDraft{Target: account.Target{Role: string(s.clerks)}, Level: "read"}
		}, "v v v v"},
		{"temporary", func(s *staff, p people, _, _ id.Department) account.Asked {
			return account.TemporaryDraft{User: string(p.di), Level: "edit", Expires: s.in(time.Hour), Reason: "Leave"}
		}, "- - ve -"},
		{"switched on", func(s *staff, p people, _, _ id.Department) account.Asked {
			return account.OverrideDraft{Target: account.Target{User: string(p.other)}, Edit: "on"}
		}, "- - - ve"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newStaff(t)
			trade := s.department(t, "")
			shop := s.department(t, trade)
			var p people
			p.di = s.clerk(t, "", "")
			p.cy = s.clerk(t, "", p.di)
			p.bo = s.clerk(t, shop, p.cy)
			p.other = s.clerk(t, "", "")
			a := s.owned(t, s.boss)
			for _, u := range []id.User{p.bo, p.cy, p.di, p.other} { // their rights are compiled, without the grant
				if s.sees(t, u, a.ID) {
					t.Fatal("seen before it was granted")
				}
			}
			if row.asked != nil {
				s.gives(t, s.boss, a.ID, row.asked(s, p, shop, trade))
			}
			var got []string
			for _, u := range []id.User{p.bo, p.cy, p.di, p.other} {
				m := s.may(t, u, a.ID)
				if m == "" {
					m = "-"
				}
				got = append(got, m)
			}
			if fmt.Sprint(got) != "["+row.sees+"]" {
				t.Errorf("got %v, want %s", got, row.sees)
			}
		})
	}
}

// TestOffBeatsAll holds A25: a switch off takes the account from whom it names, owner or not, out of get, list and count; and from nobody else.
func TestOffBeatsAll(t *testing.T) {
	s := newStaff(t)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	a := s.owned(t, bo)
	s.owned(t, bo)
	s.gives(t, s.boss, a.ID, account.ShareDraft{Target: account.Target{User: string(cy)}, Level: "edit"})
	off := account.OverrideDraft{Target: account.Target{User: string(bo)}, Edit: "off"}
	s.gives(t, s.boss, a.ID, off)
	if bm, cm := s.may(t, bo, a.ID), s.may(t, cy, a.ID); bm != "v" || cm != "ve" {
		t.Errorf("edit is off for the owner: the owner may %q, the other %q", bm, cm)
	}
	s.gives(t, s.boss, a.ID, account.OverrideDraft{Target: account.Target{User: string(bo)}, View: "off"})
	s.gives(t, s.boss, a.ID, account.OverrideDraft{Target: account.Target{User: string(cy)}, View: "off"})
	if bm, cm := s.may(t, bo, a.ID), s.may(t, cy, a.ID); bm != "" || cm != "" {
		t.Errorf("view is off: the owner may %q, the other %q", bm, cm)
	}
	must(t, s.revoke(t, s.boss, a.ID, policy.KindOverride, string(bo)))
	if m := s.may(t, bo, a.ID); m != "ve" {
		t.Errorf("after it was taken away the owner may %q", m)
	}
	s.gives(t, s.boss, a.ID, account.OverrideDraft{Target: account.Target{Role: string(s.clerks)}, View: "off", Expires: s.in(time.Minute)})
	if m := s.may(t, bo, a.ID); m != "" {
		t.Errorf("off for the role: the owner may %q", m)
	}
	s.Clock.Add(time.Minute)
	if m := s.may(t, bo, a.ID); m != "ve" {
		t.Errorf("after its end the owner may %q", m)
	}
}

// TestGrantsSleepAndWake holds rule 9: what is granted to somebody who is not active opens nothing to those above them, and all of it is back
// when they are.
func TestGrantsSleepAndWake(t *testing.T) {
	s := newStaff(t)
	cy := s.clerk(t, "", "")
	bo := s.clerk(t, "", cy)
	a := s.owned(t, s.boss)
	s.gives(t, s.boss, a.ID, account.ShareDraft{Target: account.Target{User: string(bo)}, Level: "edit", Superiors: true})
	for _, awake := range []bool{true, false, true} {
		if awake {
			s.set(t, bo, principal.UserActive)
		} else {
			s.set(t, bo, principal.UserInactive)
		}
		if s.sees(t, cy, a.ID) != awake || (awake && s.may(t, bo, a.ID) != "ve") {
			t.Errorf("awake %v: Bo's superior sees it %v", awake, s.sees(t, cy, a.ID))
		}
		page, err := s.accounts.Grants(t.Context(), s.who(t, s.boss), a.ID, policy.KindShare, "", 10)
		if err != nil || len(page.Items) != 1 {
			t.Errorf("awake %v: %d shares, %v", awake, len(page.Items), err)
		}
	}
}

// TestGrantsExpire holds H4: at the second of its end a grant counts no more, on get, list, count and in the lists of grants; the account's next
// change drops it from the document.
func TestGrantsExpire(t *testing.T) {
	s := newStaff(t)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	a := s.owned(t, s.boss)
	s.Clock.Add(time.Second - time.Millisecond) // to a whole second, as ends are
	for _, asked := range []account.Asked{
		account.TeamDraft{User: string(bo), Level: "edit", Expires: s.in(time.Minute)},
		account.ShareDraft{Target: account.Target{Role: string(s.clerks)}, Level: "read", Expires: s.in(2 * time.Minute)},
		account.TemporaryDraft{User: string(cy), Level: "edit", Expires: s.in(3 * time.Minute), Reason: "Leave"},
	} {
		s.gives(t, s.boss, a.ID, asked)
	}
	for minute, want := range []string{"ve ve", "v ve", "- ve", "- -"} {
		if minute > 0 {
			s.Clock.Add(time.Minute - time.Millisecond)
			if before := s.may(t, cy, a.ID); before != "ve" {
				t.Errorf("a moment before minute %d Cy may %q", minute, before)
			}
			s.Clock.Add(time.Millisecond)
		}
		got := ""
		for _, u := range []id.User{bo, cy} {
			m := s.may(t, u, a.ID)
			if m == "" {
				m = "-"
			}
			got += " " + m
		}
		if got[1:] != want {
			t.Errorf("minute %d: %s, want %s", minute, got, want)
		}
	}
	if n, _ := s.stored(t, a.ID); n != 3 {
		t.Errorf("%d grants in the document before its next change", n)
	}
	for kind := range map[policy.GrantKind]bool{policy.KindTeam: true, policy.KindShare: true, policy.KindTemporary: true} {
		page, err := s.accounts.Grants(t.Context(), s.who(t, s.boss), a.ID, kind, "", 10)
		if err != nil || len(page.Items) != 0 {
			t.Errorf("%s: %v, %v", kind, page, err)
		}
	}
	if err := s.revoke(t, s.boss, a.ID, policy.KindTeam, string(bo)); !fault.Is(err, "not_found") {
		t.Errorf("revoking what has ended: %v", err)
	}
	must(t, s.update(t, a.ID, "Lotus Two"))
	if n, _ := s.stored(t, a.ID); n != 0 {
		t.Errorf("%d grants in the document after its next change", n)
	}
	if g := s.gives(t, s.boss, a.ID, account.TeamDraft{User: string(bo), Level: "edit"}); !g.New || s.may(t, bo, a.ID) != "ve" {
		t.Errorf("granted anew: %+v", g)
	}
}

func (s *staff) update(t testing.TB, a id.Account, name string) error {
	t.Helper()
	s.Clock.Add(time.Millisecond)
	return s.do(t, s.boss, func(who *policy.Subject, c *change.Set) error {
		_, err := s.accounts.Update(t.Context(), who, c, a, 0, account.Patch{Name: patch.Of(name)})
		return err
	})
}

// TestGrantsOverflow holds that the 33rd grant and those after it are lost to nobody: forty grants to users, departments and roles, and each
// grantee gets, lists and counts the account; an update keeps them and moves the first 32 along in the order; when some are taken away, others
// take their room; and with the last one the account is closed again.
func TestGrantsOverflow(t *testing.T) {
	s := newStaff(t)
	a, b := s.owned(t, s.boss), s.owned(t, s.boss)
	type grantee struct {
		who id.User
		to  account.Target
	}
	var all []grantee
	for i := range 40 {
		var g grantee
		switch i % 4 {
		case 0, 1:
			g.who = s.clerk(t, "", "")
			g.to.User = string(g.who)
		case 2:
			d := s.department(t, "")
			g.who = s.clerk(t, d, "")
			g.to = account.Target{Department: string(d), Below: i%8 == 2}
		case 3:
			r := s.role(t, grants(policy.Own, policy.View)...)
			g.who = s.hire(t, "", "", r)
			g.to.Role = string(r)
		}
		all = append(all, g)
	}
	for i, g := range all {
		s.gives(t, s.boss, a.ID, account.ShareDraft{Target: g.to, Level: "read"})
		if !s.sees(t, g.who, a.ID) {
			t.Fatalf("grantee %d does not see the account", i)
		}
		if i%10 == 0 || i == 39 {
			s.gives(t, s.boss, b.ID, account.ShareDraft{Target: g.to, Level: "read"})
		}
	}
	if n, more := s.stored(t, a.ID); n != account.MaxInOrder || more != 8 {
		t.Errorf("%d in order and %d more", n, more)
	}
	newest := func(u id.User) id.Account {
		p, err := s.accounts.List(t.Context(), s.who(t, u), account.Query{Limit: 1, Count: true})
		must(t, err)
		if p.Count.Value != 2 || p.Next == "" {
			t.Errorf("counted %+v", p.Count)
		}
		return p.Items[0].ID
	}
	for n, x := range []id.Account{a.ID, b.ID, a.ID} {
		must(t, s.update(t, x, fmt.Sprint("Lotus ", n)))
		for _, i := range []int{0, 10, 20, 30, 39} {
			if got := newest(all[i].who); got != x {
				t.Errorf("update %d: grantee %d lists %s first", n, i, got)
			}
		}
		for i, g := range all {
			if !s.sees(t, g.who, a.ID) {
				t.Errorf("after update %d grantee %d does not see the account", n, i)
			}
		}
	}
	page, err := s.accounts.Grants(t.Context(), s.who(t, s.boss), a.ID, policy.KindShare, "", 100)
	if err != nil || len(page.Items) != 40 || page.Total != 40 {
		t.Errorf("%d of %d shares are listed, %v", len(page.Items), page.Total, err)
	}
	name := func(g grantee) string {
		if g.to.Below {
			return g.to.Department + ".below"
		}
		return g.to.User + g.to.Role + g.to.Department
	}
	for i, g := range all {
		must(t, s.revoke(t, s.boss, a.ID, policy.KindShare, name(g)))
		if s.sees(t, g.who, a.ID) {
			t.Errorf("grantee %d still sees the account", i)
		}
		for _, later := range []int{i + 1, 35, 39} {
			if later > i && later < 40 && !s.sees(t, all[later].who, a.ID) {
				t.Errorf("with grantee %d, %d was shut out", i, later)
			}
		}
		n, more := s.stored(t, a.ID)
		if n != min(39-i, account.MaxInOrder) || more != max(0, 39-i-account.MaxInOrder) {
			t.Errorf("after %d were taken away %d are in order and %d more", i+1, n, more)
		}
	}
	left, err := s.Table.Query(t.Context(), table.Query{PK: key.AccountPartition(s.row.ID, a.ID), Prefix: key.GrantPrefix, Limit: 10})
	if err != nil || len(left.Items) != 0 {
		t.Errorf("%d items of grants are left, %v", len(left.Items), err)
	}
}

// TestTooManyGrants holds the limit at its edge: one that is there already may still change.
func TestTooManyGrants(t *testing.T) {
	s := newStaff(t)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	a := s.owned(t, s.boss)
	s.gives(t, s.boss, a.ID, account.TeamDraft{User: string(bo), Level: "read"})
	var writes []table.Write
	for range account.MaxGrants - 1 {
		to := policy.ToUser(id.New[id.User](s.IDs))
		doc := map[string]any{"kind": "share", "to": to, "on": 1, "accountId": a.ID, "tenantId": s.row.ID, "by": s.boss, "at": s.Now(), "overflow": true}
		writes = append(writes, table.Put(item(t, key.Grant(s.row.ID, a.ID, "share", string(to)), doc), table.Absent))
	}
	for part := range slices.Chunk(writes, table.MaxWrites) {
		s.Commit(t, part...)
	}
	one := account.TeamDraft{User: string(cy), Level: "read"}
	if _, err := s.give(t, s.boss, a.ID, one); !fault.Is(err, "too_many_grants") {
		t.Errorf("one more: %v", err)
	}
	s.gives(t, s.boss, a.ID, account.TeamDraft{User: string(bo), Level: "edit"})
	must(t, s.revoke(t, s.boss, a.ID, policy.KindTeam, string(bo)))
	s.gives(t, s.boss, a.ID, one)
}
