package accounts_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestScopes holds that get, list, update, deactivate and contacts agree on whom they reach, scope by scope.
//
// The organisation: head sits in sales; rep reports to head and sits in sales; junior reports to rep and sits nowhere; peer sits in sales and
// reports to nobody; sub sits in sales' subdivision; far sits elsewhere.
func TestScopes(t *testing.T) {
	d := open(t)
	sales := d.department(t, "")
	division := d.department(t, sales)
	elsewhere := d.department(t, "")
	boss := d.user(t, all(policy.All)...)
	people := map[string]edgetest.Who{}
	for _, name := range []string{"rep", "junior", "peer", "sub", "far"} {
		people[name] = d.user(t, all(policy.Own)...)
	}
	for _, row := range []struct {
		scope  policy.Scope
		allow  string
		denied string
	}{
		{policy.Own, "head", "rep junior peer sub far"},
		{policy.Reports, "head rep junior", "peer sub far"},
		{policy.Department, "head rep junior peer", "sub far"},
		{policy.Subtree, "head rep junior peer sub", "far"},
		{policy.All, "head rep junior peer sub far", ""},
	} {
		t.Run(fmt.Sprint(row.scope), func(t *testing.T) {
			head := d.user(t, all(row.scope)...)
			people["head"] = head
			d.seat(t, head, sales, "")
			d.seat(t, people["rep"], sales, head.User)
			d.seat(t, people["junior"], "", people["rep"].User)
			d.seat(t, people["peer"], sales, "")
			d.seat(t, people["sub"], division, "")
			d.seat(t, people["far"], elsewhere, "")
			made, visible := map[string]accountBody{}, []string{}
			for _, name := range []string{"head", "rep", "junior", "peer", "sub", "far"} {
				made[name] = d.create(t, boss, m{"ownerId": people[name].User, "contacts": []m{{"name": "Ann"}}})
			}
			api := d.As(head)
			for _, name := range strings.Fields(row.allow) {
				a := made[name]
				path := "/v1/accounts/" + a.ID
				api.Get(path).Want(t, 200, "")
				api.IfMatch(`"1"`).Patch(path, m{"name": "By head"}).Want(t, 200, "")
				api.Get(path+"/contacts").Want(t, 200, "")
				api.Post(path+"/contacts", m{"name": "Bob"}).Want(t, 201, "")
				api.Post(path+"/deactivate", nil).Want(t, 200, "")
				api.Post(path+"/reactivate", nil).Want(t, 200, "")
				d.Clock.Add(1e6)
				visible = append(visible, a.ID)
			}
			before := d.dump(t)
			unknown := unmarked(api.Get("/v1/accounts/" + string(id.New[id.Account](d.IDs))))
			for _, name := range strings.Fields(row.denied) {
				a := made[name]
				path, contact := "/v1/accounts/"+a.ID, "/v1/accounts/"+a.ID+"/contacts/"+a.Contacts[0].ID
				for call, got := range map[string]*edgetest.Answer{
					"get":            api.Get(path),
					"update":         api.IfMatch(`"1"`).Patch(path, m{"name": "By head"}),
					"stale update":   api.IfMatch(`"9"`).Patch(path, m{"name": "By head"}),
					"bad update":     api.IfMatch(`"1"`).Patch(path, m{"type": "?"}),
					"deactivate":     api.Post(path+"/deactivate", nil),
					"reactivate":     api.Post(path+"/reactivate", nil),
					"list contacts":  api.Get(path + "/contacts"),
					"get contact":    api.Get(contact),
					"add contact":    api.Post(path+"/contacts", m{"name": "Bob"}),
					"update contact": api.IfMatch(`"1"`).Patch(contact, m{"name": "Bob"}),
					"delete contact": api.IfMatch(`"1"`).Delete(contact),
				} {
					if b := unmarked(got); b != unknown {
						t.Errorf("%s of %s's: %s\nunknown: %s", call, name, b, unknown)
					}
				}
			}
			if d.dump(t) != before {
				t.Error("the store changed")
			}
			got := slices.DeleteFunc(d.listAll(t, head, "limit=3"), func(a string) bool { return !isOneOf(a, made) })
			slices.Sort(got)
			slices.Sort(visible)
			if !slices.Equal(got, visible) {
				t.Errorf("listed %v, want %v", got, visible)
			}
		})
	}
}

