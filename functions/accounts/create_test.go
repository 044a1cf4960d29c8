package accounts_test

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"testing"

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
