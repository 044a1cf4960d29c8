package policytest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/policy/policytest"
	"github.com/steward-crm/steward/shared/table"
)

// TestStoredAsOperationsDo holds the rows that desk writes by itself to those that account's operations write: grants of every kind, the
// account that has them, and the marks of their grantees.
func TestStoredAsOperationsDo(t *testing.T) {
	d := newDesk(t, deskFaults{})
	w := &policytest.World{
		Seed: 1, Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), TenantStatus: "active",
		Departments: []policytest.Department{{ID: "dept_00000000000000000000000001"}},
		Roles: []policytest.Role{{ID: "role_00000000000000000000000001", Level: policy.Admin, Grants: []policytest.Grant{
			{Module: policy.ModAccount, Action: policy.View, Scope: "all"},
			{Module: policy.ModAccount, Action: policy.Update, Scope: "all"},
			{Module: policy.ModAccount, Action: policy.Delete, Scope: "all"},
			{Module: policy.ModAccount, Action: policy.Share, Scope: "all"},
		}}},
		Users: []policytest.User{
			{ID: "user_00000000000000000000000001", Status: "active", Roles: []id.Role{"role_00000000000000000000000001"}},
			{ID: "user_00000000000000000000000002", Status: "active"},
		},
	}
	owner, other, dept := w.Users[0].ID, string(w.Users[1].ID), string(w.Departments[0].ID)
	a := policytest.Account{
		ID: "acct_00000000000000000000000001", Name: "Lotus", Status: "active", Owner: owner, Email: "desk@lotus.example",
		Phone: "+8613800138000", Updated: w.Now,
	}
	w.Accounts = []policytest.Account{a}
	if err := d.Load(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	ends := w.Now.Add(time.Hour)
	text := ends.Add(d.shift).Format(time.RFC3339)
	for _, asked := range []account.Asked{
		account.TeamDraft{User: other, Level: "read", Superiors: true},
		account.ShareDraft{Target: account.Target{Department: dept, Below: true}, Level: "edit", Expires: text},
		account.TemporaryDraft{User: other, Level: "read", Expires: text, Reason: "holidays"},
		account.OverrideDraft{Target: account.Target{User: other}, View: "on", Delete: "off"},
	} {
		clear(d.kept)
		who, err := d.who(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		err = change.Run(t.Context(), d.Table, who.Principal, d.IDs, d.Now, func(c *change.Set) error {
			_, err := d.accounts.Give(t.Context(), who, c, a.ID, 0, asked)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	given := d.rowsOfRights(t, a.ID)

	user, below := policytest.Grantee{Kind: "user", ID: other}, policytest.Grantee{Kind: "subtree", ID: dept}
	view, edit := []policytest.Act{policytest.View}, []policytest.Act{policytest.View, policytest.Edit}
	w.Accounts[0].Grants = []policytest.RecordGrant{
		{Kind: policy.KindShare, To: below, On: edit, Expires: ends},
		{Kind: policy.KindTeam, To: user, On: view, Superiors: true},
		{Kind: policy.KindTemporary, To: user, On: view, Expires: ends},
		{Kind: policy.KindOverride, To: user, On: view, Off: []policytest.Act{policytest.Delete}},
	}
	if err := d.Load(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	written := d.rowsOfRights(t, a.ID)
	for k, is := range given {
		if written[k] != is {
			t.Errorf("%s\nby operations %s\nhere          %s", k, is, written[k])
		}
	}
	if len(given) != len(written) || len(given) != 7 {
		t.Errorf("%d rows by operations, %d here", len(given), len(written))
	}
}

// rowsOfRights are the account's own row, its grants and the marks of grantees, by key, as text in which every tenant is the same.
func (d *desk) rowsOfRights(t *testing.T, a id.Account) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, q := range []table.Query{
		{PK: key.AccountPartition(d.tenant, a), Prefix: key.GrantPrefix},
		{PK: key.AccountPartition(d.tenant, a), Prefix: key.Account(d.tenant, a).SK},
		{PK: key.Authz(d.tenant), Prefix: key.GrantedPrefix},
	} {
		p, err := d.Table.Query(context.WithoutCancel(t.Context()), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			doc := map[string]any{}
			if err := json.Unmarshal(it.Doc, &doc); err != nil {
				t.Fatal(err)
			}
			delete(doc, "by") // who gave it and when is of no account for rights
			delete(doc, "at")
			b, err := json.Marshal(map[string]any{"doc": doc, "index": it.Index, "expires": it.Expires}, json.Deterministic(true))
			if err != nil {
				t.Fatal(err)
			}
			same := func(s string) string { return strings.ReplaceAll(s, string(d.tenant), "tenant") }
			out[same(it.PK+" "+it.SK)] = same(string(b))
		}
	}
	return out
}