func isOneOf(a string, made map[string]accountBody) bool {
	for _, x := range made {
		if x.ID == a {
			return true
		}
	}
	return false
}

var requestID = regexp.MustCompile(`req_[0-9A-Z]{26}`)

// unmarked is an answer without its request id.
func unmarked(a *edgetest.Answer) string {
	return fmt.Sprint(a.Status, " ", requestID.ReplaceAllString(string(a.Body), "req"))
}

// TestForeign holds I2 and bad input 24, 25: what lies in another tenant, what is malformed and what is unknown look alike.
func TestForeign(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	theirs := d.Deployment.User(t, d.Tenant(t), all(policy.All)...)
	a := d.create(t, boss, m{"contacts": []m{{"name": "Ann"}}})
	before := d.dump(t)
	want := unmarked(d.As(theirs).Get("/v1/accounts/" + string(id.New[id.Account](d.IDs))))
	if !strings.HasPrefix(want, "404 ") {
		t.Fatal(want)
	}
	for _, path := range []string{a.ID, strings.ToLower(a.ID), a.ID + "x", "x", "%00", "%23", "..%2f" + a.ID, strings.Repeat("a", 300), a.ID + "/contacts", a.ID + "/contacts/" + a.Contacts[0].ID} {
		if got := unmarked(d.As(theirs).Get("/v1/accounts/" + path)); got != want && !strings.HasPrefix(got, "400 ") {
			t.Errorf("%s: %s\nunknown: %s", path, got, want)
		}
	}
	d.As(theirs).Post("/v1/accounts/"+a.ID+"/deactivate", nil).Want(t, 404, "not_found")
	d.As(theirs).IfMatch(`"1"`).Patch("/v1/accounts/"+a.ID, m{"name": "x"}).Want(t, 404, "not_found")
	if n := d.listAll(t, theirs, "limit=10&ownerId="+string(boss.User)); len(n) != 0 {
		t.Errorf("listed %v", n)
	}
	var counted struct {
		Count struct {
			Value int `json:"value"`
		} `json:"count"`
	}
	b := d.As(theirs).Get("/v1/accounts?count=true").Want(t, 200, "")
	b.Read(t, &counted)
	if counted.Count.Value != 0 || bytes.Contains(b.Body, []byte(a.ID)) {
		t.Errorf("%s", b.Body)
	}
	if d.dump(t) != before {
		t.Error("the store changed")
	}
}

// TestActions holds that each action needs its own grant: with it alone the call goes through, with all others but it it is refused.
func TestActions(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	view := policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All}
	viewContact := policy.Grant{Module: policy.ModContact, Action: policy.View, Scope: policy.All}
	for _, c := range []struct {
		name   string
		needs  policy.Grant
		status int
		call   func(edgetest.Client, accountBody) *edgetest.Answer
	}{
		{"create", policy.Grant{Module: policy.ModAccount, Action: policy.Create, Scope: policy.Own}, 201, func(c edgetest.Client, _ accountBody) *edgetest.Answer {
			return c.Post("/v1/accounts", lotus())
		}},
		{"get", view, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer { return c.Get("/v1/accounts/" + a.ID) }},
		{"list", view, 200, func(c edgetest.Client, _ accountBody) *edgetest.Answer { return c.Get("/v1/accounts") }},
		{"update", policy.Grant{Module: policy.ModAccount, Action: policy.Update, Scope: policy.All}, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.IfMatch(`"1"`).Patch("/v1/accounts/"+a.ID, m{"name": "x"})
		}},
		{"deactivate", policy.Grant{Module: policy.ModAccount, Action: policy.Update, Scope: policy.All}, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Post("/v1/accounts/"+a.ID+"/deactivate", nil)
		}},
		{"reactivate", policy.Grant{Module: policy.ModAccount, Action: policy.Update, Scope: policy.All}, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Post("/v1/accounts/"+a.ID+"/reactivate", nil)
		}},
		{"list contacts", viewContact, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Get("/v1/accounts/" + a.ID + "/contacts")
		}},
		{"get contact", viewContact, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Get("/v1/accounts/" + a.ID + "/contacts/" + a.Contacts[0].ID)
		}},
		{"create contact", policy.Grant{Module: policy.ModContact, Action: policy.Create, Scope: policy.All}, 201, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Post("/v1/accounts/"+a.ID+"/contacts", m{"name": "Bob"})
		}},
		{"update contact", policy.Grant{Module: policy.ModContact, Action: policy.Update, Scope: policy.All}, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.IfMatch(`"1"`).Patch("/v1/accounts/"+a.ID+"/contacts/"+a.Contacts[0].ID, m{"name": "Bob"})
		}},
		{"delete contact", policy.Grant{Module: policy.ModContact, Action: policy.Delete, Scope: policy.All}, 204, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.IfMatch(`"1"`).Delete("/v1/accounts/" + a.ID + "/contacts/" + a.Contacts[0].ID)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := d.create(t, boss, m{"contacts": []m{{"name": "Ann"}}})
			grants := []policy.Grant{c.needs, view}
			if c.needs.Action != policy.View && c.needs.Module == policy.ModContact {
				grants = append(grants, viewContact)
			}
			without := slices.DeleteFunc(all(policy.All), func(g policy.Grant) bool { return g.Module == c.needs.Module && g.Action == c.needs.Action })
			before := d.dump(t)
			denied := d.user(t, without...)
			seen := d.dump(t)
			got := c.call(d.As(denied), a)
			if got.Status != http.StatusForbidden || got.Code() != "permission_denied" {
				t.Errorf("without the grant: %d %s", got.Status, got.Code())
			}
			if d.dump(t) != seen || seen == before {
				t.Error("the store changed")
			}
			c.call(d.As(d.user(t, grants...)), a).Want(t, c.status, "")
		})
	}
}

