package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	master "github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// where reads a filter as a body has it.
func where(t testing.TB, s string) *account.Where {
	t.Helper()
	var w account.Where
	must(t, json.Unmarshal([]byte(s), &w))
	return &w
}

func by(field string, d account.Direction) []account.Sort {
	return []account.Sort{{Field: field, Direction: d}}
}

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

// TestSearchTooWide: an order that no index has is refused, and never given in part, where too much would be read; narrowed, it is answered. What an index
// has is walked, in short pages, and a count stops at its bound and says so.
func TestSearchTooWide(t *testing.T) {
	w := newWorld(t)
	boss, rep := w.user(t, principal.UserActive, "", ""), w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	for n := range 12 {
		w.create(t, who, []id.User{boss, rep}[n%2], func(d *account.Draft) { d.Name = fmt.Sprint("Lotus ", n%10) })
	}
	for what, q := range map[string]account.Search{
		"all":            {Sort: by("createdAt", "asc"), Limit: 5},
		"two keys":       {Sort: []account.Sort{{Field: "name"}, {Field: "updatedAt"}}, Limit: 5},
		"a wide filter":  {Sort: by("type", "asc"), Limit: 5, Where: where(t, `{"not":{"field":"name","op":"eq","value":"?"}}`)},
		"a wide prefix":  {Sort: by("type", "asc"), Limit: 5, Where: where(t, `{"field":"name","op":"prefix","value":"lotus"}`)},
		"a wide e-mail":  {Sort: by("type", "asc"), Limit: 5, Where: where(t, `{"field":"email","op":"eq","value":"hello@lotus.example"}`)},
		"an alternative": {Sort: by("type", "asc"), Limit: 5, Where: where(t, `{"or":[{"field":"ownerId","op":"eq","value":"me"},{"field":"name","op":"eq","value":"?"}]}`)},
	} {
		if _, err := w.accounts.Search(t.Context(), who, q.Within(2, 11, 4)); !fault.Is(err, "search_too_wide") || !fault.IsKind(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
		if got, _ := w.found(t, who, q.Within(2, 12, 4)); len(got) == 0 {
			t.Errorf("%s: nothing found within the bound", what)
		}
	}
	for filter, want := range map[string]int{
		`{"field":"ownerId","op":"eq","value":"me"}`: 6,
		`{"and":[{"field":"status","op":"eq","value":"active"},{"and":[{"field":"ownerId","op":"in","values":["me"]}]}]}`:      6,
		`{"field":"name","op":"prefix","value":"LOTUS 1"}`:                                                                     2,
		`{"and":[{"field":"name","op":"prefix","value":"lotus 1"},{"field":"email","op":"eq","value":"hello@lotus.example"}]}`: 2,
	} {
		q := account.Search{Sort: by("createdAt", "asc"), Where: where(t, filter), Limit: 5}
		if got, _ := w.found(t, who, q.Within(2, 11, 4)); len(got) != want {
			t.Errorf("%s: %d found, want %d", filter, len(got), want)
		}
	}
	q := account.Search{Sort: by("name", "desc"), Where: where(t, `{"field":"name","op":"eq","value":"lotus 0"}`), Limit: 5, Count: true}.Within(2, 11, 4)
	p, err := w.accounts.Search(t.Context(), who, q)
	must(t, err)
	if len(p.Items) != 0 || p.Next == "" || p.Count.Exact || p.Count.Value > 2 {
		t.Errorf("a page that ends after few reads: %+v, count %+v", p, p.Count)
	}
	if got, _ := w.found(t, who, q); len(got) != 2 {
		t.Errorf("%d found in short pages", len(got))
	}
}

// TestSearchUnderLag: while indexes lag, nothing is found that is not so: no account at a place, with a name, an owner or a category that it has no
// longer, and none that the reader may not see any more.
func TestSearchUnderLag(t *testing.T) {
	for seed := range uint64(3) {
		c := newCrowd(t, 100+seed, 25)
		who := c.as(c.users[1], everything(policy.Reports))
		c.Store.FreezeIndexes()
		for range 12 {
			c.rename(t, c.boss, c.active(), pick(c.r, crowdNames))
			c.expose(t, pick(c.r, c.all).ID)
		}
		var now []told
		for _, a := range c.all {
			a, err := c.accounts.Get(t.Context(), c.boss, a.ID)
			must(t, err)
			if _, err := c.accounts.Get(t.Context(), who, a.ID); err == nil {
				now = append(now, told{a, true})
			}
		}
		asked := 0
		for range 60 {
			w := c.filter(3)
			q := account.Search{Where: &w, Limit: 4, Sort: by(pick(c.r, []string{"name", "updatedAt", "createdAt"}), pick(c.r, []account.Direction{"asc", "desc"})), Count: true}
			got, n := c.found(t, who, q.Within(c.r.IntN(6), 10_000, 9))
			var want []id.Account
			slices.SortFunc(now, func(x, y told) int { return places(t, x, y, q.Sort) })
			for _, a := range now {
				if fulfils(&w, a, who.User) {
					want = append(want, a.ID)
				}
			}
			seen := 0
			for _, a := range want { // what is found is a part of it, in its order
				if seen < len(got) && got[seen] == a {
					seen++
				}
			}
			says, _ := json.Marshal(q)
			if seen != len(got) || n.Value > len(want) {
				t.Fatalf("seed %d: %s\nfound %v, counted %+v\nwant of %v", seed, says, got, n, want)
			}
			asked += len(want)
		}
		if asked == 0 {
			t.Error("nothing to be found")
		}
		c.Store.ThawIndexes()
	}
}

// TestSearchWhileOthersWrite holds I4 for searches: whatever nobody touched is on the pages once and in order, by an index and gathered.
func TestSearchWhileOthersWrite(t *testing.T) {
	c := newCrowd(t, 9, 40)
	for _, q := range []account.Search{
		{},
		{Sort: by("updatedAt", "asc")},
		{Sort: by("name", "asc")},
		{Sort: by("name", "desc")},
		{Sort: by("createdAt", "desc")},
		{Sort: by("address.city", "asc")},
		{Where: where(t, `{"not":{"field":"name","op":"prefix","value":"new"}}`), Sort: by("name", "asc")},
	} {
		q.Limit = 3
		before, _ := c.found(t, c.boss, q)
		touched := map[id.Account]bool{}
		var got []id.Account
		for page := 0; page == 0 || q.After != ""; page++ {
			p, err := c.accounts.Search(t.Context(), c.boss, q)
			must(t, err)
			for _, a := range p.Items {
				got = append(got, a.ID)
			}
			q.After = p.Next
			if page < 8 {
				touched[c.create(t, c.boss, "", func(d *account.Draft) { c.draft(d) }).ID] = true
				victim := c.active()
				c.rename(t, c.boss, victim, pick(c.r, crowdNames))
				touched[victim] = true
			}
			if page > 500 {
				t.Fatal("the search does not end")
			}
		}
		left := func(ids []id.Account) []id.Account {
			return slices.DeleteFunc(slices.Clone(ids), func(a id.Account) bool { return touched[a] })
		}
		if !slices.Equal(left(got), left(before)) {
			t.Errorf("%v: %v\nwant %v", q.Sort, left(got), left(before))
		}
	}
}

// TestSearchLocked: without the key what is plain is found as ever, locked; what is sealed cannot be asked for, and nothing is guessed.
func TestSearchLocked(t *testing.T) {
	w := newWorld(t)
	who := w.as(w.user(t, principal.UserActive, "", ""), everything(policy.All))
	a := w.create(t, who, "")
	must(t, w.Master.SetState(master.Data, master.Disabled))
	w.Clock.Add(crypt.MaxAge)
	store := edgetest.Dump(t, w.Table)
	p, err := w.accounts.Search(t.Context(), who, account.Search{Where: where(t, `{"field":"name","op":"prefix","value":"lotus"}`), Limit: 5, Count: true})
	must(t, err)
	if len(p.Items) != 1 || p.Items[0].ID != a.ID || p.Items[0].Email == "hello@lotus.example" || *p.Count != (account.Count{Value: 1, Exact: true}) {
		t.Errorf("%+v", p)
	}
	for _, filter := range []string{
		`{"field":"email","op":"eq","value":"hello@lotus.example"}`, `{"not":{"field":"phone","op":"eq","value":"+8613800138000"}}`,
		`{"field":"idNumber","op":"isEmpty","value":true}`, `{"field":"contacts.email","op":"eq","value":"x@y.example"}`,
	} {
		if _, err := w.accounts.Search(t.Context(), who, account.Search{Where: where(t, filter), Limit: 5}); !fault.Is(err, "key_unavailable") || !fault.IsKind(err, fault.Locked) {
			t.Errorf("%s: %v", filter, err)
		}
	}
	if edgetest.Dump(t, w.Table) != store {
		t.Error("a search changed the store")
	}
}

// TestSearchReadsLittle: an e-mail among many accounts is found without reading the others, and a salesperson's own by name without walking everybody's.
func TestSearchReadsLittle(t *testing.T) {
	w := newWorld(t)
	boss, rep := w.user(t, principal.UserActive, "", ""), w.user(t, principal.UserActive, "", "")
	admin := w.as(boss, everything(policy.All))
	for n := range 40 {
		w.create(t, admin, []id.User{boss, boss, boss, rep}[n%4], func(d *account.Draft) { d.Email = fmt.Sprintf("hello%d@lotus.example", n) })
	}
	who := w.as(rep, everything(policy.Own))
	for _, row := range []struct {
		who  *policy.Subject
		q    account.Search
		most int
	}{
		{admin, account.Search{Where: where(t, `{"and":[{"field":"status","op":"eq","value":"active"},{"field":"email","op":"eq","value":"hello7@lotus.example"}]}`)}, 1},
		{who, account.Search{Sort: by("name", "asc")}, 10},
		{who, account.Search{Sort: by("createdAt", "asc"), Where: where(t, `{"field":"name","op":"prefix","value":"lotus"}`)}, 10},
		{who, account.Search{Where: where(t, `{"field":"ownerId","op":"eq","value":"`+string(boss)+`"}`)}, 0},
	} {
		read := map[string]bool{}
		w.Faults.Before = func(c tablelocal.Call) error {
			if c.Op == "get" {
				for _, k := range c.Keys {
					read[k.PK] = true
				}
			}
			return nil
		}
		row.q.Limit = 50
		p, err := w.accounts.Search(t.Context(), row.who, row.q)
		w.Faults.Before = nil
		must(t, err)
		accounts := 0
		for pk := range read {
			if strings.Contains(pk, "acct_") {
				accounts++
			}
		}
		if len(p.Items) != row.most || accounts > 2*row.most {
			t.Errorf("%+v: %d found, %d partitions read", row.q, len(p.Items), accounts)
		}
	}
}

// FuzzWhere: whatever a body holds as its filter is refused or answered, the same each time, never with an internal fault.
func FuzzWhere(f *testing.F) {
	for _, s := range []string{
		`{"and":[{"field":"name","op":"prefix","value":"ＬＯＴＵＳ"},{"not":{"field":"type","op":"in","values":["enterprise"]}}]}`,
		`{"or":[{"field":"email","op":"eq","value":"hello@lotus.example"},{"field":"contactCount","op":"gt","value":0}]}`,
		`{"field":"createdAt","op":"lt","value":"2026-03-02T09:00:00Z"}`, `{"field":"ownerId","op":"eq","value":"me"}`, `{"field":"name","op":"eq","value":"\ufe0f"}`,
	} {
		f.Add(s)
	}
	w := newWorld(f)
	who := w.as(w.user(f, principal.UserActive, "", ""), everything(policy.All))
	w.create(f, who, "", func(d *account.Draft) { d.Contacts = []account.ContactDraft{{Name: "Ann", Email: "ann@lotus.example"}} })
	w.Clock.Add(time.Second)
	f.Fuzz(func(t *testing.T, s string) {
		var body account.Where
		if json.Unmarshal([]byte(s), &body, json.RejectUnknownMembers(true)) != nil {
			return
		}
		run := func(x *account.Where) (int, error) {
			p, err := w.accounts.Search(t.Context(), who, account.Search{Where: x, Limit: 5})
			if err != nil {
				return 0, err
			}
			return len(p.Items), nil
		}
		n, err := run(&body)
		again, _ := run(&body)
		if k := fault.Of(err); err != nil && k.Kind != fault.Malformed && k.Kind != fault.Invalid || n != again {
			t.Fatalf("%q: %v, %d then %d", s, err, n, again)
		}
		if not, nerr := run(&account.Where{Not: &body}); err == nil && nerr == nil && n+not != 1 {
			t.Fatalf("%q finds %d, and its negation %d, of 1", s, n, not)
		}
	})
}
