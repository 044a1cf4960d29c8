package functions_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge/edgetest"
)

// firm is a tenant with a small organisation whose every change can be previewed, made and looked at.
type firm struct {
	*house
	admin  *person
	people []*person // without the administrator
	depts  []string
	roles  []string

	accounts []string
	category string
	etag     func(path string) string
}

func openFirm(t *testing.T) *firm {
	h := openHouse(t)
	f := &firm{house: h, admin: h.onboard("acme")}
	post := func(path string, body any) string {
		t.Helper()
		var made struct {
			ID string `json:"id"`
		}
		f.admin.client.Post(path, body).Want(t, http.StatusCreated, "").Read(t, &made)
		return made.ID
	}
	f.etag = func(path string) string { return f.admin.client.Get(path).Want(t, http.StatusOK, "").ETag() }
	f.admin.client.IfMatch(f.etag("/v1/settings")).Patch("/v1/settings", m{"requiredAccountFields": []string{"name"}}).Want(t, http.StatusOK, "")
	for _, parent := range []int{-1, 0, 0, 1} {
		body := m{"name": fmt.Sprint("Dept ", len(f.depts))}
		if parent >= 0 {
			body["parentId"] = f.depts[parent]
		}
		f.depts = append(f.depts, post("/v1/departments", body))
	}
	for _, scope := range []string{"own", "reports", "department"} {
		f.roles = append(f.roles, post("/v1/roles", m{"name": "R " + scope, "level": "power", "grants": grantsOf(scope)}))
	}
	for i, at := range []struct{ dept, role, manager int }{{0, 1, -1}, {1, 2, 0}, {3, 0, 1}, {2, 0, 0}, {3, 2, 1}} {
		more := m{"departmentId": f.depts[at.dept], "roleIds": []string{f.roles[at.role]}}
		if at.manager >= 0 {
			more["managerId"] = f.people[at.manager].id
		}
		f.people = append(f.people, h.invite(f.admin, fmt.Sprint("P", i), more))
	}
	for i := range 23 {
		h.Clock.Add(time.Millisecond)
		body := m{"name": fmt.Sprint("Customer ", i), "ownerId": f.people[i%5].id}
		if i%4 == 0 {
			body["departmentId"] = f.depts[i%3]
		}
		f.accounts = append(f.accounts, post("/v1/accounts", body))
	}
	f.category = post("/v1/categories", m{"name": "Key customers"})
	return f
}

func grantsOf(scope string) []m {
	var out []m
	for _, a := range []string{"view", "edit", "delete", "transfer", "share", "create"} {
		out = append(out, m{"module": "account", "action": a, "scope": scope})
	}
	return append(out, m{"module": "contact", "action": "view", "scope": scope})
}

// sees gives what everybody may do with which account now, asked one by one: by user, then action.
func (f *firm) sees() map[string]map[string][]string {
	f.t.Helper()
	out := map[string]map[string][]string{}
	for _, p := range append([]*person{f.admin}, f.people...) {
		out[p.id] = map[string][]string{}
		c := p.client
		for next := "/v1/accounts?limit=7"; next != ""; {
			a := c.Get(next)
			if a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden { // deactivated, or without the right
				break
			}
			var page struct {
				Items []struct {
					ID string `json:"id"`
				} `json:"items"`
				Next string `json:"nextCursor"`
			}
			a.Want(f.t, http.StatusOK, "").Read(f.t, &page)
			for _, it := range page.Items {
				out[p.id]["view"] = append(out[p.id]["view"], it.ID)
				if c.With("If-Match", "*").Patch("/v1/accounts/"+it.ID+"?validateOnly=true", m{"industry": "x"}).Status == http.StatusOK {
					out[p.id]["edit"] = append(out[p.id]["edit"], it.ID)
				}
			}
			if next = ""; page.Next != "" {
				next = "/v1/accounts?limit=7&cursor=" + page.Next
			}
		}
	}
	return out
}

type foretold struct {
	Hash    string `json:"hash"`
	Preview struct {
		Exact bool `json:"exact"`
		Users []struct {
			ID     string `json:"userId"`
			Rights []struct {
				Module, Action, Before, After string
			} `json:"rights"`
			Accounts []struct {
				Action string   `json:"action"`
				Gained int      `json:"gained"`
				Lost   int      `json:"lost"`
				Some   []string `json:"gainedSamples"`
				Less   []string `json:"lostSamples"`
			} `json:"accounts"`
		} `json:"users"`
	} `json:"preview"`
}

