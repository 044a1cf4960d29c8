package main

import (
	"net/http"
	"strings"
	"time"
)

type step struct {
	title string
	do    func(*demo)
}

var steps = []step{
	{"The server is up and describes itself", (*demo).up},
	{"A signed webhook onboards the company", (*demo).onboard},
	{"Its administrator answers the invitation", (*demo).administrator},
	{"Company and settings", (*demo).settings},
	{"Three departments, four posts", (*demo).organisation},
	{"Twelve users are invited", (*demo).invite},
	{"Who was only invited may own nothing", (*demo).invitedOwnsNothing},
	{"Everybody answers the invitation", (*demo).activate},
	{"A customer is checked before it is saved", (*demo).checked},
	{"Two hundred customers", (*demo).customers},
	{"Everybody sees their own, the manager her people's", (*demo).visibility},
	{"Changes are versioned, contacts have one primary", (*demo).edits},
	{"Nobody does or grants what they may not", (*demo).denied},
	{"One customer is opened and closed, and every time it can be said why", (*demo).opened},
	{"A change of a role is previewed, and held to its preview", (*demo).foretold},
	{"Customers are found and counted", (*demo).searched},
	{"A leaver is locked out at the next request", (*demo).leaver},
	{"The audit knows it all, and verifies", (*demo).audited},
}

func (d *demo) up() {
	d.do(request{method: http.MethodGet, path: "/healthz"}).want(http.StatusOK)
	var doc struct {
		OpenAPI string         `json:"openapi"`
		Paths   map[string]any `json:"paths"`
	}
	d.do(request{method: http.MethodGet, path: "/v1/openapi.json"}).want(http.StatusOK).into(&doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Paths) < 30 {
		failf("the document says OpenAPI %s with %d paths", doc.OpenAPI, len(doc.Paths))
	}
	d.say("healthy; OpenAPI %s with %d paths", doc.OpenAPI, len(doc.Paths))
}

func (d *demo) onboard() {
	run := unique()
	d.slug = "huaxia-" + run
	d.admin = &person{name: "陈静", email: "chen.jing." + run + "@huaxia.example.com", phone: "+8613800138000"}
	d.people = samplePeople(run)
	event := map[string]any{
		"type": "tenant.created", "timestamp": time.Now().UTC().Format(time.RFC3339),
		"data": map[string]any{
			"externalId": "demo-" + run, "slug": d.slug, "locale": "zh-CN", "plan": "standard", "company": d.company(),
			"admin": map[string]any{"name": d.admin.name, "email": d.admin.email, "phone": d.admin.phone},
		},
	}
	forged := *d.client
	forged.secret = []byte("not the secret of this server...")
	forged.webhook("msg_forged_"+run, event).want(http.StatusUnauthorized)
	d.say("a forged signature is refused")
	first := d.webhook("msg_"+run, event).want(http.StatusAccepted)
	again := d.webhook("msg_"+run, event).want(http.StatusOK)
	if string(first.body) != string(again.body) {
		failf("the second delivery was answered differently: %s and %s", first.body, again.body)
	}
	d.say("accepted; delivered again, it changes nothing")
	d.tenant = first.field("tenantId")
	for range 100 {
		state := d.do(request{method: http.MethodGet, path: "/v1/onboarding/" + first.field("id")}).want(http.StatusOK)
		switch state.field("status") {
		case "active":
			d.say("tenant %s is active", d.slug)
			return
		case "failed":
			failf("the onboarding failed: %s", state.body)
		}
		time.Sleep(100 * time.Millisecond)
	}
	failf("the onboarding is not done after 10 seconds")
}

// enter answers the person's invitation: temporary password, new password, tokens.
func (d *demo) enter(p *person) {
	m := d.mailTo(p.email, "invitation")
	signIn := map[string]any{"tenant": d.slug, "email": p.email, "password": m.TemporaryPassword}
	first := d.do(request{method: http.MethodPost, path: "/v1/auth/sign-in", body: signIn}).want(http.StatusOK)
	if first.field("challenge") != "new_password" {
		failf("%s: expected the challenge new_password: %s", p.email, first.body)
	}
	p.password = "quiet-Harbour-" + unique() + "-kite"
	tokens := d.do(request{
		method: http.MethodPost, path: "/v1/auth/challenge",
		body: map[string]any{"session": first.field("session"), "newPassword": p.password},
	}).want(http.StatusOK)
	p.token, p.refresh = tokens.field("accessToken"), tokens.field("refreshToken")
	me := d.as(p, http.MethodGet, "/v1/me", nil).want(http.StatusOK)
	p.id = me.field("id")
}

