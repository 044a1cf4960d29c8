package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// explained is the answer of /v1/permissions/explain as far as the demo tells of it.
type explained struct {
	Allowed bool   `json:"allowed"`
	Rule    int    `json:"rule"`
	Text    string `json:"text"`
	Fix     []struct {
		Changes []struct {
			Kind string `json:"kind"`
			Text string `json:"text"`
		} `json:"changes"`
	} `json:"fix"`
}

func (d *demo) explain(p *person, account string) (e explained) {
	d.as(d.admin, http.MethodPost, "/v1/permissions/explain", map[string]any{
		"userId": p.id, "module": "account", "action": "view", "resourceId": account,
	}).want(http.StatusOK).into(&e)
	return e
}

// opened opens one customer of a salesperson to a colleague, closes it again, and asks why each time.
func (d *demo) opened() {
	owner, colleague := d.reps()[0], d.reps()[1]
	account := d.accounts[owner.id][2]
	path := "/v1/accounts/" + account
	d.as(colleague, http.MethodGet, path, nil).refused(http.StatusNotFound, "not_found")
	e := d.explain(colleague, account)
	if e.Allowed || len(e.Fix) == 0 {
		failf("a colleague's customer is explained as %+v", e)
	}
	d.say("why may %s not see it? %s", colleague.name, e.Text)
	for _, f := range e.Fix {
		if len(f.Changes) == 1 && strings.HasPrefix(f.Changes[0].Kind, "share") {
			d.say("the least that would change it: %s", f.Changes[0].Text)
			break
		}
	}
	d.as(d.admin, http.MethodPost, path+"/shares", map[string]any{"userId": colleague.id, "level": "read"}).want(http.StatusCreated)
	was := d.as(colleague, http.MethodGet, path, nil).want(http.StatusOK)
	d.do(request{method: http.MethodPatch, path: path, token: colleague.token, ifMatch: was.etag(), body: map[string]any{"stage": "loyal"}}).
		refused(http.StatusForbidden, "permission_denied")
	if !slices.Contains(d.list(colleague, "/v1/accounts"), account) {
		failf("a shared customer is not in the list")
	}
	d.say("shared to read: %s sees it on the next request, in the list too, and may not change it", colleague.name)
	d.as(d.admin, http.MethodPost, path+"/overrides", map[string]any{"userId": colleague.id, "view": "off"}).want(http.StatusCreated)
	d.as(colleague, http.MethodGet, path, nil).refused(http.StatusNotFound, "not_found")
	if e = d.explain(colleague, account); e.Allowed || e.Rule != 5 {
		failf("a switch off is explained as %+v", e)
	}
	d.say("a switch off beats the share: %s", e.Text)
	tag := d.as(d.admin, http.MethodGet, path, nil).want(http.StatusOK).etag()
	d.do(request{method: http.MethodDelete, path: path + "/overrides/" + colleague.id, token: d.admin.token, ifMatch: tag}).want(http.StatusNoContent)
	var seen struct {
		Items []struct {
			User string `json:"userId"`
		} `json:"items"`
	}
	d.as(d.admin, http.MethodGet, path+"/access?action=view", nil).want(http.StatusOK).into(&seen)
	if len(seen.Items) < 4 {
		failf("%d users may see the customer", len(seen.Items))
	}
	d.say("who can see it now: %d users, each with the reason", len(seen.Items))
}

// foretold previews a change of a role, holds the change to the preview, and moves the premises.
func (d *demo) foretold() {
	role := d.as(d.admin, http.MethodPost, "/v1/roles", map[string]any{
		"name": "片区销售 " + unique(), "grants": []map[string]any{{"module": "account", "action": "view", "scope": "own"}},
	}).want(http.StatusCreated)
	path := "/v1/roles/" + role.field("id")
	rep := d.reps()[2]
	u := d.as(d.admin, http.MethodGet, "/v1/users/"+rep.id, nil).want(http.StatusOK)
	d.do(request{
		method: http.MethodPut, path: "/v1/users/" + rep.id + "/roles", token: d.admin.token, ifMatch: u.etag(), body: map[string]any{"roleIds": []string{role.field("id")}},
	}).want(http.StatusOK)
	change := map[string]any{"grants": []map[string]any{{"module": "account", "action": "view", "scope": "department"}}}
	var told struct {
		Hash    string `json:"hash"`
		Preview struct {
			Users []struct {
				User     string `json:"userId"`
				Accounts []struct {
					Action  string   `json:"action"`
					Gained  int      `json:"gained"`
					Samples []string `json:"gainedSamples"`
				} `json:"accounts"`
			} `json:"users"`
		} `json:"preview"`
	}
	d.as(d.admin, http.MethodPost, path+"/preview", change).want(http.StatusOK).into(&told)
	if len(told.Preview.Users) != 1 || len(told.Preview.Users[0].Accounts) == 0 {
		failf("the preview tells of %+v", told.Preview.Users)
	}
	first := told.Preview.Users[0].Accounts[0]
	before := len(d.list(rep, "/v1/accounts"))
	d.do(request{method: http.MethodPatch, path: path, token: d.admin.token, ifMatch: role.etag(), foreseen: told.Hash, body: change}).want(http.StatusOK)
	if after := len(d.list(rep, "/v1/accounts")); after-before != first.Gained {
		failf("%d customers were foretold, %d came", first.Gained, after-before)
	}
	d.say("previewed: %s would see %d customers more, with samples; so it came", rep.name, first.Gained)
	now := d.as(d.admin, http.MethodGet, path, nil).want(http.StatusOK)
	d.do(request{method: http.MethodPatch, path: path, token: d.admin.token, ifMatch: now.etag(), foreseen: told.Hash, body: change}).
		refused(http.StatusConflict, "preview_stale")
	d.say("the same preview again is refused: what it rested on has moved")
}

// searched finds customers by what they hold, within what each may see.
func (d *demo) searched() {
	rep := d.reps()[0]
	search := func(p *person, where map[string]any) []string {
		var page struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
		}
		d.as(p, http.MethodPost, "/v1/accounts/search", map[string]any{"where": where, "sort": []map[string]any{{"field": "name", "direction": "asc"}}, "limit": 100}).
			want(http.StatusOK).into(&page)
		var ids []string
		for _, it := range page.Items {
			ids = append(ids, it.ID)
		}
		return ids
	}
	phone := map[string]any{"field": "phone", "op": "eq", "value": "138 0002 0001"}
	if found := search(d.boss(), phone); len(found) != 1 {
		failf("by phone: %v", found)
	}
	d.say("a customer by phone, though it is sealed: found by its blind index")
	mine := search(rep, map[string]any{"and": []map[string]any{
		{"field": "address.country", "op": "eq", "value": "CN"}, {"not": map[string]any{"field": "valueTier", "op": "eq", "value": "low"}},
	}})
	for _, id := range mine {
		if !slices.Contains(d.accounts[rep.id], id) {
			failf("%s finds a customer of somebody else", rep.name)
		}
	}
	d.say("by country and value: %d customers of %s, and nobody else's", len(mine), rep.name)
	var n struct {
		Rows []struct {
			Key   string `json:"key"`
			Value int    `json:"value"`
		} `json:"rows"`
	}
	d.as(d.boss(), http.MethodGet, "/v1/accounts/counts?by="+url.QueryEscape("owner"), nil).want(http.StatusOK).into(&n)
	sum := 0
	for _, r := range n.Rows {
		sum += r.Value
	}
	if sum != 200 {
		failf("counted by owner: %d", sum)
	}
	d.say("counted by owner: %d owners, %d customers", len(n.Rows), sum)
}