// TestContactsFollowTheAccount holds that a grant on contacts reaches no contact of an account that cannot be seen.
func TestContactsFollowTheAccount(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	a := d.create(t, boss, m{"contacts": []m{{"name": "Ann"}}})
	var grants []policy.Grant
	for _, g := range all(policy.All) {
		if g.Module == policy.ModContact {
			grants = append(grants, g)
		}
	}
	own := append(grants, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.Own})
	for _, who := range []edgetest.Who{d.user(t, grants...), d.user(t, own...)} {
		d.As(who).Get("/v1/accounts/"+a.ID+"/contacts").Want(t, 404, "not_found")
		d.As(who).Get("/v1/accounts/"+a.ID+"/contacts/"+a.Contacts[0].ID).Want(t, 404, "not_found")
		d.As(who).Post("/v1/accounts/"+a.ID+"/contacts", m{"name": "Bob"}).Want(t, 404, "not_found")
	}
	// Within a visible account each act on contacts has its own scope.
	every := policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All}
	var mine []policy.Grant
	for _, g := range all(policy.Own) {
		if g.Module == policy.ModContact {
			mine = append(mine, g)
		}
	}
	contact := "/v1/accounts/" + a.ID + "/contacts/" + a.Contacts[0].ID
	blind := d.As(d.user(t, append(mine, every)...))
	blind.Get(contact).Want(t, 404, "not_found")
	blind.IfMatch(`"1"`).Delete(contact).Want(t, 404, "not_found")
	watcher := d.As(d.user(t, append(slices.Clone(mine), every, policy.Grant{Module: policy.ModContact, Action: policy.View, Scope: policy.All})...))
	watcher.Get(contact).Want(t, 200, "")
	watcher.IfMatch(`"1"`).Delete(contact).Want(t, 403, "permission_denied")
	watcher.IfMatch(`"1"`).Patch(contact, m{"name": "x"}).Want(t, 403, "permission_denied")
	watcher.Post("/v1/accounts/"+a.ID+"/contacts", m{"name": "x"}).Want(t, 403, "permission_denied")
	// And an account is shown without its contacts to who may not see contacts.
	plain := d.user(t, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All})
	if b := d.As(plain).Get("/v1/accounts/"+a.ID).Want(t, 200, "").Body; bytes.Contains(b, []byte("ontact")) {
		t.Errorf("%s", b)
	}
	// Contacts in the body of a creation need the right to create contacts.
	maker := d.user(t, policy.Grant{Module: policy.ModAccount, Action: policy.Create, Scope: policy.All}, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All})
	d.As(maker).Post("/v1/accounts", lotus(m{"contacts": []m{{"name": "Ann"}}})).Want(t, 403, "permission_denied")
	d.As(maker).Post("/v1/accounts", lotus()).Want(t, 201, "")
}