func (d *demo) administrator() {
	m := d.mailTo(d.admin.email, "invitation")
	d.say("mail in the outbox: %s", m.Subject)
	d.do(request{method: http.MethodPost, path: "/v1/auth/sign-in", body: map[string]any{
		"tenant": d.slug, "email": d.admin.email, "password": "not-the-password-1",
	}}).refused(http.StatusUnauthorized, "credentials_invalid")
	d.enter(d.admin)
	d.say("signed in as %s, %s", d.admin.name, d.admin.id)
	var list struct {
		Items []struct {
			ID       string `json:"id"`
			Template string `json:"template"`
		} `json:"items"`
	}
	d.as(d.admin, http.MethodGet, "/v1/roles?limit=100", nil).want(http.StatusOK).into(&list)
	d.roles = map[string]string{}
	for _, r := range list.Items {
		d.roles[r.Template] = r.ID
	}
	if len(d.roles) != 8 {
		failf("%d predefined roles, expected 8", len(d.roles))
	}
	d.say("eight predefined roles are there")
}

func (d *demo) settings() {
	c := d.as(d.admin, http.MethodGet, "/v1/company", nil).want(http.StatusOK)
	if got, want := c.field("name"), d.company()["name"]; got != want {
		failf("the company's name is %s, expected %s", got, want)
	}
	d.say("the company came with the webhook: %s", c.field("name"))
	s := d.as(d.admin, http.MethodGet, "/v1/settings", nil).want(http.StatusOK)
	d.do(request{method: http.MethodPatch, path: "/v1/settings", token: d.admin.token, ifMatch: s.etag(), body: map[string]any{
		"requiredAccountFields": []string{"name", "email", "phone"}, "region": "CN",
	}}).want(http.StatusOK)
	d.say("name, e-mail and phone are required of a customer; numbers without a country are Chinese")
}

func (d *demo) organisation() {
	d.departments, d.posts = map[string]string{}, map[string]string{}
	for _, name := range departmentNames {
		a := d.as(d.admin, http.MethodPost, "/v1/departments", map[string]any{"name": name, "responsibilities": name + "的日常工作"}).want(http.StatusCreated)
		d.departments[name] = a.field("id")
	}
	d.as(d.admin, http.MethodPost, "/v1/departments", map[string]any{"name": departmentNames[0]}).want(http.StatusConflict)
	for _, p := range samplePosts {
		a := d.as(d.admin, http.MethodPost, "/v1/posts", map[string]any{
			"name": p.name, "departmentId": d.departments[p.department], "roleIds": []string{d.roles[p.template]},
		}).want(http.StatusCreated)
		d.posts[p.name] = a.field("id")
	}
	d.say("%d departments and %d posts, each post with its predefined role; a second 销售部 is refused", len(d.departments), len(d.posts))
}

func (d *demo) invite() {
	for _, p := range d.people {
		body := map[string]any{
			"name": p.name, "email": p.email, "phone": p.phone, "departmentId": d.departments[p.department], "locale": "zh-CN",
		}
		if p.post != "" {
			body["postIds"] = []string{d.posts[p.post]}
		}
		if p.role != "" {
			body["roleIds"] = []string{d.roles[p.role]}
		}
		if p.manager != nil {
			body["managerId"] = p.manager.id
		}
		a := d.as(d.admin, http.MethodPost, "/v1/users", body).want(http.StatusCreated)
		if a.field("status") != "invited" {
			failf("%s is %s, expected invited", p.name, a.field("status"))
		}
		p.id = a.field("id")
	}
	d.as(d.admin, http.MethodPost, "/v1/users", map[string]any{
		"name": "Twice", "email": strings.ToUpper(d.people[1].email), "phone": "13800138099",
	}).refused(http.StatusConflict, "email_taken")
	d.say("%d invitations; the same address in capitals is refused", len(d.people))
}

func (d *demo) invitedOwnsNothing() {
	c := customer(1)
	c["ownerId"] = d.people[1].id
	d.as(d.admin, http.MethodPost, "/v1/accounts", c).want(http.StatusConflict)
	d.say("%s has not signed in yet: a customer for him is refused", d.people[1].name)
}

func (d *demo) activate() {
	for _, p := range d.people {
		d.enter(p)
	}
	u := d.as(d.admin, http.MethodGet, "/v1/users/"+d.people[1].id, nil).want(http.StatusOK)
	if u.field("status") != "active" {
		failf("%s is %s, expected active", d.people[1].name, u.field("status"))
	}
	d.say("%d users chose a password and are active", len(d.people))
}
