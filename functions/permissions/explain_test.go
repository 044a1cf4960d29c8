package permissions_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
)

var requestID = regexp.MustCompile(`req_[0-9A-Z]{26}`)

// bare is an answer without its request id.
func bare(a *edgetest.Answer) string {
	return fmt.Sprint(a.Status, " ", requestID.ReplaceAllString(string(a.Body), "req"))
}

// acts are what may be done over HTTP, with the questions that explain each.
var acts = []struct {
	module, action string
	call           func(edgetest.Client, string, string) *edgetest.Answer
}{
	{"account", "view", func(c edgetest.Client, a, _ string) *edgetest.Answer { return c.Get(a) }},
	{"account", "edit", func(c edgetest.Client, a, _ string) *edgetest.Answer {
		return c.IfMatch("*").Patch(a+"?validateOnly=true", m{"name": "New"})
	}},
	{"contact", "view", func(c edgetest.Client, a, x string) *edgetest.Answer { return c.Get(a + "/contacts/" + x) }},
	{"contact", "edit", func(c edgetest.Client, a, x string) *edgetest.Answer {
		return c.IfMatch("*").Patch(a+"/contacts/"+x+"?validateOnly=true", m{"name": "New"})
	}},
	{"contact", "delete", func(c edgetest.Client, a, x string) *edgetest.Answer {
		return c.IfMatch("*").Delete(a + "/contacts/" + x + "?validateOnly=true")
	}},
}

// TestExplainIsWhatHappens holds C1 at the API: for every user, account and act, what is explained to an administrator and to the user, and
// what is checked, is what the act then answers; who can see and edit is who does; and what the user may not see is to them as unknown.
func TestExplainIsWhatHappens(t *testing.T) {
	d := open(t)
	root := d.people["root"]
	unknown := string(id.New[id.Account](d.IDs))
	for _, act := range acts {
		allowed := map[string][]string{}
		for name, who := range d.people {
			for title, a := range d.accounts {
				says := fmt.Sprintf("%s %s %s %q", name, act.action, act.module, title)
				path, api := "/v1/accounts/"+string(a), d.As(who)
				got := act.call(api, path, string(d.contacts[title]))
				may := got.Status/100 == 2
				body := m{"userId": who.User, "module": act.module, "action": act.action, "resourceId": a}
				e := d.explain(t, root, body)
				if e.Allowed != may {
					t.Fatalf("%s: explained %v (%d, %s), answered %d", says, e.Allowed, e.Rule, e.Text, got.Status)
				}
				if e.Allowed == (len(e.Fix) > 0) || e.Text == "" || e.Final {
					t.Errorf("%s: %+v", says, e)
				}
				if c := d.check(t, root, who, act.module, act.action, string(a)); c != may {
					t.Errorf("%s: checked %v, answered %d", says, c, got.Status)
				}
				if may {
					allowed[title] = append(allowed[title], string(who.User))
				}
				if name == "gone" { // may not ask either
					continue
				}
				delete(body, "userId")
				own := api.Post("/v1/permissions/explain", body)
				if !may && api.Get(path).Status != http.StatusOK {
					body["resourceId"] = unknown
					if x := api.Post("/v1/permissions/explain", body); bare(own) != bare(x) || own.Status != http.StatusNotFound {
						t.Errorf("%s: of what they do not see they are told %s, of what is unknown %s", says, bare(own), bare(x))
					}
				} else if mine := d.explain(t, who, m{"module": act.module, "action": act.action, "resourceId": a}); mine.Allowed != may || mine.Rule != e.Rule {
					t.Errorf("%s: they are told %v (%d), an administrator %v (%d)", says, mine.Allowed, mine.Rule, e.Allowed, e.Rule)
				}
				if c := d.check(t, who, who, act.module, act.action, string(a)); c != may {
					t.Errorf("%s: they check %v, answered %d", says, c, got.Status)
				}
			}
		}
		if act.module != "account" {
			continue
		}
		for title, a := range d.accounts {
			want := allowed[title]
			slices.Sort(want)
			if got := d.viewers(t, root, a, act.action, 3); !slices.Equal(got, want) {
				t.Errorf("%s of %q: listed %v, want %v", act.action, title, got, want)
			}
		}
	}
}

