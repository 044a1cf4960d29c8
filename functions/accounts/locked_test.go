package accounts_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/me"
	"github.com/steward-crm/steward/functions/org"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// vault is a tenant with sealed values of every kind, and a master key that its test disables.
type vault struct {
	*desk
	boss, reader, self    edgetest.Client
	whole, half, none, of string // paths: accounts with all, one and no sealed value, and a contact
	user                  string // path
}

func openVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{desk: open(t, func(row *principal.Tenant) { row.Settings.RequiredAccountFields = []string{"name"} })}
	v.Server = edgetest.Serve(t, v.Platform, slices.Concat(
		accounts.Routes(v.Platform), users.Routes(v.Platform), org.Routes(v.Platform), me.Routes(v.Platform)))
	var rights []policy.Grant
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			rights = append(rights, policy.Grant{Module: e.Module, Action: a, Scope: policy.All})
		}
	}
	boss, reader := v.Deployment.User(t, v.tenant, rights...), v.Deployment.User(t, v.tenant, rights...)
	v.rules(t, boss, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Edit})
	v.rules(t, reader, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Read, "email": policy.Hidden, "phone": policy.Masked})
	v.rules(t, reader, policy.ModContact, map[string]policy.Access{"email": policy.Masked, "phone": policy.Hidden})
	v.rules(t, reader, policy.ModUser, map[string]policy.Access{"email": policy.Masked, "phone": policy.Hidden})
	v.boss, v.reader = v.As(boss), v.As(reader)

	v.whole = "/v1/accounts/" + v.create(t, boss, m{"idNumber": "91310000", "contacts": []m{{"name": "Ann", "email": "ann@lotus.example", "phone": "13900139000"}}}).ID
	v.half = "/v1/accounts/" + v.create(t, boss, m{"name": "Half", "phone": nil}).ID
	v.none = "/v1/accounts/" + v.create(t, boss, m{"name": "None", "phone": nil, "email": nil, "contacts": []m{{"name": "Nobody"}}}).ID
	var a accountBody
	v.boss.Get(v.whole).Want(t, 200, "").Read(t, &a)
	v.of = v.whole + "/contacts/" + a.Contacts[0].ID
	v.boss.IfMatch("*").Put("/v1/company", m{"name": "Acme", "email": "office@acme.example"}).Want(t, 200, "")
	var u struct {
		ID id.User `json:"id"`
	}
	v.boss.Post("/v1/users", m{"name": "Li Lei", "email": "li.lei@acme.example", "phone": "13800138000"}).Want(t, 201, "").Read(t, &u)
	v.Edit(t, key.User(v.tenant, u.ID), func(doc map[string]any) { doc["status"], doc["active"] = "active", true })
	v.Edit(t, key.Place(v.tenant, u.ID), func(doc map[string]any) { doc["active"] = true })
	v.Edit(t, key.Tenant(v.tenant), func(doc map[string]any) { doc["orgVer"] = doc["orgVer"].(float64) + 1 })
	v.user, v.self = "/v1/users/"+string(u.ID), v.As(edgetest.Who{Tenant: v.tenant, User: u.ID})
	return v
}

// turn puts the master key into the state and waits until no process knows it otherwise.
func (v *vault) turn(t *testing.T, s keys.State) {
	t.Helper()
	if err := v.Master.SetState(keys.Data, s); err != nil {
		t.Fatal(err)
	}
	v.Clock.Add(61 * time.Second)
}

var isLocked = m{"locked": true}

// locked gives a body in which the named fields at the place ("" is the body, "items/0" the first of its items) are
// locked.
func locked(body m, at string, fields ...string) {
	var x any = body
	for step := range strings.SplitSeq(at, "/") {
		switch v := x.(type) {
		case m:
			if step != "" {
				x = v[step]
			}
		case []any:
			x = v[step[0]-'0']
		}
	}
	for _, f := range fields {
		x.(m)[f] = isLocked
	}
}

