package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

func (d *demo) boss() *person   { return d.people[0] }
func (d *demo) reps() []*person { return d.people[1:7] }

func (d *demo) checked() {
	rep := d.reps()[0]
	a := d.do(request{
		method: http.MethodPost, path: "/v1/accounts", token: rep.token, language: "zh-CN", body: map[string]any{"type": "enterprise"},
	}).want(http.StatusUnprocessableEntity)
	for _, missing := range []string{`"/name"`, `"/email"`, `"/phone"`} {
		if !strings.Contains(string(a.body), missing) {
			failf("the answer does not name %s: %s", missing, a.body)
		}
	}
	d.say("all missing fields are named at once: %s", a.field("title"))
	wrong := customer(2)
	wrong["email"] = "nobody@@example.com"
	d.as(rep, http.MethodPost, "/v1/accounts", wrong).refused(http.StatusUnprocessableEntity, "invalid_email")
	d.as(rep, http.MethodPost, "/v1/accounts?validateOnly=true", wrong).refused(http.StatusUnprocessableEntity, "invalid_email")
	d.as(rep, http.MethodPost, "/v1/accounts?validateOnly=true", customer(2)).want(http.StatusOK)
	if n := len(d.list(rep, "/v1/accounts")); n != 0 {
		failf("%d customers after a check only", n)
	}
	d.say("the check gives the verdict of the save, and saves nothing")
}

// customers creates 200: 33 for each salesperson, the rest for the manager; a few at a time, as people would.
func (d *demo) customers() {
	owners := append(slices.Clone(d.reps()), d.boss())
	d.accounts = map[string][]string{}
	ids := make([]string, 200)
	failed := make(chan failure, len(owners))
	owner := func(n int) *person {
		if n >= 198 {
			return d.boss()
		}
		return owners[n%6]
	}
	var wg sync.WaitGroup
	for _, p := range owners {
		wg.Go(func() {
			defer func() {
				if f, ok := recover().(failure); ok {
					failed <- f
				}
			}()
			for n := range ids {
				if owner(n) == p {
					a := d.do(request{
						method: http.MethodPost, path: "/v1/accounts", token: p.token, key: fmt.Sprintf("customer-%d", n), body: customer(n),
					}).want(http.StatusCreated)
					ids[n] = a.field("id")
				}
			}
		})
	}
	wg.Wait()
	select {
	case f := <-failed:
		panic(f)
	default:
	}
	for n, id := range ids {
		d.accounts[owner(n).id] = append(d.accounts[owner(n).id], id)
	}
	d.say("200 customers of six salespeople and the manager, in Chinese and English")
	again := d.do(request{
		method: http.MethodPost, path: "/v1/accounts", token: owner(0).token, key: "customer-0", body: customer(0),
	}).want(http.StatusCreated)
	if again.field("id") != ids[0] {
		failf("the same Idempotency-Key made another customer")
	}
	d.say("the same Idempotency-Key again: the same customer")
	a := d.as(owner(1), http.MethodGet, "/v1/accounts/"+ids[1], nil).want(http.StatusOK)
	if a.field("phone") != "+8613800020001" || !strings.Contains(a.field("email"), "caigou1@") {
		failf("the customer reads back as %s", a.body)
	}
	d.say("read back: %s, %s, %s", a.field("name"), a.field("email"), a.field("phone"))
}

// list reads all pages of a list and answers the ids.
func (d *demo) list(p *person, path string) []string {
	var ids []string
	cursor := ""
	for range 100 {
		var page struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
			NextCursor string `json:"nextCursor"`
		}
		d.as(p, http.MethodGet, path+"?limit=40"+cursor, nil).want(http.StatusOK).into(&page)
		for _, it := range page.Items {
			ids = append(ids, it.ID)
		}
		if page.NextCursor == "" {
			return ids
		}
		cursor = "&cursor=" + page.NextCursor
	}
	failf("%s: the pages never end", path)
	return nil
}

func (d *demo) visibility() {
	for _, p := range d.reps() {
		got, want := d.list(p, "/v1/accounts"), slices.Clone(d.accounts[p.id])
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			failf("%s sees %d customers, expected exactly the own %d", p.name, len(got), len(want))
		}
	}
	d.say("each salesperson sees exactly their own 33")
	if n := len(d.list(d.boss(), "/v1/accounts")); n != 200 {
		failf("%s sees %d customers, expected 200", d.boss().name, n)
	}
	d.say("%s, whom they report to, sees all 200, page by page", d.boss().name)
	other := d.accounts[d.reps()[1].id][0]
	foreign := d.as(d.reps()[0], http.MethodGet, "/v1/accounts/"+other, nil).refused(http.StatusNotFound, "not_found")
	unknown := d.as(d.reps()[0], http.MethodGet, "/v1/accounts/acct_01JD3Z4T0X8Y6QH2N5W7R9K1MB", nil).refused(http.StatusNotFound, "not_found")
	if foreign.field("title") != unknown.field("title") || foreign.field("type") != unknown.field("type") {
		failf("a colleague's customer and an unknown one are told apart: %s and %s", foreign.body, unknown.body)
	}
	d.say("a colleague's customer looks like one that does not exist")
}

