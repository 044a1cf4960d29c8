package accounts_test

import (
	"bytes"
	"testing"

	"github.com/steward-crm/steward/shared/policy"
)

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
