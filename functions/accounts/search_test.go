package accounts_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
)

type searchBody struct {
	Items  []accountBody `json:"items"`
	Cursor string        `json:"nextCursor"`
	Count  *struct {
		Value int  `json:"value"`
		Exact bool `json:"exact"`
	} `json:"count"`
}

// names are those of the accounts that the search answers, page by page.
func (d *desk) names(t testing.TB, w edgetest.Who, body m) string {
	t.Helper()
	var out []string
	ask := m{"limit": 2}
	for k, v := range body {
		ask[k] = v
	}
	for range 100 {
		var page searchBody
		d.As(w).Post("/v1/accounts/search", ask).Want(t, http.StatusOK, "").Read(t, &page)
		for _, a := range page.Items {
			out = append(out, fmt.Sprint(a.Rest["name"]))
		}
		if ask["cursor"] = page.Cursor; page.Cursor == "" {
			return strings.Join(out, ", ")
		}
	}
	t.Fatal("the search does not end")
	return ""
}

func cond(field, op string, value any) m { return m{"field": field, "op": op, "value": value} }

// TestSearch is A08 and A09 over HTTP: several conditions, joined and denied, exact e-mail and phone as people type them, ranges, and orders with
// Chinese by pinyin and what is absent last.
func TestSearch(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	rep := d.user(t, all(policy.Own)...)
	start := d.Clock.Now().UTC()
	for _, a := range []m{
		{"name": "重庆茶业", "type": "enterprise", "valueTier": "high", "stage": "buying", "address": m{"country": "CN", "city": "北京"}},
		{"name": "阿里茶业", "type": "enterprise", "valueTier": "low", "email": "Info@Ali.example", "phone": "13800138001", "address": m{"country": "CN", "city": "杭州"}},
		{"name": "Ångström AG", "type": "enterprise", "valueTier": "high", "ownerId": rep.User, "address": m{"country": "DE"}, "website": "https://angstrom.example"},
		{"name": "ＬＯＴＵＳ Trading", "type": "individual", "valueTier": "medium", "ownerId": rep.User, "contacts": []m{{"name": "Ann", "email": "ann@lotus.example"}}},
	} {
		d.create(t, boss, a)
		d.Clock.Add(time.Minute)
	}
	for _, row := range []struct {
		what, want string
		body       m
	}{
		{"everything", "ＬＯＴＵＳ Trading, Ångström AG, 阿里茶业, 重庆茶业", m{}},
		{"and", "Ångström AG, 重庆茶业", m{"where": m{"and": []m{cond("type", "eq", "enterprise"), cond("valueTier", "eq", "high")}}}},
		{"or", "ＬＯＴＵＳ Trading, 阿里茶业", m{"where": m{"or": []m{cond("valueTier", "eq", "low"), cond("type", "eq", "individual")}}}},
		{"not", "Ångström AG", m{"where": m{"and": []m{cond("ownerId", "eq", rep.User), {"not": cond("type", "eq", "individual")}}}}},
		{"in", "Ångström AG, 重庆茶业", m{"where": m{"field": "valueTier", "op": "in", "values": []string{"high"}}}},
		{"an absent value is not equal", "ＬＯＴＵＳ Trading, Ångström AG, 阿里茶业", m{"where": cond("stage", "ne", "buying")}},
		{"an absent value is empty", "ＬＯＴＵＳ Trading, 阿里茶业, 重庆茶业", m{"where": cond("website", "isEmpty", true)}},
		{"a prefix, in any width and case", "ＬＯＴＵＳ Trading", m{"where": cond("name", "prefix", "lotus tr")}},
		{"a Chinese prefix", "阿里茶业", m{"where": cond("name", "prefix", "阿里")}},
		{"an e-mail, in any case", "阿里茶业", m{"where": cond("email", "eq", "INFO@ali.example")}},
		{"a phone without its country", "阿里茶业", m{"where": cond("phone", "eq", "138-0013-8001")}},
		{"a contact's e-mail", "ＬＯＴＵＳ Trading", m{"where": cond("contacts.email", "eq", "ann@lotus.example")}},
		{"a range of times", "阿里茶业", m{"where": m{"and": []m{
			cond("createdAt", "gte", start.Add(time.Minute).Format(time.RFC3339)), cond("createdAt", "lt", start.Add(2*time.Minute).Format(time.RFC3339)),
		}}}},
		{"by city", "重庆茶业, 阿里茶业, Ångström AG, ＬＯＴＵＳ Trading", m{"sort": []m{{"field": "address.city"}, {"field": "name"}}}},
		{"by city, turned", "阿里茶业, 重庆茶业, Ångström AG, ＬＯＴＵＳ Trading", m{"sort": []m{{"field": "address.city", "direction": "desc"}, {"field": "name"}}}},
		{"by value", "Ångström AG, 重庆茶业, ＬＯＴＵＳ Trading, 阿里茶业", m{"sort": []m{{"field": "valueTier", "direction": "desc"}, {"field": "createdAt", "direction": "desc"}}}},
	} {
		if got := d.names(t, boss, row.body); got != row.want {
			t.Errorf("%s: %s\nwant %s", row.what, got, row.want)
		}
	}
	byName := d.names(t, boss, m{"sort": []m{{"field": "name"}}})
	if strings.Index(byName, "阿里") > strings.Index(byName, "重庆") || strings.Index(byName, "Ångström") > strings.Index(byName, "ＬＯＴＵＳ") {
		t.Errorf("by name: %s", byName) // ali before chongqing, angstrom before lotus
	}
	if got := d.names(t, rep, m{"where": cond("ownerId", "ne", boss.User)}); got != "ＬＯＴＵＳ Trading, Ångström AG" {
		t.Errorf("a salesperson finds %s", got)
	}
	if got := d.names(t, rep, m{"where": cond("email", "eq", "info@ali.example")}); got != "" {
		t.Errorf("a salesperson finds another's: %s", got)
	}
	var page searchBody
	d.As(rep).Post("/v1/accounts/search", m{"count": true, "limit": 1, "where": cond("type", "eq", "enterprise")}).Want(t, http.StatusOK, "").Read(t, &page)
	if page.Count == nil || page.Count.Value != 1 || !page.Count.Exact || len(page.Items) != 1 || page.Cursor != "" {
		t.Errorf("a salesperson counts %+v", page)
	}
}

