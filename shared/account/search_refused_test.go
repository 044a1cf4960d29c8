package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestHiddenFieldsTellNothing holds I7: whatever is asked of a field that is hidden or masked, by filter or sort, is answered as of a field that
// does not exist, without a count; whoever may read the field gets an answer.
func TestHiddenFieldsTellNothing(t *testing.T) {
	w := newWorld(t)
	u := w.user(t, principal.UserActive, "", "")
	boss := w.as(u, everything(policy.All))
	a := w.create(t, boss, "", func(d *account.Draft) {
		d.Industry, d.IDNumber, d.Contacts = "Tea", "9131", []account.ContactDraft{{Name: "Ann", Email: "ann@lotus.example", Phone: "+8613800138001"}}
	})
	for field, asks := range map[string][]string{
		"name":               {`"op":"eq","value":"Lotus Trading"`, `"op":"prefix","value":"L"`, `"op":"isEmpty","value":true`, `"op":"gt","value":3`, `"op":"?"`},
		"type":               {`"op":"eq","value":"enterprise"`, `"op":"eq","value":"?"`, `"op":"isEmpty","value":true`},
		"industry":           {`"op":"in","values":["Tea"]`, `"op":"in","values":[]`, `"op":"ne","value":"Tea"`},
		"email":              {`"op":"eq","value":"hello@lotus.example"`, `"op":"eq","value":"?"`, `"op":"in","values":["hello@lotus.example","x@y.example"]`},
		"phone":              {`"op":"eq","value":"+8613800138000"`, `"op":"eq","value":"1"`},
		"idNumber":           {`"op":"isEmpty","value":true`, `"op":"eq","value":"9131"`},
		"address.city":       {`"op":"isEmpty","value":true`, `"op":"eq","value":"Hangzhou"`},
		"ownerId":            {`"op":"eq","value":"me"`, `"op":"eq","value":"?"`},
		"departmentId":       {`"op":"isEmpty","value":true`},
		"categoryIds":        {`"op":"isEmpty","value":true`},
		"protection":         {`"op":"eq","value":"standard"`},
		"contactCount":       {`"op":"gt","value":0`, `"op":"gt","value":"0"`},
		"contacts.email":     {`"op":"eq","value":"ann@lotus.example"`, `"op":"eq","value":"?"`},
		"contacts.phone":     {`"op":"eq","value":"+8613800138001"`},
		"address.postalCode": {`"op":"isEmpty","value":false`},
	} {
		shut := map[string]*policy.Subject{}
		for _, access := range []policy.Access{policy.Hidden, policy.Masked} {
			role := everything(policy.All)
			rule := policy.FieldRule{Module: policy.ModAccount, Field: field, Access: access}
			switch {
			case field == "contactCount":
				rule.Field = "contacts"
			case strings.HasPrefix(field, "contacts."):
				rule.Module, rule.Field = policy.ModContact, strings.TrimPrefix(field, "contacts.")
			case field == "idNumber":
				role.Fields = nil
			}
			role.Fields = append(role.Fields, rule)
			shut[string(access)] = w.as(u, role)
		}
		if field == "contactCount" || strings.HasPrefix(field, "contacts.") {
			role := everything(policy.All)
			role.Grants = slices.DeleteFunc(role.Grants, func(g policy.Grant) bool { return g.Module == policy.ModContact && g.Action == policy.View })
			shut["no right to contacts"] = w.as(u, role)
		}
		for _, ask := range asks {
			body := func(f string) *account.Where {
				return where(t, `{"or":[{"field":"status","op":"eq","value":"active"},{"not":{"field":"`+f+`",`+ask+`}}]}`)
			}
			_, unknown := w.accounts.Search(t.Context(), boss, account.Search{Where: body("zzUnknown"), Limit: 5, Count: true})
			if !fault.Is(unknown, "unknown_field") || !fault.IsKind(unknown, fault.Malformed) || fault.Of(unknown).Fields[0].Pointer != "/where/or/1/not/field" {
				t.Fatalf("of an unknown field: %v", unknown)
			}
			for says, who := range shut {
				p, err := w.accounts.Search(t.Context(), who, account.Search{Where: body(field), Limit: 5, Count: true})
				if p != nil || err == nil || fmt.Sprintf("%+v", *fault.Of(err)) != fmt.Sprintf("%+v", *fault.Of(unknown)) {
					t.Errorf("%s, %s, %s: %+v, %v", field, says, ask, p, err)
				}
			}
		}
		if _, err := w.accounts.Search(t.Context(), boss, account.Search{Where: where(t, `{"field":"`+field+`",`+asks[0]+`}`), Limit: 5}); err != nil {
			t.Errorf("%s of one who may read it: %v", field, err)
		}
		_, unknown := w.accounts.Search(t.Context(), boss, account.Search{Sort: by("zzUnknown", "asc"), Limit: 5})
		for says, who := range shut {
			_, err := w.accounts.Search(t.Context(), who, account.Search{Sort: by(field, "asc"), Limit: 5})
			if err == nil || fmt.Sprintf("%+v", *fault.Of(err)) != fmt.Sprintf("%+v", *fault.Of(unknown)) {
				t.Errorf("%s, %s: sorted by it: %v, of an unknown one %v", field, says, err, unknown)
			}
		}
	}
	p, err := w.accounts.Search(t.Context(), boss, account.Search{Where: where(t, `{"field":"contacts.email","op":"eq","value":"ANN@lotus.example"}`), Limit: 5})
	must(t, err)
	if len(p.Items) != 1 || p.Items[0].ID != a.ID {
		t.Errorf("of who may read all: %+v", p)
	}
}

