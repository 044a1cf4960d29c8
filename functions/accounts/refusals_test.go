package accounts_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// TestBadInput holds the section Accounts of what bad input gets: status, code and place of each, and a store that did not change.
func TestBadInput(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	d.rules(t, boss, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Edit})
	elsewhere := d.Deployment.User(t, d.Tenant(t), all(policy.All)...)
	before := d.dump(t)
	for name, c := range map[string]struct {
		edit   m
		status int
		code   string
		at     string
	}{
		"9 server's own field":       {m{"createdAt": "2026-01-01T00:00:00Z"}, 400, "field_not_writable", "/createdAt"},
		"9 tenantId":                 {m{"tenantId": "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB"}, 400, "field_not_writable", "/tenantId"},
		"9 status":                   {m{"status": "inactive"}, 400, "field_not_writable", "/status"},
		"7 unknown field":            {m{"nmae": "x"}, 400, "unknown_field", "/nmae"},
		"12 NUL in a name":           {m{"name": "a\x00b"}, 422, "forbidden_character", "/name"},
		"12 bidi override in a name": {m{"name": "a\u202eb"}, 422, "forbidden_character", "/name"},
		"12 zero width in a name":    {m{"name": "a\u200bb"}, 422, "forbidden_character", "/name"},
		"12 line feed in a city":     {m{"address": m{"city": "a\nb"}}, 422, "forbidden_character", "/address/city"},
		"62 null owner":              {m{"ownerId": jsonNull}, 422, "owner_required", "/ownerId"},
		"62 blank owner":             {m{"ownerId": " "}, 422, "owner_required", "/ownerId"},
		"63 malformed owner":         {m{"ownerId": "../x"}, 422, "invalid_owner", "/ownerId"},
		"63 unknown owner":           {m{"ownerId": id.New[id.User](d.IDs)}, 422, "invalid_owner", "/ownerId"},
		"63 owner of another tenant": {m{"ownerId": elsewhere.User}, 422, "invalid_owner", "/ownerId"},
		"64 custom field":            {m{"custom": m{"a/b~c": 1}}, 422, "unknown_field", "/custom/a~1b~0c"},
		"64 category":                {m{"categoryIds": []string{"cat"}}, 422, "unknown_category", "/categoryIds/0"},
		"65 name of spaces":          {m{"name": "   "}, 422, "required", "/name"},
		"65 name of 201":             {m{"name": strings.Repeat("龘", 201)}, 422, "too_long", "/name"},
		"65 Zalgo":                   {m{"name": "Z" + strings.Repeat("\u0301", 200)}, 422, "too_many_marks", "/name"},
		"67 two primary contacts":    {m{"contacts": []m{{"name": "A", "primary": true}, {"name": "B"}, {"name": "C", "primary": true}}}, 422, "one_primary", "/contacts/2/primary"},
		"contact without a name":     {m{"contacts": []m{{"title": "x"}}}, 422, "required", "/contacts/0/name"},
		"contact's e-mail":           {m{"contacts": []m{{"name": "A", "email": "a@"}}}, 422, "invalid_email", "/contacts/0/email"},
		"contact's phone":            {m{"contacts": []m{{"name": "A"}, {"name": "B", "phone": "12"}}}, 422, "invalid_phone", "/contacts/1/phone"},
		"contact's unknown field":    {m{"contacts": []m{{"name": "A", "wechat": "x"}}}, 400, "unknown_field", "/contacts/0/wechat"},
		"37 e-mail":                  {m{"email": "no at sign"}, 422, "invalid_email", "/email"},
		"38 e-mail in full width":    {m{"email": "ａ@b.example"}, 422, "email_ambiguous", "/email"},
		"42 phone":                   {m{"phone": "12345"}, 422, "invalid_phone", "/phone"},
		"42 extension":               {m{"phone": "021-62798888 ext. 12"}, 422, "phone_extension_unsupported", "/phone"},
		"16 wrong type":              {m{"name": 12}, 422, "wrong_type", "/name"},
		"type":                       {m{"type": "company"}, 422, "not_one_of", "/type"},
		"value tier":                 {m{"valueTier": "High"}, 422, "not_one_of", "/valueTier"},
		"stage":                      {m{"stage": "lost"}, 422, "not_one_of", "/stage"},
		"protection":                 {m{"protection": "vault"}, 422, "protection_unsupported", "/protection"},
		"country of three letters":   {m{"address": m{"country": "CHN"}}, 422, "unknown_country", "/address/country"},
		"country that is none":       {m{"address": m{"country": "ZZ"}}, 422, "unknown_country", "/address/country"},
		"country that is a union":    {m{"address": m{"country": "EU"}}, 422, "unknown_country", "/address/country"},
		"country in another form":    {m{"address": m{"country": "UK"}}, 422, "unknown_country", "/address/country"},
		"website without scheme":     {m{"website": "lotus.example"}, 422, "invalid_website", "/website"},
		"website of a script":        {m{"website": "javascript:alert(1)"}, 422, "invalid_website", "/website"},
		"website with a password":    {m{"website": "https://u:p@lotus.example"}, 422, "invalid_website", "/website"},
		"website without host":       {m{"website": "https:///x"}, 422, "invalid_website", "/website"},
		"website too long":           {m{"website": "https://lotus.example/" + strings.Repeat("x", 500)}, 422, "too_long", "/website"},
		"industry too long":          {m{"industry": strings.Repeat("x", 101)}, 422, "too_long", "/industry"},
		"id number too long":         {m{"idNumber": strings.Repeat("1", 65)}, 422, "too_long", "/idNumber"},
		"street too long":            {m{"address": m{"street": strings.Repeat("x", 301)}}, 422, "too_long", "/address/street"},
		"postal code too long":       {m{"address": m{"postalCode": strings.Repeat("1", 21)}}, 422, "too_long", "/address/postalCode"},
		"52 malformed department":    {m{"departmentId": "d"}, 422, "unknown_department", "/departmentId"},
		"52 unknown department":      {m{"departmentId": id.New[id.Department](d.IDs)}, 422, "unknown_department", "/departmentId"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/v1/accounts", "/v1/accounts?validateOnly=true"} {
				a := d.As(boss).Post(path, lotus(c.edit)).Want(t, c.status, c.code).Field(t, c.at, c.code)
				if slices.ContainsFunc([]string{"龘龘", "no at sign", "elsewhere", "javascript", "u:p"}, func(s string) bool { return bytes.Contains(a.Body, []byte(s)) }) {
					t.Errorf("the answer echoes: %s", a.Body)
				}
			}
		})
	}
	if d.dump(t) != before {
		t.Error("the store changed")
	}
	a := d.As(boss).Post("/v1/accounts", m{"type": "x", "email": "a@", "website": "ftp://x", "address": m{"country": "??"}}).Want(t, 422, "validation_failed")
	if n := len(a.Problem().Errors); n != 6 { // the four, and name and phone missing
		t.Errorf("%d errors: %s", n, a.Body)
	}
}

var jsonNull = (*string)(nil)

// TestNameLengths holds that lengths count code points after normalisation.
func TestNameLengths(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	for _, name := range []string{"x", strings.Repeat("龘", 200), strings.Repeat("🪷", 200), strings.Repeat("e\u0301", 200)} {
		d.As(boss).Post("/v1/accounts", lotus(m{"name": name})).Want(t, 201, "")
	}
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
