package account_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// TestResources: accounts as decisions see them, with the grants that overflow; what is unknown, foreign or deleted for good is left out.
func TestResources(t *testing.T) {
	w := newWorld(t)
	u := w.user(t, principal.UserActive, "", "")
	boss := w.as(u, everything(policy.All))
	a, b, shredded := w.create(t, boss, u), w.create(t, boss, u), w.create(t, boss, u)
	grant := policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser("x"), On: policy.ActView}
	over := policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser("y"), On: policy.ActView}
	w.Edit(t, key.Account(w.row.ID, b.ID), func(doc map[string]any) { doc["grants"], doc["moreGrants"] = []any{grant}, 1 })
	doc := item(t, key.Grant(w.row.ID, b.ID, "share", string(over.To)), map[string]any{"kind": "share", "to": over.To, "on": 1, "overflow": true})
	w.Commit(t, table.Put(doc, table.Absent), table.Delete(key.AccountKey(w.row.ID, shredded.ID), table.Always))
	unknown := id.New[id.Account](w.IDs)
	got, err := w.accounts.Resources(t.Context(), w.row.ID, unknown, shredded.ID, b.ID, a.ID)
	must(t, err)
	if len(got) != 2 || got[a.ID].Owner != u || len(got[a.ID].Grants) != 0 || !slices.Equal(got[b.ID].Grants, []policy.RecordGrant{grant, over}) {
		t.Errorf("%+v", got)
	}
	if got, err := w.accounts.Resources(t.Context(), id.New[id.Tenant](w.IDs), a.ID); err != nil || len(got) != 0 {
		t.Errorf("of another tenant: %+v %v", got, err)
	}
	many := []id.Account{a.ID}
	for range table.MaxGet { // more than one read
		many = append(many, id.New[id.Account](w.IDs))
	}
	if got, err := w.accounts.Resources(t.Context(), w.row.ID, append(many, b.ID)...); err != nil || len(got) != 2 {
		t.Errorf("of many: %d %v", len(got), err)
	}
}

// crowd is a tenant of many users under one boss, every third of whom sees all accounts, with one account.
func crowd(t testing.TB, users int) (*world, *access.Compiled, *policy.Subject, id.Account) {
	t.Helper()
	w := newWorld(t)
	owner := w.user(t, principal.UserActive, "", "")
	boss := w.as(owner, everything(policy.All))
	a := w.create(t, boss, owner)
	o := &access.Organisation{Places: map[id.User]principal.Place{}, Roles: map[id.Role]policy.Role{
		"all": everything(policy.All), "own": everything(policy.Own),
	}}
	for i := range users {
		u := id.User(fmt.Sprintf("user_01JD3Z4T0X8Y6QH2N5W7%06d", i))
		p := principal.Place{User: u, Active: i%10 != 9, Manager: owner, Roles: []id.Role{"own"}}
		if i%3 == 0 {
			p.Roles = []id.Role{"all"}
		}
		o.Places[u] = p
	}
	return w, access.Compile(o), boss, a.ID
}

// TestViewers: all active users who may, once each, in order, on pages of any size, with an exact count; for whoever may share the account or
// read roles.
func TestViewers(t *testing.T) {
	w, c, boss, a := crowd(t, 200)
	var want []id.User
	for _, u := range c.Users() {
		if c.Places[u].Active && c.Places[u].Roles[0] == "all" {
			want = append(want, u)
		}
	}
	for _, limit := range []int{1, 7, 100} {
		var got []id.User
		for after := id.User(""); ; {
			p, err := w.accounts.Viewers(t.Context(), boss, c, a, policy.View, after, limit)
			must(t, err)
			if p.Total != len(want) || len(p.Items) > limit {
				t.Fatalf("counted %d of %d, %d on a page of %d", p.Total, len(want), len(p.Items), limit)
			}
			for _, v := range p.Items {
				got = append(got, v.User)
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", limit, got, want)
		}
	}
	role := func(grants ...policy.Grant) *policy.Subject {
		return w.as(w.user(t, principal.UserActive, "", ""), policy.Role{ID: "r", Grants: grants})
	}
	view := policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All}
	for says, row := range map[string]struct {
		who  *policy.Subject
		code string
	}{
		"shares":              {role(view, policy.Grant{Module: policy.ModAccount, Action: policy.Share, Scope: policy.All}), ""},
		"reads roles":         {role(view, policy.Grant{Module: policy.ModRole, Action: policy.View, Scope: policy.All}), ""},
		"sees it only":        {role(view), "permission_denied"},
		"shares what is own":  {role(view, policy.Grant{Module: policy.ModAccount, Action: policy.Share, Scope: policy.Own}), "permission_denied"},
		"reads roles only":    {role(policy.Grant{Module: policy.ModRole, Action: policy.View, Scope: policy.All}), "not_found"},
		"shares, sees others": {role(policy.Grant{Module: policy.ModAccount, Action: policy.Share, Scope: policy.All}), "not_found"},
	} {
		_, err := w.accounts.Viewers(t.Context(), row.who, c, a, policy.View, "", 10)
		if (row.code == "") != (err == nil) || row.code != "" && !fault.Is(err, row.code) {
			t.Errorf("%s: %v, want %s", says, err, row.code)
		}
	}
	if _, err := w.accounts.Viewers(t.Context(), boss, c, id.New[id.Account](w.IDs), policy.View, "", 10); !fault.Is(err, "not_found") {
		t.Errorf("unknown: %v", err)
	}
	p, err := w.accounts.Viewers(t.Context(), boss, c, a, policy.View, "", 1)
	must(t, err)
	if d := p.Items[0].Decision; d.Rule != 3 || d.Scope != policy.All || p.Items[0].Grant != (policy.RecordGrant{}) {
		t.Errorf("%+v", p.Items[0])
	}
}

// TestAsked: a part of an account is reached with it, and contacts by those who are shown that there are any.
func TestAsked(t *testing.T) {
	on := &policy.Resource{}
	for m, want := range map[policy.Module]int{policy.ModAccount: 1, policy.ModContact: 2, policy.ModNote: 2} {
		qs := account.Questions(m, policy.Update, "name", on)
		if last := qs[len(qs)-1]; len(qs) != want || last.Module != m || last.Field != "name" || last.On != on {
			t.Errorf("%s: %+v", m, qs)
		}
		if first := qs[0]; want == 2 && (first.Action != policy.View || (first.Field == "contacts") != (m == policy.ModContact)) {
			t.Errorf("%s: %+v", m, qs)
		}
	}
}

// BenchmarkViewers of 1,000 users.
func BenchmarkViewers(b *testing.B) {
	w, c, boss, a := crowd(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.accounts.Viewers(b.Context(), boss, c, a, policy.View, "", 50); err != nil {
			b.Fatal(err)
		}
	}
}