// tell previews a change, makes it with the preview's hash, and holds what came to what was told.
func (f *firm) tell(says, method, path, of string, body any) {
	f.t.Helper()
	client := func() edgetest.Client {
		if of == "" {
			return f.admin.client
		}
		return f.admin.client.IfMatch(f.etag(of))
	}
	store := func() string { return edgetest.Dump(f.t, f.Table, edgetest.DeniedEvent) }
	before, was := f.sees(), store()
	var told foretold
	client().Do(method, path+"?preview=true", body).Want(f.t, http.StatusOK, "").Read(f.t, &told)
	if store() != was {
		f.t.Fatalf("%s: the preview changed the store", says)
	}
	if a := client().With("Preview-Hash", told.Hash).Do(method, path, body); a.Status/100 != 2 {
		f.t.Fatalf("%s: %d %s", says, a.Status, a.Body)
	}
	after := f.sees()
	type sums struct {
		gained, lost int
		some, less   []string
	}
	want, got := map[string]sums{}, map[string]sums{}
	for u := range after {
		for _, act := range []string{"view", "edit"} {
			s := sums{some: minus(after[u][act], before[u][act]), less: minus(before[u][act], after[u][act])}
			s.gained, s.lost = len(s.some), len(s.less)
			s.some, s.less = newest(s.some), newest(s.less)
			if s.gained+s.lost > 0 {
				want[u+" "+act] = s
			}
		}
	}
	for _, u := range told.Preview.Users {
		for _, d := range u.Accounts {
			if _, known := after[u.ID]; known && (d.Action == "view" || d.Action == "edit") {
				slices.Sort(d.Some)
				slices.Sort(d.Less)
				got[u.ID+" "+d.Action] = sums{d.Gained, d.Lost, d.Some, d.Less}
			}
		}
	}
	if !told.Preview.Exact {
		f.t.Errorf("%s: not exact", says)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.t.Errorf("%s:\nforetold %v\ncame     %v", says, got, want)
	}
}

// newest gives as many as a preview samples: ids grow with time, and nothing is updated here.
func newest(ids []string) []string { return ids[max(0, len(ids)-access.MaxSamples):] }

func minus(a, b []string) []string {
	out := []string{}
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return out
}