// TestModuleOff holds that a module that the tenant switched off is not there.
func TestModuleOff(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	a := d.create(t, boss, m{"contacts": []m{{"name": "Ann"}}})
	d.settings(t, func(s map[string]any) { s["modulesOff"] = []any{"contact"} })
	d.moved(t)
	d.As(boss).Get("/v1/accounts/"+a.ID+"/contacts").Want(t, 404, "not_found")
	if b := d.As(boss).Get("/v1/accounts/"+a.ID).Want(t, 200, "").Body; bytes.Contains(b, []byte("Ann")) {
		t.Errorf("%s", b)
	}
}

// TestFieldRules holds I7 for accounts and contacts: hidden is absent everywhere, masked is masked everywhere, and nothing but edit may be
// written.
func TestFieldRules(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	d.rules(t, boss, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Edit})
	clerk := d.user(t, all(policy.All)...)
	a := d.create(t, boss, m{
		"idNumber": "SECRET-1", "email": "hidden@lotus.example", "phone": "+8613800138000", "industry": "Masked industry", "website": "https://read.example",
		"address": m{"country": "CN", "city": "Hangzhou"}, "type": "enterprise", "contacts": []m{{"name": "Ann", "email": "ann@lotus.example", "phone": "13900139000", "title": "Boss"}},
	})
	path := "/v1/accounts/" + a.ID
	d.rules(t, clerk, policy.ModAccount, map[string]policy.Access{
		"email": policy.Hidden, "phone": policy.Masked, "industry": policy.Masked, "website": policy.Read, "address.city": policy.Hidden,
		"type": policy.Hidden, "ownerId": policy.Masked,
	})
	d.rules(t, clerk, policy.ModContact, map[string]policy.Access{"email": policy.Masked, "phone": policy.Hidden, "title": policy.Masked, "primary": policy.Hidden})
	api := d.As(clerk)
	for _, b := range [][]byte{
		api.Get(path).Want(t, 200, "").Body, api.Get("/v1/accounts").Want(t, 200, "").Body,
		api.IfMatch(`"1"`).Patch(path, m{"valueTier": "high"}).Want(t, 200, "").Body,
	} {
		for _, never := range []string{"SECRET", "hidden@", "13800138", "Masked industry", "Hangzhou", `"city"`, `"email":"h`, `"type"`, string(boss.User) + `","departmentId`, "13900139000", "ann@", "Boss", `"primary"`} {
			if bytes.Contains(b, []byte(never)) {
				t.Errorf("%s in %s", never, b)
			}
		}
		for _, must := range []string{`"phone":"•••8000"`, `"industry":"•••"`, `"website":"https://read.example"`, `"address":{"country":"CN"}`, `"ownerId":"•••"`} {
			if !bytes.Contains(b, []byte(must)) {
				t.Errorf("no %s in %s", must, b)
			}
		}
	}
	if b := api.Get(path).Body; !bytes.Contains(b, []byte(`"email":"a•••@lotus.example"`)) || !bytes.Contains(b, []byte(`"title":"•••"`)) {
		t.Errorf("%s", b)
	}
	before := d.dump(t)
	etag := api.Get(path).ETag()
	for field, value := range map[string]any{"email": "x@y.example", "phone": "13800138001", "industry": "x", "website": "https://x.example", "idNumber": "1", "type": "individual"} {
		api.IfMatch(etag).Patch(path, m{field: value}).Want(t, 403, "field_not_writable").Field(t, "/"+field, "field_not_writable")
		api.IfMatch(etag).Patch(path, m{field: nil}).Want(t, 403, "field_not_writable")
		api.Post("/v1/accounts", lotus(m{field: value})).Want(t, 403, "field_not_writable").Field(t, "/"+field, "field_not_writable")
	}
	api.IfMatch(etag).Patch(path, m{"address": m{"city": "x"}}).Want(t, 403, "field_not_writable").Field(t, "/address/city", "field_not_writable")
	api.IfMatch(etag).Patch(path, m{"address": nil}).Want(t, 403, "field_not_writable").Field(t, "/address/city", "field_not_writable")
	contact := path + "/contacts/" + a.Contacts[0].ID
	for field, value := range map[string]any{"email": "x@y.example", "phone": "13800138001", "title": "x", "primary": true} {
		api.IfMatch(`"1"`).Patch(contact, m{field: value}).Want(t, 403, "field_not_writable").Field(t, "/"+field, "field_not_writable")
		api.Post(path+"/contacts", m{"name": "x", field: value}).Want(t, 403, "field_not_writable")
	}
	for _, f := range []string{"type=individual", "type=enterprise", "ownerId=" + string(boss.User)} {
		api.Get("/v1/accounts?"+f).Want(t, 400, "unknown_field")
	}
	if d.dump(t) != before {
		t.Error("the store changed")
	}
	// What is hidden from the writer and became required is not asked of them: the answer would tell that it is empty.
	d.settings(t, func(s map[string]any) { s["requiredAccountFields"] = []any{"name"} })
	bare := d.create(t, boss, m{"email": nil, "type": nil})
	d.settings(t, func(s map[string]any) { s["requiredAccountFields"] = []any{"name", "email"} })
	api.IfMatch(`"1"`).Patch("/v1/accounts/"+bare.ID, m{"stage": "loyal"}).Want(t, 200, "")
	d.As(boss).IfMatch(`"2"`).Patch("/v1/accounts/"+bare.ID, m{"stage": "buying"}).Want(t, 422, "required")
}