// TestSearchRefused is entries 7, 16, 28, 29 and 30 over HTTP: each is told at its place in the body, in words that hold no value, and changes
// nothing.
func TestSearchRefused(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	for n := range 3 {
		d.create(t, boss, m{"name": fmt.Sprint("Lotus ", n)})
	}
	shut := d.user(t, all(policy.All)...)
	d.rules(t, shut, policy.ModAccount, map[string]policy.Access{"email": policy.Hidden, "name": policy.Masked})
	deep := cond("name", "eq", "canary")
	for range 5 {
		deep = m{"not": deep}
	}
	before := d.dump(t)
	for _, row := range []struct {
		what          string
		who           edgetest.Who
		body          any
		status        int
		code, pointer string
	}{
		{"unknown member", boss, m{"where": m{"and": []m{{"feild": "name"}}}}, 400, "unknown_field", "/where/and/0/feild"},
		{"wrong type", boss, `{"where":{"and":{"field":"name"}}}`, 422, "wrong_type", "/where/and"},
		{"unknown field", boss, m{"where": cond("canary", "eq", "canary")}, 400, "unknown_field", "/where/field"},
		{"hidden field", shut, m{"where": cond("email", "eq", "canary@lotus.example")}, 400, "unknown_field", "/where/field"},
		{"masked field", shut, m{"where": m{"or": []m{cond("status", "eq", "active"), cond("name", "prefix", "canary")}}}, 400, "unknown_field", "/where/or/1/field"},
		{"unknown order", boss, m{"sort": []m{{"field": "canary"}}}, 400, "unknown_field", "/sort/0/field"},
		{"hidden order", shut, m{"sort": []m{{"field": "updatedAt"}, {"field": "name"}}}, 400, "unknown_field", "/sort/1/field"},
		{"wrong op", boss, m{"where": cond("email", "prefix", "canary")}, 422, "not_one_of", "/where/op"},
		{"too deep", boss, m{"where": deep}, 400, "filter_too_complex", "/where/not/not/not/not/not"},
		{"much too deep", boss, `{"where":` + strings.Repeat(`{"not":`, 40) + `{}` + strings.Repeat(`}`, 40) + `}`, 400, "json_too_deep", ""},
		{"too long", boss, m{"where": cond("name", "prefix", strings.Repeat("canary", 40))}, 400, "filter_too_complex", "/where/value"},
		{"a made-up cursor", boss, m{"cursor": "canary"}, 400, "invalid_cursor", "/cursor"},
		{"no page", boss, m{"limit": 0}, 400, "invalid_page_size", "/limit"},
	} {
		a := d.As(row.who).Post("/v1/accounts/search", row.body)
		if a.Status != row.status || a.Code() != row.code {
			t.Errorf("%s: answered %d %s", row.what, a.Status, a.Body)
		}
		if row.pointer != "" {
			a.Field(t, row.pointer, row.code)
		}
		if strings.Contains(strings.ReplaceAll(string(a.Body), row.pointer, ""), "canary") {
			t.Errorf("%s: the answer holds the value: %s", row.what, a.Body)
		}
	}
	if after := d.dump(t); after != before {
		t.Error("a refused search changed the store")
	}
	// A hidden field and an unknown one are told in the same bytes.
	bare := func(a *edgetest.Answer) string {
		return strings.ReplaceAll(string(a.Body), string(a.Problem().RequestID), "")
	}
	unknown := bare(d.As(shut).Post("/v1/accounts/search", m{"where": cond("colour", "eq", "x"), "count": true}))
	if hidden := bare(d.As(shut).Post("/v1/accounts/search", m{"where": cond("email", "eq", "hello@lotus.example"), "count": true})); hidden != unknown {
		t.Errorf("hidden: %s\nunknown: %s", hidden, unknown)
	}

	first := m{"limit": 1, "where": cond("name", "prefix", "lotus"), "sort": []m{{"field": "name"}}}
	var page searchBody
	d.As(boss).Post("/v1/accounts/search", first).Want(t, http.StatusOK, "").Read(t, &page)
	if page.Cursor == "" || strings.Contains(page.Cursor, "acct_") {
		t.Fatalf("cursor %q", page.Cursor)
	}
	with := func(edits m) m {
		out := m{"cursor": page.Cursor}
		for k, v := range first {
			out[k] = v
		}
		for k, v := range edits {
			out[k] = v
		}
		return out
	}
	d.As(boss).Post("/v1/accounts/search", with(m{"limit": 2})).Want(t, http.StatusOK, "")
	other := d.Tenant(t)
	for what, a := range map[string]*edgetest.Answer{
		"another filter": d.As(boss).Post("/v1/accounts/search", with(m{"where": cond("name", "prefix", "lotu")})),
		"another order":  d.As(boss).Post("/v1/accounts/search", with(m{"sort": []m{{"field": "name", "direction": "desc"}}})),
		"a colleague":    d.As(d.user(t, all(policy.All)...)).Post("/v1/accounts/search", with(nil)),
		"another tenant": d.As(d.User(t, other, all(policy.All)...)).Post("/v1/accounts/search", with(nil)),
		"the list":       d.As(boss).Get("/v1/accounts?cursor=" + page.Cursor),
	} {
		if a.Status != http.StatusBadRequest || a.Code() != "invalid_cursor" {
			t.Errorf("%s: answered %d %s", what, a.Status, a.Code())
		}
	}
	if nobody := d.user(t, policy.Grant{Module: policy.ModContact, Action: policy.View, Scope: policy.All}); d.As(nobody).Post("/v1/accounts/search", m{}).Status != http.StatusForbidden {
		t.Error("without the right to view it is answered")
	}
}
