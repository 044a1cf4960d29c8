package accounts_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestCreateAndGet holds A01, A02 and A23: what was sent is what is answered and read again, normalised.
func TestCreateAndGet(t *testing.T) {
	d := open(t)
	dept := d.department(t, "")
	boss := d.user(t, all(policy.All)...)
	d.rules(t, boss, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Edit})
	body := m{
		"name": "  Cafe\u0301 蓮花貿易 🪷 ", "type": "enterprise", "valueTier": "high", "stage": "buying",
		"email": "Sales@例子.公司", "phone": "138 0013 8000", "idNumber": "91310000MA1FL0LU0X",
		"address": m{"country": "cn", "region": "上海", "city": "上海", "street": "南京西路 1 号\n2 楼", "postalCode": "200040"},
		"website": "https://lotus.example/关于", "industry": "Tea", "departmentId": string(dept), "protection": "standard",
		"categoryIds": []string{}, "custom": m{},
		"contacts": []m{{"name": "Ann", "title": "采购", "email": "ann@lotus.example", "phone": "021-6279 8888"}, {"name": "Bob", "primary": true}},
	}
	made := d.As(boss).Post("/v1/accounts", body).Want(t, 201, "")
	var a accountBody
	made.Read(t, &a)
	if made.Header.Get("Location") != "/v1/accounts/"+a.ID || made.ETag() == "" {
		t.Errorf("Location %q, ETag %q", made.Header.Get("Location"), made.ETag())
	}
	got := d.As(boss).Get("/v1/accounts/"+a.ID).Want(t, 200, "")
	if !bytes.Equal(got.Body, made.Body) || got.ETag() != made.ETag() {
		t.Errorf("created %s %s\nread    %s %s", made.ETag(), made.Body, got.ETag(), got.Body)
	}
	for _, want := range []string{
		`"name":"Café 蓮花貿易 🪷"`, `"email":"Sales@例子.公司"`, `"phone":"+8613800138000"`, `"idNumber":"91310000MA1FL0LU0X"`, `"country":"CN"`,
		`"street":"南京西路 1 号\n2 楼"`, `"type":"enterprise"`, `"valueTier":"high"`, `"stage":"buying"`, `"phone":"+862162798888"`,
		`"ownerId":"` + string(boss.User), `"departmentId":"` + string(dept), `"protection":"standard"`, `"status":"active"`, `"contactCount":2`,
	} {
		if !bytes.Contains(got.Body, []byte(want)) {
			t.Errorf("no %s in %s", want, got.Body)
		}
	}
	if len(a.Contacts) != 2 || a.Contacts[0].Primary || !a.Contacts[1].Primary {
		t.Errorf("contacts %+v", a.Contacts)
	}
	n, last := d.events(t)
	if n != 1 || last["action"] != "accounts.create" || last["target"] != a.ID {
		t.Errorf("%d events, %v", n, last)
	}
}

