package functions_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
)

// TestReplayRebuildsTheState holds I16's second half: whoever has the events and the keys, and nothing else, tells what every resource of the
// tenant looks like now, member by member, as the API answers it.
func TestReplayRebuildsTheState(t *testing.T) {
	h := openHouse(t)
	admin := h.onboard("acme")
	made := h.day(admin, nil)
	admin.again(h)

	state := map[string]map[string]string{} // target, or account and contact, to member to value
	events := 0
	for it, err := range h.Table.Scan(t.Context(), 0, 1) {
		if err != nil {
			t.Fatal(err)
		}
		if x, _ := key.TenantOf(it.PK); x == admin.tenant && key.IsAuditEvent(it.Key) {
			events++
		}
	}
	if events < 60 {
		t.Fatalf("%d events only", events)
	}
	all, _, err := audit.Events(t.Context(), h.Table, admin.tenant, audit.Filter{Outcome: audit.Done}, h.Now().AddDate(0, 0, -2), h.Now(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b audit.Event) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, e := range all {
		if len(e.Sealed) == 0 {
			continue
		}
		image, gone := h.image(admin.tenant, e)
		if gone {
			continue
		}
		target := e.Target
		if strings.HasPrefix(e.Action, "contacts.") {
			target = e.Note
		}
		if string(image.After) == "null" { // the target is gone, and not one of its grants
			delete(state, target)
			continue
		}
		if len(e.Fields) == 1 && slices.Contains([]string{"team", "shares", "overrides", "temporary"}, e.Fields[0]) {
			target += "/" + e.Fields[0] + "/" + e.Note // of a list, the one that is for this grantee
		}
		if state[target] == nil {
			state[target] = map[string]string{}
		}
		var before, after map[string]jsontext.Value
		for v, into := range map[*jsontext.Value]*map[string]jsontext.Value{&image.Before: &before, &image.After: &after} {
			if err := json.Unmarshal(*v, into); err != nil && len(*v) > 0 {
				t.Fatalf("%s: %v: %s", e.Action, err, *v)
			}
		}
		for name := range before {
			if _, stays := after[name]; !stays {
				delete(state[target], name)
			}
		}
		for name, v := range after {
			_ = v.Canonicalize()
			state[target][name] = string(v)
		}
	}

	compare := func(what, target, path string, names ...string) {
		t.Helper()
		var doc map[string]jsontext.Value
		admin.client.Get(path).Want(t, http.StatusOK, "").Read(t, &doc)
		if len(state[target]) == 0 {
			t.Errorf("%s: no event tells of it", what)
			return
		}
		for _, name := range names {
			v := doc[name]
			_ = v.Canonicalize()
			got := state[target][name]
			if got == "" || got == "null" {
				got = "[]"
			}
			want := string(v)
			if want == "" || want == "null" {
				want = "[]"
			}
			if got != want {
				t.Errorf("%s: the events say that %s is %s, the API says %s", what, name, got, want)
			}
		}
	}
	compare("the account", made["account"], "/v1/accounts/"+made["account"],
		"name", "type", "valueTier", "stage", "email", "phone", "address", "ownerId", "departmentId", "categoryIds", "protection", "status")
	var team struct {
		Items []jsontext.Value `json:"items"`
	}
	admin.client.Get("/v1/accounts/"+made["account"]+"/team").Want(t, http.StatusOK, "").Read(t, &team)
	if len(team.Items) != 1 || team.Items[0].Canonicalize() != nil || state[made["account"]+"/team/"+made["user"]]["team"] != string(team.Items[0]) {
		t.Errorf("the team is %s, the events say %v", team.Items, state[made["account"]+"/team/"+made["user"]])
	}
	if s := state[made["account"]+"/shares/"+made["department"]+".below"]["shares"]; s != "" {
		t.Errorf("the events say that a share which ended is %s", s)
	}
	compare("the contact", made["contact"], "/v1/accounts/"+made["account"]+"/contacts/"+made["contact"], "name", "title", "phone", "primary")
	compare("the user", made["user"], "/v1/users/"+made["user"],
		"name", "email", "phone", "employeeNo", "departmentId", "postIds", "managerId", "roleIds", "status", "locale")
	compare("the role", made["role"], "/v1/roles/"+made["role"], "name", "description", "grants", "fields")
	compare("the category", made["category"], "/v1/categories/"+made["category"], "name", "description")
	compare("the department", made["department"], "/v1/departments/"+made["department"], "name", "responsibilities", "parentId", "headId")
	compare("the post", made["post"], "/v1/posts/"+made["post"], "name", "departmentId", "roleIds")
	compare("the company", string(admin.tenant), "/v1/company", "name", "phone", "email", "address")
	compare("the settings", string(admin.tenant), "/v1/settings", "locale", "requiredAccountFields")
}

type image struct {
	Before jsontext.Value `json:"before"`
	After  jsontext.Value `json:"after"`
}

// image opens what an event seals: under the key of its account or user if it has one of its own, else under the tenant's. What is told of a
// deleted user is gone with the user's key.
func (h *house) image(x id.Tenant, e audit.Event) (out image, gone bool) {
	h.t.Helper()
	ctx := context.WithoutCancel(h.t.Context())
	tk, err := h.Crypt.Tenant(ctx, x)
	if err != nil {
		h.t.Fatal(err)
	}
	place := audit.Place(e.Target)
	var plain []byte
	items, err := h.Table.Get(ctx, key.AccountKey(x, id.Account(e.Target)))
	if err != nil {
		h.t.Fatal(err)
	}
	if len(items) == 0 && strings.HasPrefix(e.Target, id.User("").Prefix()+"_") {
		return out, true
	}
	if len(items) == 1 {
		ak, err := tk.OpenAccount(id.Account(e.Target), items[0])
		if err != nil {
			h.t.Fatal(err)
		}
		plain, err = ak.Open(place, e.Sealed)
		if err != nil {
			h.t.Fatalf("%s: %v", e.Action, err)
		}
	} else if plain, err = tk.Open(place, e.Sealed); err != nil {
		h.t.Fatalf("%s: %v", e.Action, err)
	}
	if err := json.Unmarshal(plain, &out); err != nil {
		h.t.Fatal(err)
	}
	return out, false
}
