package account_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// TestGrantsInParallel holds I19 for grants: of many at once on one account each is there, once, and the account's version tells of each.
func TestGrantsInParallel(t *testing.T) {
	s := newStaff(t)
	a := s.owned(t, s.boss)
	bo, cy := s.clerk(t, "", ""), s.clerk(t, "", "")
	who := s.who(t, s.boss)
	sets := map[id.User]*change.Set{bo: nil, cy: nil}
	for u := range sets { // both have read the same version
		sets[u] = change.New(who.Principal, s.IDs, s.Now())
		_, err := s.accounts.Give(t.Context(), who, sets[u], a.ID, 0, account.TeamDraft{User: string(u), Level: "read"})
		must(t, err)
	}
	must(t, sets[bo].Commit(t.Context(), s.Table))
	if err := sets[cy].Commit(t.Context(), s.Table); !errors.Is(err, change.ErrMoved) {
		t.Errorf("the second of two answered %v", err)
	}
	depts := []id.Department{s.department(t, ""), s.department(t, ""), s.department(t, "")}
	done := make(chan error)
	for _, d := range depts { // each marks its grantee, too
		go func() {
			_, err := s.give(t, s.boss, a.ID, account.ShareDraft{Target: account.Target{Department: string(d)}, Level: "read"})
			done <- err
		}()
	}
	for range depts {
		must(t, <-done)
	}
	page, err := s.accounts.Grants(t.Context(), s.who(t, s.boss), a.ID, policy.KindShare, "", 10)
	got, getErr := s.accounts.Get(t.Context(), s.who(t, s.boss), a.ID)
	if err != nil || getErr != nil || len(page.Items) != len(depts) || len(got.Team) != 1 || got.Version != a.Version+4 {
		t.Errorf("%d shares, a team of %d, version %d after %d; %v %v", len(page.Items), len(got.Team), got.Version, a.Version, err, getErr)
	}
	if !got.UpdatedAt.Equal(a.UpdatedAt) {
		t.Error("a grant moved the time of the last update")
	}
}

// TestGranteeGoesMeanwhile holds I8 and rule 8 at their root: between the judging of a grant and its commit the grantee is deactivated or
// deleted, and the commit refuses and writes nothing.
func TestGranteeGoesMeanwhile(t *testing.T) {
	s := newStaff(t)
	a := s.owned(t, s.boss)
	bo, dept, role := s.clerk(t, "", ""), s.department(t, ""), s.role(t)
	for _, row := range []struct {
		code  string
		asked account.Asked
		goes  func()
	}{
		{"unknown_department", account.ShareDraft{Target: account.Target{Department: string(dept), Below: true}, Level: "read"}, func() {
			s.Commit(t, table.Delete(key.Department(s.row.ID, dept), table.Present))
		}},
		{"unknown_role", account.OverrideDraft{Target: account.Target{Role: string(role)}, View: "on"}, func() {
			s.Commit(t, table.Delete(key.Role(s.row.ID, role), table.Present))
		}},
		{"user_not_active", account.TeamDraft{User: string(bo), Level: "read"}, func() { s.setStatus(t, bo, principal.UserInactive) }},
	} {
		who := s.who(t, s.boss)
		c := change.New(who.Principal, s.IDs, s.Now())
		_, err := s.accounts.Give(t.Context(), who, c, a.ID, 0, row.asked)
		must(t, err)
		row.goes()
		if err := c.Verify(t.Context(), s.Table); !fault.Is(err, row.code) {
			t.Errorf("%s: the dry run answered %v", row.code, err)
		}
		if err := c.Commit(t.Context(), s.Table); !fault.Is(err, row.code) {
			t.Errorf("%s: the commit answered %v", row.code, err)
		}
		if n, _ := s.stored(t, a.ID); n != 0 {
			t.Errorf("%s: %d grants", row.code, n)
		}
	}
}

// TestGrantIsSealed holds I16 for grants: the event names what and to whom, and seals the rest, the reason included, under the account's key.
func TestGrantIsSealed(t *testing.T) {
	s := newStaff(t)
	a := s.owned(t, s.boss)
	bo := s.clerk(t, "", "")
	s.gives(t, s.boss, a.ID, account.TemporaryDraft{User: string(bo), Level: "edit", Expires: s.in(time.Hour), Reason: "Canary leave"})
	for it, err := range s.Table.Scan(t.Context(), 0, 1) {
		must(t, err)
		if strings.Contains(string(it.Doc)+string(it.Sealed), "Canary") {
			t.Errorf("%s holds the reason", it.SK)
		}
	}
	page, err := s.accounts.History(t.Context(), s.who(t, s.boss), a.ID, "", 1)
	must(t, err)
	e := page.Items[0]
	var after account.Grant
	must(t, json.Unmarshal(e.After["temporary"], &after))
	if e.Reason != "Canary leave" || !slices.Equal(e.Fields, []string{"temporary"}) || after.User != bo || after.Level != "edit" || len(e.Before) != 0 {
		t.Errorf("%+v", e)
	}
	s.gives(t, s.boss, a.ID, account.TeamDraft{User: string(bo), Level: "read", Title: "Technician"})
	if page, err = s.accounts.History(t.Context(), s.who(t, bo), a.ID, "", 1); err != nil || len(page.Items) != 1 {
		t.Fatal(err)
	}
	must(t, json.Unmarshal(page.Items[0].After["team"], &after)) // whoever sees the account sees its team
	if after.User != bo || after.Title != "Technician" {
		t.Errorf("%+v", page.Items[0])
	}
	must(t, s.revoke(t, s.boss, a.ID, policy.KindTemporary, string(bo)))
	page, err = s.accounts.History(t.Context(), s.who(t, s.boss), a.ID, "", 1)
	must(t, err)
	if e = page.Items[0]; len(e.Before) != 1 || len(e.After) != 0 {
		t.Errorf("%+v", e)
	}
}