// TestContactsOfOthersTellNothing: who sees all accounts and the contacts of their own finds by contacts among their own only, by whatever
// joins, and an account whose contacts they may not see counts none.
func TestContactsOfOthersTellNothing(t *testing.T) {
	w := newWorld(t)
	boss, rep := w.user(t, principal.UserActive, "", ""), w.user(t, principal.UserActive, "", "")
	ann := func(d *account.Draft) {
		d.Contacts = []account.ContactDraft{{Name: "Ann", Email: "ann@lotus.example"}}
	}
	admin := w.as(boss, everything(policy.All))
	theirs, mine := w.create(t, admin, boss, ann), w.create(t, admin, rep, ann)
	role := policy.Role{ID: "role", Level: policy.Admin, Grants: []policy.Grant{
		{Module: policy.ModAccount, Action: policy.View, Scope: policy.All}, {Module: policy.ModContact, Action: policy.View, Scope: policy.Own},
	}}
	who := w.as(rep, role)
	for filter, want := range map[string][]id.Account{
		`{"field":"contacts.email","op":"eq","value":"ann@lotus.example"}`:         {mine.ID},
		`{"not":{"field":"contacts.email","op":"eq","value":"ann@lotus.example"}}`: {theirs.ID},
		`{"not":{"field":"contacts.email","op":"eq","value":"bob@lotus.example"}}`: {mine.ID, theirs.ID},
		`{"field":"contactCount","op":"gte","value":0}`:                            {mine.ID},
		`{"field":"contactCount","op":"ne","value":1}`:                             {theirs.ID},
		`{"field":"contactCount","op":"ne","value":0}`:                             {mine.ID, theirs.ID},
	} {
		if got, _ := w.found(t, who, account.Search{Where: where(t, filter), Limit: 9}); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", filter, got, want)
		}
	}
}