// TestCreateOnce holds A01 and I18: one key, one account, also when many send it at once.
func TestCreateOnce(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	const body = `{"name":"Lotus Trading","email":"hello@lotus.example","phone":"+8613800138000"}`
	c := d.As(boss).Once("k1")
	first := c.Post("/v1/accounts", body).Want(t, 201, "")
	again := c.Post("/v1/accounts", body).Want(t, 201, "")
	if !bytes.Equal(first.Body, again.Body) || first.ETag() != again.ETag() {
		t.Errorf("%s\n%s", first.Body, again.Body)
	}
	c.Post("/v1/accounts", lotus(m{"name": "Other"})).Want(t, 422, "idempotency_mismatch")

	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]int{}
	for range 16 {
		wg.Go(func() {
			for {
				a := d.As(boss).Once("k2").Post("/v1/accounts", body)
				if a.Status == http.StatusConflict && a.Code() == "idempotency_in_flight" {
					continue
				}
				var b accountBody
				if a.Status == 201 {
					a.Read(t, &b)
				}
				mu.Lock()
				ids[fmt.Sprint(a.Status, b.ID)]++
				mu.Unlock()
				return
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("answers: %v", ids)
	}
	if n := len(d.listAll(t, boss, "limit=100")); n != 2 {
		t.Errorf("%d accounts", n)
	}
}

// TestFullCommit holds that the largest body that is accepted fits one commit, idempotency record and all.
func TestFullCommit(t *testing.T) {
	d := open(t)
	dept := d.department(t, "")
	boss := d.user(t, all(policy.All)...)
	contacts := func(n int) (out []m) {
		for i := range n {
			out = append(out, m{"name": fmt.Sprint("No ", i), "email": fmt.Sprintf("c%d@lotus.example", i), "phone": fmt.Sprintf("+8613800138%03d", i)})
		}
		return out
	}
	a := d.As(boss).Once("full").Post("/v1/accounts", lotus(m{"departmentId": dept, "contacts": contacts(30)})).Want(t, 201, "")
	var made accountBody
	a.Read(t, &made)
	if len(made.Contacts) != 30 || !made.Contacts[0].Primary {
		t.Errorf("%d contacts", len(made.Contacts))
	}
	before := d.dump(t)
	d.As(boss).Post("/v1/accounts", lotus(m{"contacts": contacts(31)})).Want(t, 422, "too_many_contacts").Field(t, "/contacts", "too_many_contacts")
	if d.dump(t) != before {
		t.Error("the store changed")
	}
}

// TestRequiredFields holds A03: all that is missing is named at once, in the caller's language; the tenant decides what is required; what
// becomes required later is asked for by the next write and never by a read.
func TestRequiredFields(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	api := d.As(boss)
	for _, body := range []any{m{}, m{"name": "", "email": "", "phone": ""}, m{"name": " \t ", "email": "  ", "phone": "\u3000"}} {
		a := api.Post("/v1/accounts", body).Want(t, 422, "required")
		for _, p := range []string{"/name", "/email", "/phone"} {
			a.Field(t, p, "required")
		}
		if n := len(a.Problem().Errors); n != 3 {
			t.Errorf("%d errors", n)
		}
	}
	zh := api.With("Accept-Language", "zh-CN").Post("/v1/accounts", m{}).Want(t, 422, "required").Problem().Errors[0].Message
	en := api.With("Accept-Language", "en").Post("/v1/accounts", m{}).Want(t, 422, "required").Problem().Errors[0].Message
	if zh == en || zh == "" || en == "" {
		t.Errorf("messages %q and %q", zh, en)
	}

	d.settings(t, func(s map[string]any) { s["requiredAccountFields"] = []any{} })
	a := api.Post("/v1/accounts", m{"name": "Only a name"}).Want(t, 201, "")
	api.Post("/v1/accounts", m{"email": "a@b.example"}).Want(t, 422, "required").Field(t, "/name", "required")

	d.settings(t, func(s map[string]any) { s["requiredAccountFields"] = []any{"industry", "address", "valueTier"} })
	full := api.Post("/v1/accounts", m{"name": "Full"}).Want(t, 422, "required")
	full.Field(t, "/industry", "required").Field(t, "/address", "required").Field(t, "/valueTier", "required")
	var old accountBody
	a.Read(t, &old)
	path := "/v1/accounts/" + old.ID
	api.Get(path).Want(t, 200, "")
	api.IfMatch(a.ETag()).Patch(path, m{"name": "Renamed"}).Want(t, 422, "required").Field(t, "/industry", "required").Field(t, "/address", "required")
	api.IfMatch(a.ETag()).Patch(path, m{"name": "Renamed", "industry": "Tea", "valueTier": "low", "address": m{"city": "Hangzhou"}}).Want(t, 200, "")
}

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

// TestValidateOnly holds A05: the verdict of the real call, and nothing kept.
func TestValidateOnly(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	rep := d.user(t, all(policy.Own)...)
	a := d.create(t, boss)
	before := d.dump(t)
	d.As(boss).Post("/v1/accounts?validateOnly=true", lotus(m{"contacts": []m{{"name": "A"}}})).Want(t, 200, "")
	d.As(boss).Post("/v1/accounts?validateOnly=true", m{"name": "x"}).Want(t, 422, "required")
	d.As(rep).Post("/v1/accounts?validateOnly=true", lotus(m{"ownerId": boss.User})).Want(t, 403, "permission_denied")
	d.As(boss).IfMatch(`"1"`).Patch("/v1/accounts/"+a.ID+"?validateOnly=true", m{"name": "y"}).Want(t, 200, "")
	d.As(boss).IfMatch(`"9"`).Patch("/v1/accounts/"+a.ID+"?validateOnly=true", m{"name": "y"}).Want(t, 412, "version_conflict")
	d.As(boss).Post("/v1/accounts/"+a.ID+"/deactivate?validateOnly=true", nil).Want(t, 200, "")
	d.As(boss).Post("/v1/accounts/"+a.ID+"/contacts?validateOnly=true", m{"name": "Ann"}).Want(t, 200, "")
	if d.dump(t) != before {
		t.Error("the store changed")
	}
	d.status(t, rep, principal.UserInactive)
	d.As(boss).Post("/v1/accounts?validateOnly=true", lotus(m{"ownerId": rep.User})).Want(t, 409, "owner_not_active")
}

// TestUpdate holds A06.
func TestUpdate(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	made := d.create(t, boss, m{"industry": "Tea", "address": m{"country": "CN", "city": "Hangzhou"}})
	path, api := "/v1/accounts/"+made.ID, d.As(boss)
	n0, _ := d.events(t)
	before := d.dump(t)
	api.Patch(path, m{"name": "x"}).Want(t, 428, "if_match_required")
	stale := api.IfMatch(`"7"`).Patch(path, m{"name": "x"}).Want(t, 412, "version_conflict")
	if v := stale.Problem().Version; v != 1 {
		t.Errorf("a stale request is told %d as the current version", v)
	}
	same := api.IfMatch(`"1"`).Patch(path, m{"name": "Lotus Trading", "phone": "138-0013-8000", "address": m{"city": "Hangzhou"}}).Want(t, 200, "")
	if same.ETag() != `"1"` {
		t.Errorf("a patch that changes nothing gave %s", same.ETag())
	}
	for _, own := range []string{"ownerId", "status", "createdAt", "version", "id"} {
		api.IfMatch(`"1"`).Patch(path, m{own: "x"}).Want(t, 400, "field_not_writable").Field(t, "/"+own, "field_not_writable")
	}
	api.IfMatch(`"1"`).Patch(path, m{"phone": nil}).Want(t, 422, "required").Field(t, "/phone", "required")
	api.IfMatch(`"1"`).Patch(path, m{"email": "x", "type": "y"}).Want(t, 422, "validation_failed")
	if d.dump(t) != before {
		t.Error("the store changed")
	}
	d.Clock.Add(time.Second)
	next := api.IfMatch(`"1"`).Patch(path, m{"name": "Lotus", "industry": nil, "address": m{"city": nil, "street": "West Lake 1"}}).Want(t, 200, "")
	got := api.Get(path).Want(t, 200, "")
	if next.ETag() != `"2"` || !bytes.Equal(next.Body, got.Body) {
		t.Errorf("answered %s %s\nread %s", next.ETag(), next.Body, got.Body)
	}
	if bytes.Contains(got.Body, []byte("industry")) || bytes.Contains(got.Body, []byte("city")) || !bytes.Contains(got.Body, []byte(`"address":{"country":"CN","street":"West Lake 1"}`)) {
		t.Errorf("%s", got.Body)
	}
	n, last := d.events(t)
	if n != n0+1 || fmt.Sprint(last["fields"]) != "[name address industry]" {
		t.Errorf("%d events more, %v", n-n0, last["fields"])
	}
	api.IfMatch(`"2"`).Patch(path, m{"address": nil}).Want(t, 200, "")
	if b := api.Get(path).Body; bytes.Contains(b, []byte("address")) {
		t.Errorf("%s", b)
	}
}

// TestEachField holds that each field alone is changed, kept and emptied, and no other with it.
func TestEachField(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	d.rules(t, boss, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Edit})
	d.settings(t, func(s map[string]any) { s["requiredAccountFields"] = []any{} })
	dept := d.department(t, "")
	was := m{
		"name": "Lotus", "type": "enterprise", "valueTier": "high", "stage": "buying", "email": "a@lotus.example", "phone": "+8613800138000", "idNumber": "1",
		"address": m{"country": "CN", "region": "R", "city": "C", "street": "S", "postalCode": "1"}, "website": "https://a.example", "industry": "Tea",
		"departmentId": string(d.department(t, "")),
	}
	path := "/v1/accounts/" + d.create(t, boss, was).ID
	api := d.As(boss)
	look := func() m {
		var all m
		api.Get(path).Want(t, 200, "").Read(t, &all)
		kept := m{}
		for f := range was {
			if v, ok := all[f]; ok {
				kept[f] = v
			}
		}
		return kept
	}
	if got := look(); fmt.Sprint(got) != fmt.Sprint(was) {
		t.Fatalf("was %v\nis  %v", was, got)
	}
	for f, v := range (m{
		"name": "Rose", "type": "individual", "valueTier": "low", "stage": "loyal", "email": "b@lotus.example", "phone": "+8613800138001", "idNumber": "2",
		"address": m{"country": "TW", "region": "r", "city": "c", "street": "s", "postalCode": "2"}, "website": "http://b.example", "industry": "Rice",
		"departmentId": string(dept),
	}) {
		api.IfMatch(api.Get(path).ETag()).Patch(path, m{f: v}).Want(t, 200, "")
		was[f] = v
		if got := look(); fmt.Sprint(got) != fmt.Sprint(was) {
			t.Errorf("%s changed: was %v\nis  %v", f, was, got)
		}
		if f == "name" {
			continue
		}
		api.IfMatch(api.Get(path).ETag()).Patch(path, m{f: nil}).Want(t, 200, "")
		delete(was, f)
		if got := look(); fmt.Sprint(got) != fmt.Sprint(was) {
			t.Errorf("%s emptied: was %v\nis  %v", f, was, got)
		}
	}
}

// TestLostUpdate holds I19: of many who edit the same version one wins.
func TestLostUpdate(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	a := d.create(t, boss)
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for n := range 10 {
		wg.Go(func() {
			r := d.As(boss).IfMatch(`"1"`).Patch("/v1/accounts/"+a.ID, m{"name": fmt.Sprint("Name ", n)})
			mu.Lock()
			count[fmt.Sprint(r.Status, r.Code())]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if count["200"] != 1 || count["412version_conflict"] != 9 {
		t.Errorf("%v", count)
	}
}

// TestFirstOwner holds A15 as far as creation goes.
func TestFirstOwner(t *testing.T) {
	d := open(t)
	north, south := d.department(t, ""), d.department(t, "")
	boss, rep := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...)
	head := d.user(t, all(policy.Department)...)
	d.seat(t, rep, north, "")
	d.seat(t, head, north, "")
	invited, leaver := d.user(t), d.user(t)
	d.status(t, invited, principal.UserInvited)
	d.status(t, leaver, principal.UserInactive)

	if a := d.create(t, rep); a.Owner != string(rep.User) || a.Dept != string(north) {
		t.Errorf("by default: %s in %s", a.Owner, a.Dept)
	}
	if a := d.create(t, boss, m{"ownerId": rep.User}); a.Owner != string(rep.User) || a.Dept != string(north) {
		t.Errorf("for another: %s in %s", a.Owner, a.Dept)
	}
	if a := d.create(t, head, m{"ownerId": rep.User}); a.Owner != string(rep.User) {
		t.Errorf("within the department: %s", a.Owner)
	}
	before := d.dump(t)
	post := func(w edgetest.Who, e m) *edgetest.Answer { return d.As(w).Post("/v1/accounts", lotus(e)) }
	post(boss, m{"ownerId": invited.User}).Want(t, 409, "owner_not_active").Field(t, "/ownerId", "owner_not_active")
	post(boss, m{"ownerId": leaver.User}).Want(t, 409, "owner_not_active")
	post(rep, m{"ownerId": boss.User}).Want(t, 403, "permission_denied")
	post(head, m{"ownerId": boss.User, "departmentId": south}).Want(t, 403, "permission_denied")
	if d.dump(t) != before {
		t.Error("the store changed")
	}
	// Without the right to transfer nobody names another, however wide the right to create.
	clerk := d.user(t, policy.Grant{Module: policy.ModAccount, Action: policy.Create, Scope: policy.All})
	post(clerk, m{"ownerId": rep.User}).Want(t, 403, "permission_denied")
	post(clerk, m{"ownerId": id.New[id.User](d.IDs)}).Want(t, 403, "permission_denied")
	post(clerk, m{"ownerId": clerk.User}).Want(t, 201, "")
	// And the new account lies within the scope of each right that it takes.
	grant := func(m policy.Module, a policy.Action, s policy.Scope) policy.Grant {
		return policy.Grant{Module: m, Action: a, Scope: s}
	}
	narrow := d.user(t, grant(policy.ModAccount, policy.Create, policy.All), grant(policy.ModAccount, policy.Transfer, policy.Own))
	post(narrow, m{"ownerId": rep.User}).Want(t, 403, "permission_denied")
	giver := d.user(t, grant(policy.ModAccount, policy.Create, policy.All), grant(policy.ModAccount, policy.Transfer, policy.All), grant(policy.ModContact, policy.Create, policy.Own))
	post(giver, m{"ownerId": rep.User, "contacts": []m{{"name": "Ann"}}}).Want(t, 403, "permission_denied")
	post(giver, m{"ownerId": rep.User}).Want(t, 201, "")
	post(giver, m{"contacts": []m{{"name": "Ann"}}}).Want(t, 201, "")
}

// TestDeactivate holds A14 and that doing it twice is doing it once.
func TestDeactivate(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	a := d.create(t, boss, m{"contacts": []m{{"name": "Ann", "phone": "13900139000"}}})
	path, api := "/v1/accounts/"+a.ID, d.As(boss)
	was := api.Get(path).Body
	api.IfMatch(`"5"`).Post(path+"/deactivate", nil).Want(t, 412, "version_conflict")
	off := api.Post(path+"/deactivate", nil).Want(t, 200, "")
	n, last := d.events(t)
	if last["action"] != "accounts.deactivate" || fmt.Sprint(last["fields"]) != "[status]" {
		t.Errorf("%v", last)
	}
	again := api.Post(path+"/deactivate", nil).Want(t, 200, "")
	if off.ETag() != `"2"` || again.ETag() != `"2"` || !bytes.Equal(off.Body, again.Body) || !bytes.Contains(off.Body, []byte(`"status":"inactive"`)) {
		t.Errorf("%s %s\n%s %s", off.ETag(), off.Body, again.ETag(), again.Body)
	}
	if m, _ := d.events(t); m != n {
		t.Error("doing nothing left an event")
	}
	api.IfMatch(`"2"`).Patch(path, m{"name": "x"}).Want(t, 409, "account_deactivated")
	on := api.Post(path+"/reactivate", nil).Want(t, 200, "")
	if strings.Replace(string(on.Body), `"version":3`, `"version":1`, 1) != string(was) {
		t.Errorf("was %s\nis  %s", was, on.Body)
	}
}

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

func (d *desk) listAll(t testing.TB, w edgetest.Who, query string) (ids []string) {
	t.Helper()
	next := ""
	for {
		var page struct {
			Items []accountBody `json:"items"`
			Next  string        `json:"nextCursor"`
		}
		q := query
		if next != "" {
			q += "&cursor=" + next
		}
		d.As(w).Get("/v1/accounts?"+q).Want(t, 200, "").Read(t, &page)
		for _, a := range page.Items {
			ids = append(ids, a.ID)
		}
		if next = page.Next; next == "" {
			return ids
		}
	}
}
