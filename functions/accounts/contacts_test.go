package accounts_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
)

// TestContacts holds A11 through the API.
func TestContacts(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	a := d.create(t, boss)
	path, api := "/v1/accounts/"+a.ID+"/contacts", d.As(boss)
	first := api.Post(path, m{"name": "Ann", "title": "Buyer", "phone": "13900139000"}).Want(t, 201, "")
	var ann, bob contactBody
	first.Read(t, &ann)
	if !ann.Primary || ann.Phone != "+8613900139000" || first.Header.Get("Location") != path+"/"+ann.ID {
		t.Errorf("%+v, Location %s", ann, first.Header.Get("Location"))
	}
	if b := api.Get(path+"/"+ann.ID).Want(t, 200, ""); !bytes.Equal(b.Body, first.Body) || b.ETag() != first.ETag() {
		t.Errorf("%s\n%s", first.Body, b.Body)
	}
	if e := api.Get("/v1/accounts/" + a.ID).ETag(); e != `"2"` {
		t.Errorf("the account is at %s", e)
	}
	api.Post(path, m{"name": "Bob", "primary": true}).Want(t, 201, "").Read(t, &bob)
	api.IfMatch(`"1"`).Patch(path+"/"+ann.ID, m{"title": "x"}).Want(t, 412, "version_conflict") // she was demoted
	api.IfMatch(`"1"`).Patch(path+"/"+bob.ID, m{"primary": false}).Want(t, 422, "one_primary").Field(t, "/primary", "one_primary")
	api.IfMatch(`"1"`).Patch(path+"/"+bob.ID, m{"name": nil}).Want(t, 422, "required").Field(t, "/name", "required")
	same := api.IfMatch(`"1"`).Patch(path+"/"+bob.ID, m{"name": "Bob", "primary": true}).Want(t, 200, "")
	if same.ETag() != `"1"` {
		t.Errorf("a patch that changes nothing gave %s", same.ETag())
	}
	api.IfMatch(`"2"`).Patch(path+"/"+ann.ID, m{"title": nil, "primary": true}).Want(t, 200, "")
	api.Delete(path+"/"+ann.ID).Want(t, 428, "if_match_required")
	api.IfMatch(`"2"`).Delete(path+"/"+ann.ID).Want(t, 412, "version_conflict")
	api.IfMatch(`"3"`).Delete(path+"/"+ann.ID).Want(t, 204, "")
	_, last := d.events(t)
	if last["action"] != "contacts.delete" || last["target"] != a.ID || last["note"] != ann.ID {
		t.Errorf("%v", last)
	}
	api.Get(path+"/"+ann.ID).Want(t, 404, "not_found")
	api.Get(path+"/x").Want(t, 404, "not_found")
	var list struct {
		Items []contactBody `json:"items"`
		Count struct {
			Value int  `json:"value"`
			Exact bool `json:"exact"`
		} `json:"count"`
	}
	api.Get(path+"?count=true").Want(t, 200, "").Read(t, &list)
	if len(list.Items) != 1 || list.Items[0].ID != bob.ID || !list.Items[0].Primary || list.Count.Value != 1 || !list.Count.Exact {
		t.Errorf("%+v", list)
	}
	// A contact of one account is not found under another.
	other := d.create(t, boss)
	api.Get("/v1/accounts/"+other.ID+"/contacts/"+bob.ID).Want(t, 404, "not_found")
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
