package accounts_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
)

// TestReveal holds rule 7 of the design and R06: whoever sees a field masked may look at the whole of it if a role says so, for a reason, and
// the look is in the audit. Nobody else learns anything.
func TestReveal(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	d.rules(t, boss, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Edit})
	a := d.create(t, boss, m{
		"idNumber": "SECRET-1", "phone": "+8613800138000", "address": m{"city": "Hangzhou"},
		"contacts": []m{{"name": "Ann", "email": "ann@lotus.example", "phone": "13900139000"}},
	})
	clerk := d.user(t, all(policy.All)...)
	d.rules(t, clerk, policy.ModAccount, map[string]policy.Access{"phone": policy.Masked, "email": policy.Hidden, "address.city": policy.Masked})
	d.rules(t, clerk, policy.ModContact, map[string]policy.Access{"phone": policy.Masked, "email": policy.Hidden})
	path, api := "/v1/accounts/"+a.ID, d.As(clerk)
	contact := path + "/contacts/" + a.Contacts[0].ID
	why := func(field string) m { return m{"field": field, "reason": "The customer called back"} }

	before := d.dump(t)
	for _, c := range []struct {
		says, path string
		body       any
		status     int
		code       string
	}{
		{"a hidden field", path, why("email"), 400, "unknown_field"},
		{"a sensitive field", path, why("idNumber"), 400, "unknown_field"},
		{"a field that is none", path, why("shoeSize"), 400, "unknown_field"},
		{"a whole of parts", path, why("address"), 400, "unknown_field"},
		{"a hidden field of a contact", contact, why("email"), 400, "unknown_field"},
		{"without a reason", path, m{"field": "phone"}, 422, "required"},
		{"with a blank reason", path, m{"field": "phone", "reason": " \n "}, 422, "required"},
		{"with an endless reason", path, m{"field": "phone", "reason": strings.Repeat("x", 501)}, 422, "too_long"},
		{"of nobody", "/v1/accounts/acct_01JD3Z4T0X8Y6QH2N5W7R9K1MB", why("phone"), 404, "not_found"},
		{"of no contact", path + "/contacts/cont_01JD3Z4T0X8Y6QH2N5W7R9K1MB", why("phone"), 404, "not_found"},
	} {
		t.Run(c.says, func(t *testing.T) {
			api.Post(c.path+"/reveal", c.body).Want(t, c.status, c.code)
		})
	}
	if dry := api.Post(path+"/reveal?validateOnly=true", why("phone")).Want(t, 200, ""); bytes.Contains(dry.Body, []byte("138")) {
		t.Errorf("a dry run, which leaves no event, shows %s", dry.Body)
	}
	if d.dump(t) != before {
		t.Error("the store changed")
	}

	for _, c := range []struct{ path, field, value, note string }{
		{path, "phone", "+8613800138000", ""},
		{path, "address.city", "Hangzhou", ""},
		{contact, "phone", "+8613900139000", a.Contacts[0].ID},
	} {
		var got struct{ Field, Value string }
		x := api.Post(c.path+"/reveal", why(c.field)).Want(t, 200, "")
		read(t, x.Body, &struct {
			Field *string `json:"field"`
			Value *string `json:"value"`
		}{&got.Field, &got.Value})
		if got.Field != c.field || got.Value != c.value {
			t.Errorf("%s", x.Body)
		}
		_, last := d.events(t)
		if !strings.HasSuffix(last["action"].(string), ".reveal") || last["target"] != a.ID || last["actor"] != string(clerk.User) {
			t.Errorf("%v", last)
		}
		if note, _ := last["note"].(string); note != c.note {
			t.Errorf("note %q", note)
		}
	}
	if bytes.Contains([]byte(d.dump(t)), []byte("The customer called back")) {
		t.Error("the reason lies in plain")
	}
	for says, who := range map[string]edgetest.Who{
		"may view only":       d.user(t, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All}),
		"may reveal only own": d.user(t, append(all(policy.Own), policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All})...),
	} {
		if x := d.As(who).Post(path+"/reveal", why("phone")); x.Status != 403 {
			t.Errorf("%s: %d %s", says, x.Status, x.Body)
		}
	}
	d.As(d.user(t, all(policy.Own)...)).Post(path+"/reveal", why("phone")).Want(t, 404, "not_found")
}

