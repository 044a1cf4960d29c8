package org_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/org"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// TestDefaultsAndSeparationAreKept: set, read back, set back; what is at fault is named, and changes nothing.
func TestDefaultsAndSeparationAreKept(t *testing.T) {
	o := newOffice(t)
	const path = "/v1/settings"
	type settings struct {
		Defaults map[string]string   `json:"defaults"`
		Rules    []map[string]string `json:"separationOfDuty"`
	}
	set := func(body any) (s settings) {
		t.Helper()
		a := o.boss.IfMatch("*").Patch(path, body).Want(t, 200, "")
		a.Read(t, &s)
		if got := o.boss.Get(path); string(got.Body) != string(a.Body) {
			t.Errorf("read %s, answered %s", got.Body, a.Body)
		}
		return s
	}
	rule := m{"name": " Orders ", "first": "order.create", "second": "order.approve"}
	kept := set(m{"defaults": m{"account": "public_read", "order": "public_edit", "note": "private"}, "separationOfDuty": []m{rule}})
	if fmt.Sprint(kept.Defaults) != "map[account:public_read order:public_edit]" ||
		fmt.Sprint(kept.Rules) != "[map[first:order.create name:Orders second:order.approve]]" {
		t.Errorf("kept %+v", kept)
	}
	was := o.boss.Get(path).ETag()
	o.boss.IfMatch(was).Patch(path, m{"defaults": m{"order": "public_edit", "account": "public_read", "lead": "private"}}).Want(t, 200, "")
	if o.boss.Get(path).ETag() != was {
		t.Error("the same defaults in other words are a change")
	}
	before := edgetest.Dump(t, o.Table, edgetest.DeniedEvent)
	rules := func(r ...m) m { return m{"separationOfDuty": r} }
	many := make([]m, 51)
	for i := range many {
		many[i] = m{"name": fmt.Sprint(i), "first": "order.create", "second": "order.approve"}
	}
	for _, row := range []struct {
		body          m
		pointer, code string
	}{
		{m{"defaults": m{"weather": "private"}}, "/defaults/weather", "unknown_module"},
		{m{"defaults": m{"a/b~": "private"}}, "/defaults/a~1b~0", "unknown_module"},
		{m{"defaults": m{"role": "public_read"}}, "/defaults/role", "module_without_owners"},
		{m{"defaults": m{"account": "public"}}, "/defaults/account", "not_one_of"},
		{rules(m{"name": "", "first": "order.create", "second": "order.approve"}), "/separationOfDuty/0/name", "required"},
		{rules(rule, m{"name": "ＯRDERS", "first": "lead.create", "second": "lead.edit"}), "/separationOfDuty/1/name", "separation_name_taken"},
		{rules(m{"name": "x", "first": "order.fly", "second": "order.approve"}), "/separationOfDuty/0/first", "unknown_permission"},
		{rules(m{"name": "x", "first": "order.create", "second": "order"}), "/separationOfDuty/0/second", "unknown_permission"},
		{rules(m{"name": "x", "first": "order.create", "second": "order.create"}), "/separationOfDuty/0/second", "separation_same_right"},
		{m{"separationOfDuty": many}, "/separationOfDuty", "too_many"},
	} {
		o.boss.IfMatch("*").Patch(path, row.body).Want(t, 422, row.code).Field(t, row.pointer, row.code)
	}
	if edgetest.Dump(t, o.Table, edgetest.DeniedEvent) != before {
		t.Error("a refused request changed the store")
	}
	if s := set(m{"separationOfDuty": many[:50]}); len(s.Rules) != 50 || len(s.Defaults) != 2 {
		t.Errorf("%d rules, %v", len(s.Rules), s.Defaults)
	}
	for _, none := range []any{nil, m{}} {
		set(m{"defaults": m{"account": "public_read"}})
		if s := set(m{"defaults": none, "separationOfDuty": nil}); len(s.Defaults) != 0 || len(s.Rules) != 0 {
			t.Errorf("set back to %+v", s)
		}
	}
}