func (d *desk) check(t testing.TB, as, of edgetest.Who, module, action, resource string) bool {
	t.Helper()
	var out struct{ Results []result }
	body := m{"checks": []m{{"module": module, "action": action, "resourceId": resource}}}
	if as != of {
		body["userId"] = of.User
	}
	a := d.As(as).Post("/v1/permissions/check", body).Want(t, 200, "")
	if err := json.Unmarshal(a.Body, &out, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	return out.Results[0].Allowed
}

// viewers reads the list of who can, page by page.
func (d *desk) viewers(t testing.TB, as edgetest.Who, a id.Account, action string, limit int) (users []string) {
	t.Helper()
	path := fmt.Sprintf("/v1/accounts/%s/access?action=%s&count=true&limit=%d", a, action, limit)
	total := 0
	for next := ""; ; {
		var page struct {
			Items []struct {
				User string `json:"userId"`
				Rule int    `json:"rule"`
			} `json:"items"`
			Next  string `json:"nextCursor"`
			Count struct {
				Value int  `json:"value"`
				Exact bool `json:"exact"`
			} `json:"count"`
		}
		d.As(as).Get(path+next).Want(t, 200, "").Read(t, &page)
		for _, x := range page.Items {
			users = append(users, x.User)
			if x.Rule != 3 && x.Rule != 4 {
				t.Errorf("%s may by rule %d", x.User, x.Rule)
			}
		}
		if total = page.Count.Value; !page.Count.Exact || len(page.Items) > limit {
			t.Errorf("%+v", page)
		}
		if page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
	}
	if total != len(users) {
		t.Errorf("counted %d, listed %d", total, len(users))
	}
	return users
}

// TestExplainShows: the layers, what they rest on, and the remedies, for the questions of the requirement.
func TestExplainShows(t *testing.T) {
	d := open(t)
	root := d.people["root"]
	ask := func(name, module, action, account string, more ...string) explanation {
		body := m{"userId": d.people[name].User, "module": module, "action": action}
		if account != "" {
			body["resourceId"] = d.accounts[account]
		}
		if len(more) > 0 {
			body["field"] = more[0]
		}
		return d.explain(t, root, body)
	}
	kinds := func(e explanation) (out []string) {
		for _, f := range e.Fix {
			var one []string
			for _, c := range f.Changes {
				one = append(one, c.Kind)
				if c.Text == "" || strings.Contains(c.Text, "{") || strings.Contains(c.Text, "explain.") {
					t.Errorf("text %q", c.Text)
				}
			}
			slices.Sort(one)
			out = append(out, strings.Join(one, "+"))
		}
		return slices.Compact(out)
	}
	for _, c := range []struct {
		says    string
		e       explanation
		decided string
		rule    int
		first   string // remedy
	}{
		{"ann's own", ask("ann", "account", "view", "plain"), "scope", 3, ""},
		{"the head's below", ask("head", "account", "edit", "plain"), "scope", 3, ""},
		{"a stranger", ask("carl", "account", "view", "plain"), "scope", 3, "share"},
		{"a member of the team", ask("carl", "account", "edit", "team"), "grants", 4, ""},
		{"a share, no role", ask("none", "account", "view", "shared"), "roles", 2, "create_role"},
		{"above who was shared with", ask("ceo", "account", "view", "up"), "grants", 4, ""},
		{"above who sleeps", ask("ceo", "account", "view", "asleep"), "scope", 3, "share"},
		{"the category", ask("carl", "account", "view", "category"), "categories", 4, ""},
		{"closed to the owner", ask("ann", "account", "view", "closed"), "denials", 5, "lift_switch"},
		{"closed twice", ask("ann", "account", "edit", "closed"), "denials", 5, "lift_switch+lift_switch"},
		{"the leaver", ask("gone", "account", "view", "plain"), "hard", 1, "activate_user+share"},
		{"a default", ask("carl", "contact", "view", "team"), "default", 4, ""},
		{"the contact of what is not seen", ask("carl", "contact", "view", "plain"), "account", 3, "share"},
		{"no such right", ask("ann", "account", "fly", ""), "hard", 1, ""},
		{"a sensitive field", ask("ann", "account", "view", "plain", "idNumber"), "field", 6, "set_field"},
		{"no record", ask("ann", "account", "delete", ""), "roles", 2, "add_grant"},
	} {
		first := ""
		if k := kinds(c.e); len(k) > 0 {
			first = k[0]
		}
		if c.e.Decided != c.decided || c.e.Rule != c.rule || first != c.first {
			t.Errorf("%s: decided %s by rule %d, first remedy %q of %q", c.says, c.e.Decided, c.e.Rule, first, kinds(c.e))
		}
	}
	up := ask("ceo", "account", "view", "up")
	if g := up.Layers[5].Grants; len(g) != 1 || g[0].As != "report" || g[0].ThroughUserID != string(d.people["bob"].User) {
		t.Errorf("%+v", g)
	}
	if g := ask("carl", "account", "view", "expired"); g.Layers[5].Grants[0].State != "expired" || g.Allowed {
		t.Errorf("%+v", g)
	}
	if g := ask("gone", "account", "view", "asleep"); g.Layers[5].Grants[0].State != "asleep" {
		t.Errorf("%+v", g)
	}
	if l := ask("ceo", "account", "view", "plain").Layers[2]; l.Needs != "reports" || len(l.Line) != 3 || l.Held != "own" {
		t.Errorf("%+v", l)
	}
	if e := ask("ann", "account", "fly", ""); !e.Final || e.Layers[0].Reasons[0] != "unknown_right" || !strings.Contains(e.Text, "No change") {
		t.Errorf("%+v", e)
	}
	chinese := d.As(root).With("Accept-Language", "zh-CN").Post("/v1/permissions/explain", m{"module": "account", "action": "view"}).Want(t, 200, "")
	if !strings.Contains(string(chinese.Body), "查看客户") {
		t.Errorf("%s", chinese.Body)
	}
}

// TestExplainTellsNothingElse: who may ask what; what hides from the one who asks stays hidden in what they are told of others (I7).
func TestExplainTellsNothingElse(t *testing.T) {
	d := open(t)
	root, ann, whole := d.people["root"], d.people["ann"], d.people["whole"]
	plain := d.accounts["plain"]
	body := func(edits ...m) m {
		b := m{"module": "account", "action": "view", "resourceId": plain}
		for _, e := range edits {
			maps.Copy(b, e)
		}
		return b
	}
	other := m{"userId": d.people["carl"].User}
	d.As(ann).Post("/v1/permissions/explain", body(other)).Want(t, 403, "permission_denied")
	d.As(ann).Post("/v1/permissions/check", m{"userId": root.User, "checks": []m{{"module": "account", "action": "view"}}}).Want(t, 403, "permission_denied")
	stranger := d.User(t, d.Tenant(t), everything()...)
	unknown := bare(d.As(root).Post("/v1/permissions/explain", body(m{"userId": id.New[id.User](d.IDs)})))
	for says, b := range map[string]m{
		"a foreign user": body(m{"userId": stranger.User}), "no user": body(m{"userId": "x"}), "no account": body(m{"resourceId": "x"}),
		"a user for an account": body(m{"resourceId": ann.User}), "an unknown account": body(m{"resourceId": id.New[id.Account](d.IDs)}),
		"a module without records": body(m{"module": "role"}), "an account for a user": body(m{"module": "user"}),
		"an unknown user as record": body(m{"module": "user", "resourceId": id.New[id.User](d.IDs)}),
	} {
		if got := bare(d.As(root).Post("/v1/permissions/explain", b)); got != unknown || !strings.HasPrefix(got, "404") {
			t.Errorf("%s: %s", says, got)
		}
	}
	if got := bare(d.As(stranger).Post("/v1/permissions/explain", body())); got != unknown {
		t.Errorf("a foreign account: %s", got)
	}
	d.As(root).Post("/v1/permissions/explain", body(m{"field": "wings"})).Want(t, 422, "unknown_permission").Field(t, "/field", "unknown_permission")

	// Roles that one does not hold are named to those who read roles.
	if e := d.explain(t, whole, body(m{"action": "edit"})); slices.ContainsFunc(e.Fix, func(f struct {
		Changes []struct{ Kind, Text, RoleID, RoleName, Scope, Level string }
	},
	) bool {
		return f.Changes[0].Kind == "assign_role"
	}) {
		t.Errorf("%+v", e.Fix)
	}

	// An auditor of roles from whom owner, department and categories are hidden.
	auditor := d.User(t, d.tenant, view(policy.All), right(policy.ModRole, policy.View, policy.All))
	d.hide(t, auditor, "ownerId", "departmentId", "categoryIds")
	e := d.explain(t, auditor, body(m{"userId": d.people["ceo"].User}))
	if l := e.Layers[2]; len(l.Line) > 0 || l.Needs != "" {
		t.Errorf("who may not see the owner is told of the line %+v", l)
	}
	e = d.explain(t, auditor, body(m{"userId": d.people["carl"].User, "resourceId": d.accounts["category"]}))
	if l := e.Layers[4]; len(l.Categories) > 0 || l.Others > 0 {
		t.Errorf("who may not see categories is told %+v", l)
	}
	list := d.As(auditor).Get("/v1/accounts/"+string(d.accounts["category"])+"/access").Want(t, 200, "")
	for _, leak := range []string{`"own"`, `"reports"`, `"subtree"`, "cat_1"} {
		if strings.Contains(string(list.Body), leak) {
			t.Errorf("who may not see it is told %s: %s", leak, list.Body)
		}
	}

	// Who can see: who may share, or read roles, what they see.
	d.As(ann).Get("/v1/accounts/"+string(plain)+"/access").Want(t, 200, "")
	d.As(whole).Get("/v1/accounts/"+string(plain)+"/access").Want(t, 403, "permission_denied")
	d.As(d.people["carl"]).Get("/v1/accounts/"+string(plain)+"/access").Want(t, 404, "not_found")
	d.As(stranger).Get("/v1/accounts/"+string(plain)+"/access").Want(t, 404, "not_found")
	d.As(root).Get("/v1/accounts/"+string(plain)+"/access?action=fly").Want(t, 400, "invalid_parameter")
}

// hide gives the user's own role rules that hide the fields of accounts.
func (d *desk) hide(t testing.TB, who edgetest.Who, fields ...string) {
	t.Helper()
	items, err := d.Table.Get(t.Context(), key.User(d.tenant, who.User))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Roles []id.Role `json:"roleIds"`
	}
	if err := json.Unmarshal(items[0].Doc, &s); err != nil {
		t.Fatal(err)
	}
	d.Edit(t, key.Role(d.tenant, s.Roles[0]), func(doc map[string]any) {
		var rules []m
		for _, f := range fields {
			rules = append(rules, m{"module": "account", "field": f, "access": "hidden"})
		}
		doc["fields"] = rules
	})
	d.moved(t)
}

