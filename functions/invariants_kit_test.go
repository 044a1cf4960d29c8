package functions_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	notifylocal "github.com/steward-crm/steward/shared/notify/local"
	"github.com/steward-crm/steward/shared/table"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/metered"
	"github.com/steward-crm/steward/shared/webhook"
)

type m = map[string]any

// house is the whole API over one deployment, with nothing replaced: tenants come by signed webhooks, people by their invitations, and tokens
// are the provider's own. Jobs run when the test says so. Each commit is kept as it was written.
type house struct {
	*edgetest.Deployment
	t      testing.TB
	routes []edge.Route
	api    *edgetest.Server
	worker interface {
		RunDue(ctx context.Context) (ran int, err error)
	}

	mu      sync.Mutex
	commits [][]table.Write
}

func openHouse(t testing.TB, change ...func(*edgetest.Deployment)) *house {
	t.Helper()
	h := &house{Deployment: edgetest.Deploy(t), t: t}
	for _, f := range change {
		f(h.Deployment)
	}
	h.routes = functions.All(h.Platform)
	h.api = h.process()
	h.worker = functions.Worker(h.Platform)
	h.record()
	return h
}

// process is another process over the same data.
func (h *house) process() *edgetest.Server {
	return edgetest.Serve(h.t, h.Platform, functions.All(h.Platform), func(c *edge.Config) { c.Authenticator = edge.NewVerifier(h.Identity, h.Now) })
}

// record keeps the commits, and nothing else happens to them.
func (h *house) record() {
	h.Faults.Before = nil
	h.Faults.After = func(c tablelocal.Call) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.commits = append(h.commits, slices.Clone(c.Writes))
		return nil
	}
}

// since gives the commits after the first n.
func (h *house) since(n int) [][]table.Write {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.commits[n:])
}

func (h *house) work() {
	h.t.Helper()
	for range 300 {
		if _, err := h.worker.RunDue(context.WithoutCancel(h.t.Context())); err != nil {
			h.t.Fatal(err)
		}
		page, err := h.Table.Query(context.WithoutCancel(h.t.Context()), table.Query{Index: table.G4, PK: key.DueJobs, Limit: 1})
		if err != nil {
			h.t.Fatal(err)
		}
		if len(page.Items) == 0 {
			return
		}
		h.Clock.Add(5 * time.Second)
	}
	h.t.Fatal("the work does not end")
}

// person is a user with what they know.
type person struct {
	tenant                                    id.Tenant
	slug, id, email, password, token, refresh string
	client                                    edgetest.Client
}

// hook tells of a new tenant by signed webhook.
func (h *house) hook(c edgetest.Client, slug string) *edgetest.Answer {
	h.t.Helper()
	body := fmt.Sprintf(`{"type":"tenant.created","timestamp":%q,"data":{"externalId":"ext-%s","slug":%q,"locale":"en","plan":"standard",
		"company":{"name":"Firm of %s","phone":"+862168880000","email":"office@%s.example.com"},
		"admin":{"name":"Ada of %s","email":"ada@%s.example.com","phone":"+8613800138000"}}}`, h.Now().Format(time.RFC3339), slug, slug, slug, slug, slug, slug)
	at := h.Now()
	return c.With(webhook.HeaderID, "msg-"+slug).With(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10)).
		With(webhook.HeaderSignature, webhook.Sign("msg-"+slug, at, []byte(body), h.Webhook()[0])).
		Post("/webhooks/onboarding", body).Want(h.t, http.StatusAccepted, "")
}

// onboard makes a tenant and gives its administrator.
func (h *house) onboard(slug string) *person {
	h.t.Helper()
	var r struct {
		Tenant id.Tenant `json:"tenantId"`
	}
	h.hook(h.api.Anonymous(), slug).Read(h.t, &r)
	h.work()
	return h.enter(&person{tenant: r.Tenant, slug: slug, email: "ada@" + slug + ".example.com"})
}

// invite has an administrator invite somebody, who answers.
func (h *house) invite(by *person, name string, more m) *person {
	h.t.Helper()
	email := strings.ToLower(name) + "@" + by.slug + ".example.com"
	body := m{"name": name, "email": email}
	for k, v := range more {
		body[k] = v
	}
	by.client.Post("/v1/users", body).Want(h.t, http.StatusCreated, "")
	h.work()
	return h.enter(&person{tenant: by.tenant, slug: by.slug, email: email})
}

const firstPassword = "Quiet-Otter-63-ladder"

type outcome struct {
	Access    string `json:"accessToken"`
	Refresh   string `json:"refreshToken"`
	Challenge string `json:"challenge"`
	Session   string `json:"session"`
}