// TestPreviewIsWhatComes holds C2: for every kind of change of roles, organisation and status, what the preview tells of every user is what
// they gain and lose when it is made.
func TestPreviewIsWhatComes(t *testing.T) {
	f := openFirm(t)
	role := func(i int) string { return "/v1/roles/" + f.roles[i] }
	user := func(i int) string { return "/v1/users/" + f.people[i].id }
	dept := func(i int) string { return "/v1/departments/" + f.depts[i] }
	account := func(i int) string { return "/v1/accounts/" + f.accounts[i] }
	f.tell("the first grant to somebody that reaches who is above them", "POST", account(5)+"/team", "", m{"userId": f.people[4].id, "level": "read", "superiors": true})
	f.tell("a role widened", "PATCH", role(0), role(0), m{"grants": grantsOf("department")})
	f.tell("a role narrowed", "PATCH", role(2), role(2), m{"grants": grantsOf("own")})
	f.tell("a role opened to all", "PATCH", role(1), role(1), m{"grants": grantsOf("all")})
	f.tell("a role that only views", "PATCH", role(1), role(1), m{"grants": grantsOf("subtree")[:1]})
	f.tell("a role emptied", "PATCH", role(0), role(0), m{"grants": []m{}})
	f.tell("roles of a user", "PUT", user(2)+"/roles", user(2), m{"roleIds": []string{f.roles[1], f.roles[2]}})
	f.tell("a user moves", "PATCH", user(4), user(4), m{"departmentId": f.depts[2]})
	f.tell("a manager changes", "PATCH", user(3), user(3), m{"managerId": f.people[1].id})
	f.tell("a department moves", "POST", dept(3)+"/move", "", m{"parentId": f.depts[2]})
	f.tell("a head is named", "PATCH", dept(3), dept(3), m{"headId": f.people[3].id})
	f.tell("a user is deactivated", "POST", user(1)+"/deactivate", "", nil)

	// Grants, switches and categories, by themselves and under a change of roles.
	f.tell("a share", "POST", account(0)+"/shares", "", m{"departmentId": f.depts[1], "below": true, "level": "edit", "superiors": true})
	f.tell("a share that ends", "DELETE", account(0)+"/shares/"+f.depts[1]+".below", account(0), nil)
	f.tell("a member of a team", "POST", account(1)+"/team", "", m{"userId": f.people[2].id, "level": "read", "superiors": true})
	f.tell("a switch off", "POST", account(2)+"/overrides", "", m{"roleId": f.roles[2], "edit": "off"})
	f.tell("a switch off for one", "POST", account(3)+"/overrides", "", m{"userId": f.people[3].id, "view": "off"})
	f.tell("a role opened over grants and switches", "PATCH", role(2), role(2), m{"grants": grantsOf("subtree")})
	f.tell("a role narrowed over grants and switches", "PATCH", role(2), role(2), m{"grants": grantsOf("own")})
	f.tell("an owner", "PUT", account(4)+"/owner", account(4), m{"ownerId": f.people[0].id})
	for i := range 3 {
		f.admin.client.IfMatch(f.etag(account(i+5))).Patch(account(i+5), m{"categoryIds": []string{f.category}}).Want(t, http.StatusOK, "")
	}
	f.tell("a category with grants", "PATCH", "/v1/categories/"+f.category, "/v1/categories/"+f.category,
		m{"grants": []m{{"roleId": f.roles[2], "level": "edit"}, {"userId": f.people[4].id, "level": "read", "superiors": true}}})
	f.tell("a role taken from one whom a category serves", "PUT", user(4)+"/roles", user(4), m{"roleIds": []string{f.roles[1]}})
	f.tell("a default", "PATCH", "/v1/settings", "/v1/settings", m{"defaults": m{"account": "public_read"}})
	f.tell("a department moves under a default", "POST", dept(3)+"/move", "", m{"parentId": f.depts[0]})
	f.tell("the default ends", "PATCH", "/v1/settings", "/v1/settings", m{"defaults": m{}})

	// A seed's worth of changes of all kinds, one on another.
	rng := rand.New(rand.NewPCG(7, 7))
	scopes := []string{"own", "reports", "department", "subtree", "all"}
	for n := range 40 {
		says := fmt.Sprint("step ", n)
		to := []m{
			{"userId": f.people[[]int{0, 2, 3, 4}[rng.IntN(4)]].id},
			{"roleId": f.roles[rng.IntN(3)]},
			{"departmentId": f.depts[rng.IntN(4)]},
			{"departmentId": f.depts[rng.IntN(4)], "below": true},
		}[rng.IntN(4)]
		up := rng.IntN(2) == 0
		level := []string{"read", "edit"}[rng.IntN(2)]
		at := account(rng.IntN(len(f.accounts)))
		switch rng.IntN(8) {
		case 4:
			to["level"], to["superiors"] = level, up
			f.tell(says, "POST", at+"/shares", "", to)
		case 5:
			to[[]string{"view", "edit", "delete"}[rng.IntN(3)]] = []string{"on", "off"}[rng.IntN(2)]
			f.tell(says, "POST", at+"/overrides", "", to)
		case 6:
			to["level"], to["superiors"] = level, up
			f.tell(says, "PATCH", "/v1/categories/"+f.category, "/v1/categories/"+f.category, m{"grants": []m{to}})
		case 7:
			for _, kind := range []string{"/shares/", "/overrides/"} {
				var list struct {
					Items []struct {
						ID string `json:"id"`
					} `json:"items"`
				}
				f.admin.client.Get(at+strings.TrimSuffix(kind, "/")).Want(t, 200, "").Read(t, &list)
				for _, g := range list.Items {
					f.tell(says+" ends", "DELETE", at+kind+g.ID, at, nil)
				}
			}
		case 0:
			i := rng.IntN(3)
			f.tell(says, "PATCH", role(i), role(i), m{"grants": grantsOf(scopes[rng.IntN(5)]), "description": says})
		case 1:
			i := rng.IntN(5)
			f.tell(says, "PUT", user(i)+"/roles", user(i), m{"roleIds": []string{f.roles[rng.IntN(3)]}})
		case 2:
			i := rng.IntN(5)
			f.tell(says, "PATCH", user(i), user(i), m{"departmentId": f.depts[rng.IntN(4)]})
		case 3:
			f.tell(says, "POST", dept(3)+"/move", "", m{"parentId": f.depts[rng.IntN(3)]})
		}
	}
}