// TestCheckOnRecords: with a resource and with fields, for oneself and for others; what is unknown and what may not be seen is denied alike.
func TestCheckOnRecords(t *testing.T) {
	d := open(t)
	ask := func(as edgetest.Who, of string, qs ...m) string {
		t.Helper()
		body := m{"checks": qs}
		if of != "" {
			body["userId"] = d.people[of].User
		}
		var out struct {
			Results []struct {
				Allowed bool   `json:"allowed"`
				Scope   string `json:"scope"`
				Access  string `json:"access"`
			} `json:"results"`
		}
		d.As(as).Post("/v1/permissions/check", body).Want(t, 200, "").Read(t, &out)
		return fmt.Sprint(out.Results)
	}
	on := func(module, action string, resource any, field string) m {
		return m{"module": module, "action": action, "resourceId": resource, "field": field}
	}
	plain, team := d.accounts["plain"], d.accounts["team"]
	carl, root := d.people["carl"], d.people["root"]
	sightless := d.User(t, d.tenant, right(policy.ModRole, policy.View, policy.All))
	for _, c := range []struct{ says, got, want string }{
		{"oneself", ask(carl, "", on("account", "view", plain, ""), on("account", "view", team, "name"), on("account", "edit", team, "idNumber")), "[{false  } {true  edit} {true  hidden}]"},
		{"another", ask(root, "carl", on("account", "view", plain, ""), on("account", "view", team, "")), "[{false  } {true  }]"},
		{"another, on what one does not see", ask(sightless, "ann", on("account", "view", plain, ""), on("account", "view", "", "")), "[{false  } {true own }]"},
		{"unknown", ask(carl, "", on("account", "view", id.New[id.Account](d.IDs), ""), on("account", "view", "x", ""), on("order", "view", team, ""), on("account", "fly", team, "")), "[{false  } {false  } {false  } {false  }]"},
		{"fields", ask(carl, "", on("account", "view", "", "idNumber"), on("account", "view", "", "wings"), on("role", "view", "", "name")), "[{true own hidden} {true own hidden} {false  hidden}]"},
		{"a user", ask(root, "", on("user", "edit", carl.User, "name")), "[{true  edit}]"},
		{"a user, without the right", ask(carl, "", on("user", "edit", carl.User, "")), "[{false  }]"},
		{"twice", ask(root, "", on("contact", "delete", team, ""), on("contact", "view", team, "")), "[{true  } {true  }]"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.says, c.got, c.want)
		}
	}
}