// TestDefaultsInForce: a wider default opens accounts on the next request, by reading, listing and counting alike, and only to those who may
// view, or edit, any at all; what is switched off for somebody stays off; a narrower one closes them again.
func TestDefaultsInForce(t *testing.T) {
	o := newOffice(t)
	api := edgetest.Serve(t, o.Platform, append(org.Routes(o.Platform), accounts.Routes(o.Platform)...))
	on := func(s policy.Scope, actions ...policy.Action) (out []policy.Grant) {
		for _, a := range actions {
			out = append(out, policy.Grant{Module: policy.ModAccount, Action: a, Scope: s})
		}
		return out
	}
	owner := api.As(o.User(t, o.tenant, on(policy.Own, policy.View, policy.Create)...))
	people := map[string]edgetest.Client{}
	var shut id.User
	for name, grants := range map[string][]policy.Grant{
		"editor": on(policy.Own, policy.View, policy.Update), "viewer": on(policy.Own, policy.View), "nobody": nil, "shut out": on(policy.Own, policy.View, policy.Update),
	} {
		who := o.User(t, o.tenant, grants...)
		if people[name] = api.As(who); name == "shut out" {
			shut = who.User
		}
	}
	o.boss.IfMatch("*").Patch("/v1/settings", m{"requiredAccountFields": []string{"name"}}).Want(t, 200, "")
	var all []id.Account
	for range 3 {
		var x struct {
			ID      id.Account `json:"id"`
			Updated time.Time  `json:"updatedAt"`
			Owner   id.User    `json:"ownerId"`
		}
		o.Clock.Add(time.Millisecond)
		owner.Post("/v1/accounts", m{"name": "Lotus"}).Want(t, 201, "").Read(t, &x)
		all = append(all, x.ID)
		if len(all) == 2 {
			o.off(t, key.Listed{Tenant: o.tenant, Account: x.ID, Updated: x.Updated, Owner: x.Owner}, shut)
		}
	}
	for _, row := range []struct {
		defaults string
		want     map[string]string // by person, what they may do with each of the accounts
	}{
		{"private", nil},
		{"public_read", map[string]string{"editor": "rrr", "viewer": "rrr", "shut out": "r-r"}},
		{"public_edit", map[string]string{"editor": "eee", "viewer": "rrr", "shut out": "e-e"}},
		{"private", nil},
	} {
		o.boss.IfMatch("*").Patch("/v1/settings", m{"defaults": m{"account": row.defaults}}).Want(t, 200, "")
		for name, who := range people {
			got, listed := "", []id.Account{}
			if name != "nobody" {
				listed = o.listed(t, who)
			}
			for _, a := range all {
				path := "/v1/accounts/" + string(a)
				may := "-"
				if who.Get(path).Status == 200 {
					may = "r"
				}
				if who.IfMatch("*").Patch(path+"?validateOnly=true", m{"website": "https://x.example"}).Status == 200 {
					may = "e"
				}
				if slices.Contains(listed, a) != (may != "-") {
					t.Errorf("%s: %s may %s and lists %v", row.defaults, name, may, listed)
				}
				got += may
			}
			want := row.want[name]
			if want == "" {
				want = "---"
			}
			if got != want {
				t.Errorf("%s: %s may %s, want %s", row.defaults, name, got, want)
			}
		}
	}
}

// listed are the accounts that are listed, whose number the count must give.
func (o *office) listed(t *testing.T, who edgetest.Client) (out []id.Account) {
	t.Helper()
	var page struct {
		Items []struct {
			ID id.Account `json:"id"`
		} `json:"items"`
		Count struct {
			Value int `json:"value"`
		} `json:"count"`
	}
	who.Get("/v1/accounts?count=true").Want(t, 200, "").Read(t, &page)
	for _, a := range page.Items {
		out = append(out, a.ID)
	}
	if page.Count.Value != len(out) {
		t.Errorf("counted %d of %d", page.Count.Value, len(out))
	}
	return out
}

// off switches the sight of the account off for the user, as a per-account override stores it.
func (o *office) off(t *testing.T, at key.Listed, u id.User) {
	t.Helper()
	g := policy.RecordGrant{Kind: policy.KindOverride, To: policy.ToUser(u), Off: policy.ActView}
	o.Edit(t, key.Account(o.tenant, at.Account), func(doc map[string]any) { doc["grants"] = []any{g} })
	put := func(k table.Key, index map[table.Index]table.IndexKey, doc any) table.Write {
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return table.Put(table.Item{Key: k, Index: index, Doc: b}, table.Absent)
	}
	place := at.InGrantee(string(g.To), "0.1.0.0")
	o.Commit(t,
		put(key.Grant(o.tenant, at.Account, string(g.Kind), string(g.To)), map[table.Index]table.IndexKey{table.G2: place}, g),
		put(key.Granted(o.tenant, string(g.To)), nil, access.Granted{To: g.To, Mark: policy.Mark{Off: true}}))
	o.Edit(t, key.Tenant(o.tenant), func(doc map[string]any) { doc["authzVer"] = doc["authzVer"].(float64) + 1 })
	if !strings.HasPrefix(place.SK, key.Newest(at.Updated, at.Account)) {
		t.Fatal("the grant stands elsewhere than its account")
	}
}