// TestPreviewIsHeld holds a change to the preview that it was decided on: another change, or anything moved in between, and it is refused.
func TestPreviewIsHeld(t *testing.T) {
	f := openFirm(t)
	role := "/v1/roles/" + f.roles[0]
	match := f.admin.client.IfMatch(f.etag(role))
	body := m{"grants": grantsOf("all")}
	var a, b, c foretold
	match.Patch(role+"?preview=true", body).Want(t, http.StatusOK, "").Read(t, &a)
	match.Patch(role+"?preview=true", `{ "grants": `+string(jsonOf(t, grantsOf("all")))+` }`).Want(t, http.StatusOK, "").Read(t, &b)
	f.admin.client.Post(role+"/preview", body).Want(t, http.StatusOK, "").Read(t, &c)
	if a.Hash == "" || a.Hash != b.Hash || a.Hash != c.Hash || len(c.Preview.Users) == 0 {
		t.Errorf("one change has the hashes %s, %s, %s", a.Hash, b.Hash, c.Hash)
	}
	store := edgetest.Dump(t, f.Table, edgetest.DeniedEvent)
	match.With("Preview-Hash", a.Hash).Patch(role, m{"grants": grantsOf("own")}).Want(t, http.StatusConflict, "preview_stale")
	match.With("Preview-Hash", a.Hash).Patch(role+"?validateOnly=true", m{"grants": grantsOf("own")}).Want(t, http.StatusConflict, "preview_stale")
	match.With("Preview-Hash", "short").Patch(role, body).Want(t, http.StatusBadRequest, "preview_hash_invalid")
	f.admin.client.With("Preview-Hash", a.Hash).Post("/v1/accounts", m{"name": "No preview here"}).Want(t, http.StatusBadRequest, "preview_hash_invalid")
	f.admin.client.Post("/v1/accounts?preview=true", m{"name": "No preview here"}).Want(t, http.StatusBadRequest, "unknown_parameter")
	if edgetest.Dump(t, f.Table, edgetest.DeniedEvent) != store {
		t.Error("the store changed")
	}
	// Whoever may not change may not preview.
	f.people[0].client.IfMatch("*").Patch(role+"?preview=true", body).Want(t, http.StatusForbidden, "permission_denied")
	f.people[0].client.Post(role+"/preview", body).Want(t, http.StatusForbidden, "permission_denied")

	other := "/v1/users/" + f.people[4].id // anything that rights rest on
	f.admin.client.IfMatch(f.etag(other)).Patch(other, m{"departmentId": f.depts[0]}).Want(t, http.StatusOK, "")
	match.With("Preview-Hash", a.Hash).Patch(role, body).Want(t, http.StatusConflict, "preview_stale")
	match.Patch(role, body).Want(t, http.StatusOK, "")

	// A change that raises nothing of the tenant's, such as a share, is held to roles and organisation as well, and to its record.
	account := "/v1/accounts/" + f.accounts[0]
	share := m{"userId": f.people[3].id, "level": "read"}
	f.admin.client.Post(account+"/shares?preview=true", share).Want(t, http.StatusOK, "").Read(t, &a)
	f.admin.client.IfMatch(f.etag(role)).Patch(role, m{"grants": grantsOf("own")}).Want(t, http.StatusOK, "")
	f.admin.client.With("Preview-Hash", a.Hash).Post(account+"/shares", share).Want(t, http.StatusConflict, "preview_stale")
	f.admin.client.Post(account+"/shares?preview=true", share).Want(t, http.StatusOK, "").Read(t, &a)
	f.admin.client.IfMatch(f.etag(account)).Patch(account, m{"industry": "Tea"}).Want(t, http.StatusOK, "")
	f.admin.client.With("Preview-Hash", a.Hash).Post(account+"/shares", share).Want(t, http.StatusConflict, "preview_stale")
	f.admin.client.Post(account+"/shares?preview=true", share).Want(t, http.StatusOK, "").Read(t, &a)
	f.admin.client.With("Preview-Hash", a.Hash).Post(account+"/shares", share).Want(t, http.StatusCreated, "")
}

func jsonOf(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