// TestDisabledKey holds the promise of a key that is disabled: what is plain is read as ever, what is sealed reads as locked, nothing is
// written, and all comes back by itself.
func TestDisabledKey(t *testing.T) {
	account, contact := []string{"email", "phone", "idNumber"}, []string{"email", "phone"}
	for _, state := range []keys.State{keys.Disabled, keys.PendingDeletion} {
		t.Run(string(state), func(t *testing.T) {
			v := openVault(t)
			reads := []struct {
				what, path string
				who        edgetest.Client
				lock       func(m)
			}{
				{"an account with its contacts", v.whole, v.boss, func(b m) { locked(b, "", account...); locked(b, "contacts/0", contact...) }},
				{"an account of which one value is sealed may hold others", v.half, v.boss, func(b m) { locked(b, "", account...) }},
				{"an account without sealed values has nothing to lock", v.none, v.boss, func(m) {}},
				{"the list of accounts", "/v1/accounts?count=true", v.boss, func(b m) { locked(b, "items/1", account...); locked(b, "items/2", account...) }},
				{"a filtered list", "/v1/accounts?status=active", v.boss, func(b m) { locked(b, "items/1", account...); locked(b, "items/2", account...) }},
				{"hidden stays hidden, masked is locked", v.whole, v.reader, func(b m) { locked(b, "", "phone", "idNumber"); locked(b, "contacts/0", "email") }},
				{"a contact", v.of, v.boss, func(b m) { locked(b, "", contact...) }},
				{"a contact under field rules", v.of, v.reader, func(b m) { locked(b, "", "email") }},
				{"contacts", v.whole + "/contacts?count=true", v.boss, func(b m) { locked(b, "items/0", contact...) }},
				{"a contact without sealed values", v.none + "/contacts", v.boss, func(m) {}},
				{"a user", v.user, v.boss, func(b m) { locked(b, "", contact...) }},
				{"a user under field rules", v.user, v.reader, func(b m) { locked(b, "", "email") }},
				{"what a user holds", v.user + "/holdings", v.boss, func(m) {}},
				{"users", "/v1/users?status=active&count=true", v.boss, func(b m) {
					for i, u := range b["items"].([]any) {
						if strings.HasSuffix(v.user, u.(m)["id"].(string)) {
							locked(b, "items/"+string(rune('0'+i)), contact...)
						}
					}
				}},
				{"oneself", "/v1/me", v.self, func(b m) { locked(b, "", contact...) }},
				{"the company", "/v1/company", v.boss, func(b m) { locked(b, "", contact...) }},
				{"settings", "/v1/settings", v.boss, func(m) {}},
			}
			before := make([]string, len(reads))
			for i, r := range reads {
				before[i] = string(r.who.Get(r.path).Want(t, 200, "").Body)
			}
			var page struct {
				Next string `json:"nextCursor"`
			}
			v.boss.Get("/v1/accounts?limit=2").Want(t, 200, "").Read(t, &page)

			stranger := v.As(v.Deployment.User(t, v.tenant, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.Own}))

			v.turn(t, state)
			store := v.dump(t)
			for i, r := range reads {
				var want, got m
				read(t, []byte(before[i]), &want)
				r.lock(want)
				r.who.Get(r.path).Want(t, 200, "").Read(t, &got)
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s (-want +got):\n%s", r.what, d)
				}
			}
			v.boss.Get("/v1/accounts?limit=2").Want(t, 423, "key_unavailable") // its nextCursor cannot be sealed
			v.boss.Get("/v1/accounts?limit=2&cursor="+page.Next).Want(t, 423, "key_unavailable")

			stranger.Get(v.whole).Want(t, 404, "not_found")
			v.refuses(t)
			if d := cmp.Diff(store, v.dump(t)); d != "" {
				t.Errorf("a refused change left something:\n%s", d)
			}

			v.turn(t, keys.Enabled)
			for i, r := range reads {
				if got := string(r.who.Get(r.path).Want(t, 200, "").Body); got != before[i] {
					t.Errorf("%s came back as\n%s\nand was\n%s", r.what, got, before[i])
				}
			}
			v.boss.Get("/v1/accounts?limit=2&cursor="+page.Next).Want(t, 200, "")
			v.boss.IfMatch("*").Patch(v.whole, m{"email": "new@lotus.example"}).Want(t, 200, "")
		})
	}
}

// refuses tries every kind of change.
func (v *vault) refuses(t *testing.T) {
	t.Helper()
	whatever := v.boss.IfMatch("*")
	for _, w := range []struct {
		who          edgetest.Client
		method, path string
		body         any
	}{
		{v.boss, http.MethodPost, "/v1/accounts", lotus()},
		{v.boss, http.MethodPost, "/v1/accounts?validateOnly=true", lotus()},
		{v.boss.Once("a key"), http.MethodPost, "/v1/accounts", lotus()},
		{whatever, http.MethodPatch, v.whole, m{"name": "Only the name"}},
		{whatever, http.MethodPatch, v.whole, m{"email": nil}},
		{whatever, http.MethodPatch, v.whole, m{}},
		{whatever, http.MethodPatch, v.none, m{"email": "none@lotus.example"}},
		{v.boss, http.MethodPost, v.whole + "/deactivate", nil},
		{v.boss, http.MethodPost, v.whole + "/reactivate", nil},
		{v.boss, http.MethodPost, v.none + "/contacts", m{"name": "Bob"}},
		{whatever, http.MethodPatch, v.of, m{"title": "CEO"}},
		{whatever, http.MethodDelete, v.of, nil},
		{v.boss, http.MethodPost, "/v1/users", m{"name": "Han", "email": "han@acme.example"}},
		{whatever, http.MethodPatch, v.user, m{"name": "Only the name"}},
		{whatever, http.MethodPut, v.user + "/roles", m{"roleIds": []string{}}},
		{v.boss, http.MethodPost, v.user + "/deactivate", nil},
		{v.boss, http.MethodPost, v.user + "/sign-out", nil},
		{whatever, http.MethodDelete, v.user, nil},
		{v.self.IfMatch("*"), http.MethodPatch, "/v1/me", m{"name": "Only the name"}},
		{whatever, http.MethodPut, "/v1/company", m{"name": "Acme", "email": "office@acme.example"}},
		{whatever, http.MethodPatch, "/v1/settings", m{"locale": "zh-TW"}},
		{v.boss, http.MethodPost, "/v1/departments", m{"name": "Sales"}},
	} {
		if a := w.who.Do(w.method, w.path, w.body); a.Status != 423 || a.Code() != "key_unavailable" {
			t.Errorf("%s %s %v: %d %s", w.method, w.path, w.body, a.Status, a.Body)
		}
	}
}
