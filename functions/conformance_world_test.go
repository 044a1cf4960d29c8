package functions_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/policy"
)

// world is the whole API over two tenants that hold the same kinds of things.
type world struct {
	*edgetest.Deployment
	api     *edgetest.Server
	routes  []edge.Route
	boss    edgetest.Who // holds every right
	clerk   edgetest.Who // holds none
	own     map[string]string
	foreign map[string]string
}

// unknown makes, for the path's word before an id, an id of the right kind that nothing has. A route with an id after another word fails
// the harness until the word stands here and seed makes one.
func (w *world) unknown(word string) (string, bool) {
	switch word {
	case "accounts":
		return string(id.New[id.Account](w.IDs)), true
	case "categories":
		return string(id.New[id.Category](w.IDs)), true
	case "contacts":
		return string(id.New[id.Contact](w.IDs)), true
	case "departments":
		return string(id.New[id.Department](w.IDs)), true
	case "posts":
		return string(id.New[id.Post](w.IDs)), true
	case "roles":
		return string(id.New[id.Role](w.IDs)), true
	case "users", "team", "shares", "overrides", "temporary":
		return string(id.New[id.User](w.IDs)), true
	case "jobs":
		return string(id.New[id.Job](w.IDs)), true
	case "onboarding":
		return string(id.New[id.Onboarding](w.IDs)), true
	case "docs":
		return "nothing.js", true
	}
	return "", false
}

// notTenants are the words whose ids belong to no tenant, so that none is foreign.
var notTenants = map[string]bool{"onboarding": true, "docs": true}

func newWorld(t *testing.T) *world {
	t.Helper()
	d := edgetest.Deploy(t)
	w := &world{Deployment: d, routes: functions.All(d.Platform)}
	w.api = edgetest.Serve(t, d.Platform, w.routes)
	w.boss = d.User(t, d.Tenant(t), everything()...)
	w.clerk = d.User(t, w.boss.Tenant)
	stranger := d.User(t, d.Tenant(t), everything()...)
	w.own, w.foreign = w.seed(t, w.boss), w.seed(t, stranger)
	return w
}

func everything() []policy.Grant {
	var all []policy.Grant
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			all = append(all, policy.Grant{Module: e.Module, Action: a, Scope: policy.All})
		}
	}
	return all
}

// seed makes one of each kind by the API, and gives their ids by the path's word.
func (w *world) seed(t *testing.T, who edgetest.Who) map[string]string {
	t.Helper()
	c := w.api.As(who)
	made := func(path string, body map[string]any) string {
		t.Helper()
		var out struct {
			ID string `json:"id"`
		}
		c.Post(path, body).Want(t, http.StatusCreated, "").Read(t, &out)
		return out.ID
	}
	name := identity.NameOf(who.Tenant, who.User)
	ids := map[string]string{"docs": "swagger-ui.css"}
	ids["departments"] = made("/v1/departments", map[string]any{"name": "Sales"})
	ids["roles"] = made("/v1/roles", map[string]any{"name": "Reader", "level": "standard", "grants": []map[string]string{
		{"module": "account", "action": "view", "scope": "own"},
	}})
	ids["posts"] = made("/v1/posts", map[string]any{"name": "Seller", "departmentId": ids["departments"], "roleIds": []string{}})
	ids["categories"] = made("/v1/categories", map[string]any{"name": "Key customers", "grants": []map[string]any{{"departmentId": ids["departments"], "level": "read"}}})
	ids["users"] = made("/v1/users", map[string]any{"name": "Li Lei", "email": "li.lei@example.com"})
	ids["accounts"] = made("/v1/accounts", map[string]any{"name": "Acme " + string(name[len(name)-4:]), "type": "enterprise"})
	ids["contacts"] = made("/v1/accounts/"+ids["accounts"]+"/contacts", map[string]any{"name": "Han Meimei"})
	account, mate := "/v1/accounts/"+ids["accounts"], string(w.User(t, who.Tenant).User)
	ids["team"] = made(account+"/team", map[string]any{"userId": mate, "level": "read"})
	ids["shares"] = made(account+"/shares", map[string]any{"departmentId": ids["departments"], "below": true, "level": "read"})
	ids["overrides"] = made(account+"/overrides", map[string]any{"roleId": ids["roles"], "edit": "on"})
	ids["temporary"] = made(account+"/temporary", map[string]any{"userId": mate, "level": "read", "reason": "Holidays", "expiresAt": w.Now().Add(time.Hour)})
	var jobs edge.List[struct {
		ID string `json:"id"`
	}]
	c.Get("/v1/jobs").Want(t, http.StatusOK, "").Read(t, &jobs)
	if len(jobs.Items) == 0 {
		t.Fatal("inviting a user made no job: the harness has no job to ask for")
	}
	ids["jobs"] = jobs.Items[0].ID
	return ids
}