// enter answers the newest invitation.
func (h *house) enter(p *person) *person {
	h.t.Helper()
	p.password = h.mail(p.email, "invitation").TemporaryPassword
	var out outcome
	h.signIn(p).Want(h.t, http.StatusOK, "").Read(h.t, &out)
	p.password = firstPassword
	h.api.Anonymous().Post("/v1/auth/challenge", m{"session": out.Session, "newPassword": p.password}).Want(h.t, http.StatusOK, "").Read(h.t, &out)
	h.hold(p, out)
	var me struct {
		ID string `json:"id"`
	}
	p.client.Get("/v1/me").Want(h.t, http.StatusOK, "").Read(h.t, &me)
	p.id = me.ID
	return p
}

func (h *house) signIn(p *person) *edgetest.Answer {
	return h.api.Anonymous().Post("/v1/auth/sign-in", m{"tenant": p.slug, "email": p.email, "password": p.password})
}

func (h *house) hold(p *person, out outcome) {
	h.t.Helper()
	if out.Access == "" {
		h.t.Fatalf("no token, but %+v", out)
	}
	p.token, p.refresh, p.client = out.Access, out.Refresh, h.api.Anonymous().With("Authorization", "Bearer "+out.Access)
}

func (h *house) again(p *person) {
	h.t.Helper()
	var out outcome
	h.signIn(p).Want(h.t, http.StatusOK, "").Read(h.t, &out)
	h.hold(p, out)
}

func (h *house) mail(to, template string) notifylocal.Item {
	h.t.Helper()
	for _, it := range h.Outbox.Items() {
		if it.To == to && it.Template == template {
			return it
		}
	}
	h.t.Fatalf("no %s was sent to %s", template, to)
	return notifylocal.Item{}
}

func (h *house) get(p *person, path string) (doc m) {
	h.t.Helper()
	p.client.Get(path).Want(h.t, http.StatusOK, "").Read(h.t, &doc)
	return doc
}

// template gives the id of the tenant's role that came with it.
func (h *house) template(p *person, name string) string {
	h.t.Helper()
	for _, r := range h.get(p, "/v1/roles?limit=100")["items"].([]any) {
		if r := r.(m); r["template"] == name {
			return r["id"].(string)
		}
	}
	h.t.Fatalf("no role %s", name)
	return ""
}

// step is one mutation of a day.
type step struct {
	op     string
	who    string // id of who asked; "" for nobody
	answer *edgetest.Answer
	first  int // its commits begin here
	commit [][]table.Write
	cost   metered.Figures // where the table is metered
}

// made are the ids of what a day leaves behind, by kind.
type made map[string]string