// TestHistory holds H13 and I7 for the past: the changes of an account as its readers may see them today.
func TestHistory(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	d.rules(t, boss, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Edit})
	a := d.create(t, boss, m{"idNumber": "SECRET-1", "email": "first@lotus.example", "phone": "+8613800138000", "contacts": []m{{"name": "Ann", "email": "ann@lotus.example"}}})
	path := "/v1/accounts/" + a.ID
	api := d.As(boss)
	api.IfMatch(`"1"`).Patch(path, m{"email": "second@lotus.example", "idNumber": "SECRET-2", "phone": "13800138001"}).Want(t, 200, "")
	api.IfMatch(`"1"`).Patch(path+"/contacts/"+a.Contacts[0].ID, m{"title": "Buyer"}).Want(t, 200, "")
	api.Post(path+"/reveal", m{"field": "phone", "reason": "To call"}).Want(t, 200, "")
	api.Post(path+"/deactivate", nil).Want(t, 200, "")

	type revision struct {
		Action  string         `json:"action"`
		Actor   string         `json:"actor"`
		Contact string         `json:"contactId"`
		Fields  []string       `json:"fields"`
		Before  map[string]any `json:"before"`
		After   map[string]any `json:"after"`
		Reason  string         `json:"reason"`
	}
	of := func(who edgetest.Who) (out []revision, all string) {
		t.Helper()
		for next := path + "/history?limit=2"; next != ""; {
			x := d.As(who).Get(next).Want(t, 200, "")
			var page struct {
				Items []revision `json:"items"`
				Next  string     `json:"nextCursor"`
			}
			read(t, x.Body, &page)
			out, all = append(out, page.Items...), all+string(x.Body)
			if next = ""; page.Next != "" {
				next = path + "/history?limit=2&cursor=" + page.Next
			}
		}
		return out, all
	}
	got, _ := of(boss)
	var actions []string
	for _, r := range got {
		actions = append(actions, r.Action)
		if r.Actor != string(boss.User) {
			t.Errorf("%+v", r)
		}
	}
	if want := "accounts.deactivate accounts.reveal contacts.update accounts.update accounts.create"; strings.Join(actions, " ") != want {
		t.Fatalf("%v", actions)
	}
	if r := got[3]; r.Before["email"] != "first@lotus.example" || r.After["email"] != "second@lotus.example" || r.After["idNumber"] != "SECRET-2" || len(r.After) != 3 {
		t.Errorf("%+v", r)
	}
	if r := got[2]; r.Contact != a.Contacts[0].ID || r.After["title"] != "Buyer" || len(r.After) != 1 {
		t.Errorf("%+v", r)
	}
	if r := got[1]; r.Reason != "To call" || len(r.After) > 0 {
		t.Errorf("%+v", r)
	}
	if r := got[0]; r.Before["status"] != "active" || r.After["status"] != "inactive" {
		t.Errorf("%+v", r)
	}

	clerk := d.user(t, all(policy.All)...)
	d.rules(t, clerk, policy.ModAccount, map[string]policy.Access{"email": policy.Hidden, "phone": policy.Masked})
	d.rules(t, clerk, policy.ModContact, map[string]policy.Access{"email": policy.Hidden})
	_, told := of(clerk)
	for _, never := range []string{"SECRET", "idNumber", "first@", "second@", `"email"`, "13800138", "ann@"} {
		if strings.Contains(told, never) {
			t.Errorf("%s in %s", never, told)
		}
	}
	for _, must := range []string{`"phone":"•••8000"`, `"phone":"•••8001"`, `"title":"Buyer"`} {
		if !strings.Contains(told, must) {
			t.Errorf("no %s in %s", must, told)
		}
	}
	plain := d.user(t, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All})
	if _, told := of(plain); strings.Contains(told, "contact") || strings.Contains(told, "Ann") {
		t.Errorf("contacts are told of: %s", told)
	}
	d.As(d.user(t, all(policy.Own)...)).Get(path+"/history").Want(t, 404, "not_found")
}

// TestReasonsGoWithWhatTheyAreFor holds I7 for the words that go with a change: why a phone number was looked at, why somebody was let in and why
// the owner changed is told to nobody from whom the number, who was let in, or the owner is hidden.
func TestReasonsGoWithWhatTheyAreFor(t *testing.T) {
	d := open(t)
	boss, bo := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...)
	a := d.create(t, boss, m{"phone": "+8613800138000"})
	path, api := "/v1/accounts/"+a.ID, d.As(boss)
	api.Post(path+"/reveal", m{"field": "phone", "reason": "looked"}).Want(t, 200, "")
	api.Post(path+"/temporary", m{"userId": bo.User, "level": "read", "expiresAt": d.Now().Add(time.Hour), "reason": "let in"}).Want(t, 201, "")
	api.IfMatch("*").Put(path+"/owner", m{"ownerId": bo.User, "reason": "handed over"}).Want(t, 200, "")
	clerk := d.user(t, all(policy.All)...)
	d.rules(t, clerk, policy.ModAccount, map[string]policy.Access{"phone": policy.Hidden, "ownerId": policy.Hidden})
	masked := d.user(t, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All})
	d.rules(t, masked, policy.ModAccount, map[string]policy.Access{"phone": policy.Masked, "ownerId": policy.Hidden})
	for says, row := range map[string]struct {
		who  edgetest.Who
		want string
	}{
		"who sees all":                         {boss, "handed over, let in, looked"},
		"who may not share":                    {d.user(t, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All}), "handed over, looked"},
		"from whom phone and owner are hidden": {clerk, "let in"},
		"who sees the phone masked":            {masked, "looked"},
	} {
		var page struct {
			Items []struct {
				Action string `json:"action"`
				Reason string `json:"reason"`
			} `json:"items"`
		}
		d.As(row.who).Get(path+"/history").Want(t, 200, "").Read(t, &page)
		var told []string
		for _, r := range page.Items {
			if r.Reason != "" {
				told = append(told, r.Reason)
			}
		}
		if got := strings.Join(told, ", "); got != row.want || len(page.Items) != 4 {
			t.Errorf("%s is told %q in %d changes, want %q", says, got, len(page.Items), row.want)
		}
	}
}