func (d *demo) edits() {
	rep := d.reps()[0]
	path := "/v1/accounts/" + d.accounts[rep.id][1]
	was := d.as(rep, http.MethodGet, path, nil).want(http.StatusOK)
	patch := request{method: http.MethodPatch, path: path, token: rep.token, body: map[string]any{"stage": "potential", "industry": "精密制造"}}
	d.do(patch).want(http.StatusPreconditionRequired)
	patch.ifMatch = was.etag()
	now := d.do(patch).want(http.StatusOK)
	patch.body = map[string]any{"stage": "buying"}
	d.do(patch).refused(http.StatusPreconditionFailed, "version_conflict")
	d.say("an edit needs the version it speaks of; a stale one is refused")
	d.do(request{method: http.MethodPatch, path: path, token: rep.token, ifMatch: now.etag(), body: map[string]any{"ownerId": d.boss().id}}).
		refused(http.StatusBadRequest, "field_not_writable")
	d.say("the owner cannot be changed by an edit")
	d.as(rep, http.MethodPost, path+"/contacts", map[string]any{"name": "新主联系人", "phone": "13700001111", "primary": true}).want(http.StatusCreated)
	var contacts struct {
		Items []struct {
			Name    string `json:"name"`
			Primary bool   `json:"primary"`
		} `json:"items"`
	}
	d.as(rep, http.MethodGet, path+"/contacts", nil).want(http.StatusOK).into(&contacts)
	primary := 0
	for _, c := range contacts.Items {
		if c.Primary {
			primary++
		}
	}
	if primary != 1 {
		failf("%d primary contacts", primary)
	}
	d.say("%d contacts, one primary", len(contacts.Items))
}

func (d *demo) denied() {
	rep := d.reps()[0]
	d.as(rep, http.MethodPost, "/v1/users", map[string]any{"name": "x", "email": "x@example.com"}).refused(http.StatusForbidden, "permission_denied")
	d.as(rep, http.MethodGet, "/v1/audit", nil).refused(http.StatusForbidden, "permission_denied")
	d.say("a salesperson can neither invite users nor read the audit")
	d.do(request{
		method: http.MethodPut, path: "/v1/users/" + rep.id + "/roles", token: rep.token, ifMatch: `"1"`,
		body: map[string]any{"roleIds": []string{d.roles["administrator"]}},
	}).want(http.StatusForbidden)
	d.say("nor make themselves an administrator")
	d.as(d.admin, http.MethodPost, "/v1/users/"+d.admin.id+"/deactivate", nil).want(http.StatusForbidden)
	d.say("the administrator cannot lock himself out")
	d.do(request{method: http.MethodGet, path: "/v1/accounts"}).want(http.StatusUnauthorized) // API Gateway refuses it by itself, in words of its own
	d.say("without a token there is nothing")
}

func (d *demo) leaver() {
	p := d.reps()[5]
	d.as(p, http.MethodGet, "/v1/accounts", nil).want(http.StatusOK)
	d.as(d.admin, http.MethodPost, "/v1/users/"+p.id+"/deactivate", nil).want(http.StatusOK)
	d.as(p, http.MethodGet, "/v1/accounts", nil).refused(http.StatusUnauthorized, "account_inactive")
	d.say("%s is deactivated; the very next request with a valid token is refused", p.name)
	d.do(request{method: http.MethodPost, path: "/v1/auth/refresh", body: map[string]any{"refreshToken": p.refresh}}).want(http.StatusUnauthorized)
	d.do(request{method: http.MethodPost, path: "/v1/auth/sign-in", body: map[string]any{
		"tenant": d.slug, "email": p.email, "password": p.password,
	}}).refused(http.StatusUnauthorized, "credentials_invalid")
	d.say("neither refresh nor password lets him in again")
	if n := len(d.list(d.boss(), "/v1/accounts")); n != 200 {
		failf("the manager sees %d customers after that, expected 200", n)
	}
	d.as(d.admin, http.MethodDelete, "/v1/users/"+p.id, nil).want(http.StatusPreconditionRequired)
	u := d.as(d.admin, http.MethodGet, "/v1/users/"+p.id, nil).want(http.StatusOK)
	d.do(request{method: http.MethodDelete, path: "/v1/users/" + p.id, token: d.admin.token, ifMatch: u.etag()}).
		refused(http.StatusConflict, "user_owns_accounts")
	d.say("his 33 customers are still there, so he cannot be deleted before a hand-over")
}

func (d *demo) audited() {
	rep := d.reps()[0]
	var page struct {
		Items []struct {
			Actor  string   `json:"actor"`
			Action string   `json:"action"`
			Fields []string `json:"fields"`
		} `json:"items"`
	}
	d.as(d.admin, http.MethodGet, "/v1/audit?limit=100&target="+d.accounts[rep.id][1], nil).want(http.StatusOK).into(&page)
	var actions []string
	for _, e := range page.Items {
		actions = append(actions, e.Action)
		if e.Action == "accounts.update" && !slices.Contains(e.Fields, "stage") {
			failf("the edit's event names the fields %v", e.Fields)
		}
	}
	if !slices.Contains(actions, "accounts.create") || !slices.Contains(actions, "accounts.update") {
		failf("the customer's audit holds %v", actions)
	}
	d.say("one customer's history: %s", strings.Join(actions, ", "))
	n := len(d.list(d.admin, "/v1/audit"))
	if n < 240 {
		failf("the audit holds %d events, expected one a change at least", n)
	}
	d.say("%d events; the chained log verifies over all of them, %d entries", n, d.verified())
}

// verified waits (at most 30 seconds) until the log, which follows the changes by moments, has a number for every event.
func (d *demo) verified() int64 {
	for range 150 {
		var v struct {
			OK         bool   `json:"ok"`
			Number     int64  `json:"number"`
			Unnumbered int    `json:"unnumbered"`
			Reason     string `json:"reason"`
		}
		d.as(d.admin, http.MethodPost, "/v1/audit/verify", nil).want(http.StatusOK).into(&v)
		if !v.OK {
			failf("the audit log does not verify at entry %d: %s", v.Number, v.Reason)
		}
		if v.Unnumbered == 0 {
			return v.Number
		}
		time.Sleep(200 * time.Millisecond)
	}
	failf("events have no number after 30 seconds")
	return 0
}