// day does every mutation of the API that a token authorises, and the sign-ins, each with success; see is called after each.
func (h *house) day(admin *person, see func(step)) made {
	h.t.Helper()
	out := made{}
	do := func(op string, p *person, c edgetest.Client, path string, body any) m {
		h.t.Helper()
		h.Clock.Add(time.Millisecond)
		var route *edge.Route
		for i := range h.routes {
			if h.routes[i].Operation == op {
				route = &h.routes[i]
			}
		}
		if route == nil {
			h.t.Fatalf("no operation %s", op)
		}
		h.mu.Lock()
		first := len(h.commits)
		h.mu.Unlock()
		if p != nil && p.token != "" {
			p.client.Get("/v1/me") // reads what a change of rights made stale, which is not of the request that is looked at
		}
		ctx, cost := metered.Count(h.t.Context())
		a := c.Within(ctx).Do(route.Method, path, body)
		if a.Status/100 != 2 {
			h.t.Fatalf("%s: %d %s", op, a.Status, a.Body)
		}
		s := step{op: op, answer: a, first: first, commit: h.since(first), cost: cost.Figures()}
		if p != nil {
			s.who = p.id
		}
		if see != nil {
			see(s)
		}
		var doc m
		if len(a.Body) > 0 {
			a.Read(h.t, &doc)
		}
		return doc
	}
	by := func(op, path string, body any) m { h.t.Helper(); return do(op, admin, admin.client, path, body) }
	edit := func(op, path, of string, body any) m {
		h.t.Helper()
		return do(op, admin, admin.client.IfMatch(admin.client.Get(of).Want(h.t, http.StatusOK, "").ETag()), path, body)
	}
	made := func(kind, op, path string, body any) string {
		h.t.Helper()
		out[kind] = by(op, path, body)["id"].(string)
		return out[kind]
	}
	slug := admin.slug

	edit("company.set", "/v1/company", "/v1/company", m{"name": "Canary Works " + slug, "phone": "+862168881111", "email": "canary.office@" + slug + ".example.com", "address": "Canary Lane 1"})
	edit("settings.update", "/v1/settings", "/v1/settings", m{"locale": "zh-TW", "requiredAccountFields": []string{"name"}})

	top := made("department", "departments.create", "/v1/departments", m{"name": "Canary dept " + slug, "responsibilities": "All"})
	below := by("departments.create", "/v1/departments", m{"name": "Below"})["id"].(string)
	edit("departments.update", "/v1/departments/"+below, "/v1/departments/"+below, m{"name": "East", "headId": admin.id})
	by("departments.move", "/v1/departments/"+below+"/move", m{"parentId": top})
	role := made("role", "roles.create", "/v1/roles", m{
		"name": "Canary role " + slug, "level": "standard", "grants": []m{{"module": "account", "action": "view", "scope": "all"}, {"module": "account", "action": "create", "scope": "own"}},
	})
	edit("roles.update", "/v1/roles/"+role, "/v1/roles/"+role, m{"description": "For the canary"})
	spare := by("roles.create", "/v1/roles", m{"name": "Spare", "cloneOf": role})["id"].(string)
	edit("roles.delete", "/v1/roles/"+spare, "/v1/roles/"+spare, nil)
	post := made("post", "posts.create", "/v1/posts", m{"departmentId": top, "name": "Canary post " + slug, "roleIds": []string{role}})
	edit("posts.update", "/v1/posts/"+post, "/v1/posts/"+post, m{"name": "Canary seat " + slug})
	by("posts.move", "/v1/posts/"+post+"/move", m{"departmentId": below})
	spare = by("posts.create", "/v1/posts", m{"departmentId": top, "name": "Spare", "roleIds": []string{}})["id"].(string)
	edit("posts.delete", "/v1/posts/"+spare, "/v1/posts/"+spare, nil)
	spare = by("departments.create", "/v1/departments", m{"name": "Spare"})["id"].(string)
	edit("departments.delete", "/v1/departments/"+spare, "/v1/departments/"+spare, nil)

	email := "canary.li@" + slug + ".example.com"
	li := made("user", "users.create", "/v1/users", m{
		"name": "Canary Li " + slug, "email": email, "phone": "+8613912340001", "employeeNo": "E-1", "departmentId": below, "postIds": []string{post},
		"managerId": admin.id, "roleIds": []string{}, "locale": "zh-CN",
	})
	one := "/v1/users/" + li
	h.Clock.Add(2 * time.Minute)
	by("users.resendInvitation", one+"/resend-invitation", nil)
	h.work()
	p := &person{tenant: admin.tenant, slug: slug, id: li, email: email, password: h.mail(email, "invitation").TemporaryPassword}
	anyone := h.api.Anonymous()
	s := do("auth.signIn", p, anyone, "/v1/auth/sign-in", m{"tenant": slug, "email": email, "password": p.password})
	p.password = firstPassword
	t := do("auth.challenge", p, anyone, "/v1/auth/challenge", m{"session": s["session"], "newPassword": p.password})
	h.hold(p, outcome{Access: t["accessToken"].(string), Refresh: t["refreshToken"].(string)})
	own := func(op, path string, body any) m { h.t.Helper(); return do(op, p, p.client, path, body) }
	t = do("auth.refresh", p, anyone, "/v1/auth/refresh", m{"refreshToken": p.refresh})
	h.hold(p, outcome{Access: t["accessToken"].(string), Refresh: t["refreshToken"].(string)})
	do("me.update", p, p.client.IfMatch(p.client.Get("/v1/me").ETag()), "/v1/me", m{"name": "Canary Lei " + slug})
	own("me.startVerification", "/v1/me/verifications", m{"attribute": "phone"})
	h.work()
	own("me.confirmVerification", "/v1/me/verifications/confirm", m{"attribute": "phone", "code": h.mail("+8613912340001", "verify").Code})
	secret := own("me.enrolTotp", "/v1/me/totp", nil)["secret"].(string)
	code, err := totp.GenerateCode(secret, h.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	own("me.confirmTotp", "/v1/me/totp/confirm", m{"code": code})
	own("me.removeTotp", "/v1/me/totp", nil)
	own("me.changePassword", "/v1/me/password", m{"currentPassword": p.password, "newPassword": "Brisk-Maple-18-kettle"})
	p.password = "Brisk-Maple-18-kettle"
	h.Clock.Add(2 * time.Second)
	own("auth.signOut", "/v1/auth/sign-out", m{"refreshToken": p.refresh})
	do("auth.forgotPassword", nil, anyone, "/v1/auth/forgot-password", m{"tenant": slug, "email": email})
	h.work()
	do("auth.resetPassword", p, anyone, "/v1/auth/reset-password", m{"tenant": slug, "email": email, "code": h.mail(email, "reset").Code, "newPassword": "Amber-Falcon-27-anchor"})
	h.work()
	h.Clock.Add(2 * time.Second)
	do("auth.signIn", p, anyone, "/v1/auth/sign-in", m{"tenant": slug, "email": email, "password": "Amber-Falcon-27-anchor"})

	admin.again(h)
	han := by("users.createInDepartment", "/v1/departments/"+top+"/users", m{"name": "Han", "email": "han@" + slug + ".example.com"})["id"].(string)
	h.work()
	edit("users.delete", "/v1/users/"+han, "/v1/users/"+han, nil)
	edit("users.update", one, one, m{"employeeNo": "E-2", "managerId": nil})
	edit("users.setRoles", one+"/roles", one, m{"roleIds": []string{role}})
	by("users.signOut", one+"/sign-out", nil)

	filed := made("category", "categories.create", "/v1/categories", m{"name": "Canary class " + slug, "use": m{"departmentIds": []string{top}}, "grants": []m{{"userId": li, "level": "read"}}})
	edit("categories.update", "/v1/categories/"+filed, "/v1/categories/"+filed, m{"description": "For the canary", "use": nil})
	spare = by("categories.create", "/v1/categories", m{"name": "Spare"})["id"].(string)
	edit("categories.delete", "/v1/categories/"+spare, "/v1/categories/"+spare, nil)
	acct := made("account", "accounts.create", "/v1/accounts", m{
		"name": "Canary customer " + slug, "type": "enterprise", "valueTier": "high", "stage": "potential", "email": "canary.sales@" + slug + ".example.com", "phone": "+8613912340002",
		"address": m{"country": "CN", "city": "Canary city"}, "ownerId": li, "categoryIds": []string{filed}, "contacts": []m{{"name": "Canary Ann", "email": "canary.ann@" + slug + ".example.com", "primary": true}},
	})
	at := "/v1/accounts/" + acct
	edit("accounts.update", at, at, m{"stage": "buying", "email": "canary.new@" + slug + ".example.com"})
	contact := made("contact", "contacts.create", at+"/contacts", m{"name": "Canary Bob", "phone": "+8613912340003"})
	edit("contacts.update", at+"/contacts/"+contact, at+"/contacts/"+contact, m{"title": "Buyer", "primary": true})
	by("accounts.reveal", at+"/reveal", m{"field": "phone", "reason": "Canary asks why the line is dead"})
	by("contacts.reveal", at+"/contacts/"+contact+"/reveal", m{"field": "phone", "reason": "Canary asks again"})
	spare = by("contacts.create", at+"/contacts", m{"name": "Spare"})["id"].(string)
	edit("contacts.delete", at+"/contacts/"+spare, at+"/contacts/"+spare, nil)
	in := h.Now().Add(24 * time.Hour)
	by("team.set", at+"/team", m{"userId": li, "level": "read", "role": "Canary"})
	by("shares.set", at+"/shares", m{"departmentId": top, "below": true, "level": "edit", "superiors": true})
	by("overrides.set", at+"/overrides", m{"roleId": role, "delete": "off"})
	by("temporary.set", at+"/temporary", m{"userId": li, "level": "edit", "expiresAt": in, "reason": "Canary leave"})
	edit("accounts.setOwner", at+"/owner", at, m{"ownerId": admin.id, "reason": "Canary move"})
	by("accounts.assign", "/v1/accounts/assign", m{"ownerId": li, "accountIds": []string{acct}, "reason": "Canary back"})
	edit("team.revoke", at+"/team/"+li, at, nil)
	edit("shares.revoke", at+"/shares/"+top+".below", at, nil)
	edit("overrides.revoke", at+"/overrides/"+role, at, nil)
	edit("temporary.revoke", at+"/temporary/"+li, at, nil)
	by("team.set", at+"/team", m{"userId": li, "level": "edit", "role": "Canary again"})
	by("accounts.deactivate", at+"/deactivate", nil)
	by("accounts.reactivate", at+"/reactivate", nil)
	by("users.deactivate", one+"/deactivate", nil)
	by("users.reactivate", one+"/reactivate", nil)
	h.work()
	return out
}

// again signs the person in anew: the clock of a day goes on.
func (p *person) again(h *house) { h.t.Helper(); h.Clock.Add(2 * time.Second); h.again(p) }