// TestFiltersRefused holds entries 29 and 30 of the noun: what cannot be asked is refused at the part that is wrong, all parts at once.
func TestFiltersRefused(t *testing.T) {
	w := newWorld(t)
	who := w.as(w.user(t, principal.UserActive, "", ""), everything(policy.All))
	one := `{"field":"status","op":"eq","value":"active"}`
	nested := func(n int) string { return strings.Repeat(`{"not":`, n) + one + strings.Repeat(`}`, n) }
	list := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	for _, row := range []struct {
		what, filter string
		kind         fault.Kind
		code, at     string
	}{
		{"nothing", `{}`, fault.Invalid, "invalid_filter", "/where"},
		{"two joins", `{"and":[` + one + `],"or":[` + one + `]}`, fault.Invalid, "invalid_filter", "/where"},
		{"a join and a condition", `{"not":` + one + `,"field":"status"}`, fault.Invalid, "invalid_filter", "/where"},
		{"nothing in a join", `{"and":[{"or":[]}]}`, fault.Invalid, "required", "/where/and/0/or"},
		{"no field", `{"op":"eq","value":"x"}`, fault.Invalid, "required", "/where/field"},
		{"no op", `{"field":"name","value":"x"}`, fault.Invalid, "not_one_of", "/where/op"},
		{"no value", `{"field":"name","op":"eq"}`, fault.Invalid, "required", "/where/value"},
		{"no values", `{"field":"name","op":"in"}`, fault.Invalid, "required", "/where/values"},
		{"values of eq", `{"field":"name","op":"eq","values":["x"]}`, fault.Invalid, "invalid_filter", "/where"},
		{"value of in", `{"field":"name","op":"in","value":"x"}`, fault.Invalid, "invalid_filter", "/where"},
		{"blank", `{"field":"name","op":"eq","value":" "}`, fault.Invalid, "required", "/where/value"},
		{"unknown field", `{"field":"colour","op":"eq","value":"x"}`, fault.Malformed, "unknown_field", "/where/field"},
		{"another case", `{"field":"Name","op":"eq","value":"x"}`, fault.Malformed, "unknown_field", "/where/field"},
		{"a field of the store", `{"field":"mail","op":"eq","value":"x"}`, fault.Malformed, "unknown_field", "/where/field"},
		{"unknown op", `{"field":"name","op":"like","value":"x"}`, fault.Invalid, "not_one_of", "/where/op"},
		{"a prefix of an e-mail", `{"field":"email","op":"prefix","value":"a"}`, fault.Invalid, "not_one_of", "/where/op"},
		{"not an e-mail's", `{"field":"email","op":"ne","value":"a@b.example"}`, fault.Invalid, "not_one_of", "/where/op"},
		{"an id number", `{"field":"idNumber","op":"eq","value":"9"}`, fault.Invalid, "not_one_of", "/where/op"},
		{"a range of names", `{"field":"name","op":"gt","value":"a"}`, fault.Invalid, "not_one_of", "/where/op"},
		{"a number as text", `{"field":"name","op":"eq","value":1}`, fault.Invalid, "wrong_type", "/where/value"},
		{"null", `{"field":"name","op":"in","values":["x",null]}`, fault.Invalid, "wrong_type", "/where/values/1"},
		{"text as a number", `{"field":"contactCount","op":"eq","value":"1"}`, fault.Invalid, "wrong_type", "/where/value"},
		{"half a contact", `{"field":"contactCount","op":"eq","value":0.5}`, fault.Invalid, "wrong_type", "/where/value"},
		{"no word of ours", `{"field":"type","op":"eq","value":"company"}`, fault.Invalid, "not_one_of", "/where/value"},
		{"a yes in words", `{"field":"type","op":"isEmpty","value":"true"}`, fault.Invalid, "wrong_type", "/where/value"},
		{"no id", `{"field":"departmentId","op":"eq","value":"me"}`, fault.Invalid, "invalid_id", "/where/value"},
		{"an id of another kind", `{"field":"ownerId","op":"eq","value":"dept_01JD3Z4T0X8Y6QH2N5W7R9K1MB"}`, fault.Invalid, "invalid_id", "/where/value"},
		{"no country", `{"field":"address.country","op":"eq","value":"XX"}`, fault.Invalid, "unknown_country", "/where/value"},
		{"no date", `{"field":"createdAt","op":"gt","value":"2026-02-30T00:00:00Z"}`, fault.Invalid, "invalid_date", "/where/value"},
		{"no zone", `{"field":"createdAt","op":"gt","value":"2026-02-20T00:00:00"}`, fault.Invalid, "invalid_date", "/where/value"},
		{"no e-mail", `{"field":"email","op":"in","values":["a@b.example","x"]}`, fault.Invalid, "invalid_email", "/where/values/1"},
		{"no phone", `{"field":"contacts.phone","op":"eq","value":"+8612"}`, fault.Invalid, "invalid_phone", "/where/value"},
		{"two things at once", `{"and":[{"field":"name","op":"eq"},{"field":"type","op":"eq","value":1}]}`, fault.Invalid, "validation_failed", "/where/and/1/value"},
		{"six deep", nested(5), fault.Malformed, "filter_too_complex", "/where/not/not/not/not/not"},
		{"51 conditions", `{"or":[` + list(51, one) + `]}`, fault.Malformed, "filter_too_complex", "/where/or"},
		{"51 in two lists", `{"or":[{"or":[` + list(26, one) + `]},{"or":[` + list(25, one) + `]}]}`, fault.Malformed, "filter_too_complex", "/where/or/1/or/24"},
		{"101 values", `{"field":"name","op":"in","values":[` + list(101, `"x"`) + `]}`, fault.Malformed, "filter_too_complex", "/where/values"},
		{"101 values of contacts", `{"or":[{"field":"contacts.email","op":"in","values":[` + list(100, `"a@b.example"`) + `]},{"field":"contacts.phone","op":"eq","value":"+8613800138000"}]}`, fault.Malformed, "filter_too_complex", "/where/or/1"},
		{"201 characters", `{"field":"name","op":"prefix","value":"` + strings.Repeat("名", 201) + `"}`, fault.Malformed, "filter_too_complex", "/where/value"},
	} {
		_, err := w.accounts.Search(t.Context(), who, account.Search{Where: where(t, row.filter), Limit: 5})
		f := fault.Of(err)
		if f == nil || f.Kind != row.kind || f.Code != row.code || !slices.ContainsFunc(f.Fields, func(x fault.Field) bool { return x.Pointer == row.at }) {
			t.Errorf("%s: %v", row.what, err)
		}
	}
	for what, filter := range map[string]string{
		"five deep": nested(4), "50 conditions": `{"or":[` + list(50, one) + `]}`, "100 values": `{"field":"name","op":"in","values":[` + list(100, `"x"`) + `]}`,
		"200 characters": `{"field":"name","op":"prefix","value":"` + strings.Repeat("名", 200) + `"}`, "lower case": `{"field":"address.country","op":"eq","value":"cn"}`,
	} {
		if _, err := w.accounts.Search(t.Context(), who, account.Search{Where: where(t, filter), Limit: 5}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, row := range []struct {
		sort     []account.Sort
		code, at string
	}{
		{by("email", "asc"), "unknown_field", "/sort/0/field"},
		{append(by("name", "asc"), by("colour", "asc")...), "unknown_field", "/sort/1/field"},
		{by("name", "down"), "not_one_of", "/sort/0/direction"},
		{[]account.Sort{{Field: "name"}, {Field: "type"}, {Field: "stage"}}, "too_many", "/sort"},
	} {
		_, err := w.accounts.Search(t.Context(), who, account.Search{Sort: row.sort, Limit: 5})
		if f := fault.Of(err); f == nil || f.Code != row.code || f.Fields[0].Pointer != row.at {
			t.Errorf("%v: %v", row.sort, err)
		}
	}
	nobody := w.as(who.User, policy.Role{ID: "role"})
	if _, err := w.accounts.Search(t.Context(), nobody, account.Search{Where: where(t, `{}`), Limit: 5}); !fault.Is(err, "permission_denied") {
		t.Errorf("without the right: %v", err)
	}
}