// TestDepartmentMove holds that an account is moved only within what its editor may edit.
func TestDepartmentMove(t *testing.T) {
	d := open(t)
	north, south := d.department(t, ""), d.department(t, "")
	boss, head := d.user(t, all(policy.All)...), d.user(t, all(policy.Department)...)
	d.seat(t, head, north, "")
	a := d.create(t, boss, m{"departmentId": north})
	path := "/v1/accounts/" + a.ID
	before := d.dump(t)
	d.As(head).IfMatch(`"1"`).Patch(path, m{"departmentId": south}).Want(t, 403, "permission_denied").Field(t, "/departmentId", "permission_denied")
	d.As(head).IfMatch(`"1"`).Patch(path, m{"departmentId": nil}).Want(t, 403, "permission_denied")
	d.As(boss).IfMatch(`"1"`).Patch(path, m{"departmentId": id.New[id.Department](d.IDs)}).Want(t, 422, "unknown_department")
	if d.dump(t) != before {
		t.Error("the store changed")
	}
	d.As(boss).IfMatch(`"1"`).Patch(path, m{"departmentId": south}).Want(t, 200, "")
	d.As(head).Get(path).Want(t, 404, "not_found")
	if n := d.listAll(t, head, "limit=10"); len(n) != 0 {
		t.Errorf("listed %v", n)
	}
}

// TestList holds A07 through the API: order, pages, bad pages, filters.
func TestList(t *testing.T) {
	d := open(t, func(r *principal.Tenant) { r.Shards = 4 })
	boss, rep := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...)
	var want []string
	for n := range 12 {
		e := m{"name": fmt.Sprint("No ", n), "type": []string{"enterprise", "individual"}[n%2]}
		if n%3 == 0 {
			e["ownerId"] = rep.User
		}
		want = slices.Insert(want, 0, d.create(t, boss, e).ID)
	}
	for _, limit := range []int{1, 5, 12, 100} {
		if got := d.listAll(t, boss, fmt.Sprint("limit=", limit)); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
	if got := d.listAll(t, rep, "limit=3"); len(got) != 4 {
		t.Errorf("rep sees %v", got)
	}
	if got := d.listAll(t, boss, "limit=2&type=individual&ownerId="+string(rep.User)); len(got) != 2 {
		t.Errorf("filtered: %v", got)
	}
	api := d.As(boss)
	for _, q := range []string{"limit=0", "limit=-1", "limit=101", "limit=1000000000", "limit=abc"} {
		api.Get("/v1/accounts?"+q).Want(t, 400, "invalid_page_size")
	}
	var page struct {
		NextCursor string `json:"nextCursor"`
	}
	api.Get("/v1/accounts?limit=2").Want(t, 200, "").Read(t, &page)
	changed := page.NextCursor[:len(page.NextCursor)-2] + "zz"
	for _, q := range []string{"cursor=" + changed, "cursor=x", "status=active&cursor=" + page.NextCursor} {
		api.Get("/v1/accounts?limit=2&"+q).Want(t, 400, "invalid_cursor")
	}
	d.As(rep).Get("/v1/accounts?limit=2&cursor="+page.NextCursor).Want(t, 400, "invalid_cursor")
	api.Get("/v1/accounts?status=gone").Want(t, 400, "invalid_parameter")
	api.Get("/v1/accounts?colour=red").Want(t, 400, "unknown_parameter")
	api.Get("/v1/accounts?ownerId=x").Want(t, 400, "invalid_id")
	api.Get("/v1/accounts?departmentId=x").Want(t, 400, "invalid_id")
}