// drafts are bodies that the boss may send, by operation.
func (w *world) drafts() map[string]any {
	return map[string]any{
		"departments.create":       map[string]any{"name": "Support"},
		"departments.update":       map[string]any{"name": "Support"},
		"departments.move":         map[string]any{"parentId": nil},
		"posts.create":             map[string]any{"name": "Helper", "departmentId": w.own["departments"]},
		"posts.update":             map[string]any{"name": "Helper"},
		"roles.create":             map[string]any{"name": "Writer", "level": "standard", "grants": []any{}},
		"roles.update":             map[string]any{"name": "Writer"},
		"users.create":             map[string]any{"name": "Lucy", "email": "lucy@example.com"},
		"users.createInDepartment": map[string]any{"name": "Lucy", "email": "lucy@example.com"},
		"users.update":             map[string]any{"name": "Lily"},
		"users.setRoles":           map[string]any{"roleIds": []string{w.own["roles"]}},
		"accounts.create":          map[string]any{"name": "Umbrella", "type": "individual"},
		"accounts.update":          map[string]any{"name": "Umbrella"},
		"categories.create":        map[string]any{"name": "Partners", "use": map[string]any{"departmentIds": []string{w.own["departments"]}}},
		"categories.update":        map[string]any{"name": "Partners"},
		"contacts.create":          map[string]any{"name": "Jim Green"},
		"contacts.update":          map[string]any{"name": "Jim Green"},
		"accounts.setOwner":        map[string]any{"ownerId": w.own["team"]},
		"accounts.assign":          map[string]any{"ownerId": w.own["team"], "accountIds": []string{w.own["accounts"]}},
		"team.set":                 map[string]any{"userId": w.own["team"], "level": "edit"},
		"shares.set":               map[string]any{"departmentId": w.own["departments"], "below": true, "level": "edit"},
		"overrides.set":            map[string]any{"roleId": w.own["roles"], "delete": "off"},
		"temporary.set":            map[string]any{"userId": w.own["team"], "level": "edit", "reason": "Holidays", "expiresAt": w.Now().Add(time.Hour)},
		"company.set":              map[string]any{"name": "Example Ltd"},
		"settings.update":          map[string]any{"locale": "zh-CN"},
	}
}

// fill gives the route's path with an id in each place: pick is asked with the word before the place.
func fill(t *testing.T, path string, pick func(word string) (string, bool)) string {
	t.Helper()
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			v, ok := pick(parts[i-1])
			if !ok {
				t.Fatalf("the harness has no id for %s after %q: teach seed and unknown", p, parts[i-1])
			}
			parts[i] = v
		}
	}
	return strings.Join(parts, "/")
}

func (w *world) mine(word string) (string, bool) {
	if word == "onboarding" {
		return w.unknown(word)
	}
	v, ok := w.own[word]
	return v, ok
}

// words are the words before the places of the path, in order.
func words(path string) []string {
	var out []string
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			out = append(out, parts[i-1])
		}
	}
	return out
}

// state is everything that a refused request must leave as it was: the store but for records of denials, the outbox, the provider's users.
func (w *world) state(t *testing.T) string {
	t.Helper()
	var users []identity.User
	for after := ""; ; {
		page, next, err := w.Identity.ListUsers(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, page...)
		if after = next; next == "" {
			break
		}
	}
	return fmt.Sprintf("%s\n%d messages\n%+v", edgetest.Dump(t, w.Table, edgetest.DeniedEvent), len(w.Outbox.Items()), users)
}
