package functions_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

var anyID = regexp.MustCompile(`\b(?:user|role|dept|post|acct|cat|cont|job|evt|tnt)_[0-9A-HJKMNP-TV-Z]{26}\b`)

// TestNothingCrossesTheBorder holds I1 and I2 over two tenants that have lived the same day: each item at rest belongs to one tenant, lies under
// it and names nothing of the other; and whatever an administrator of one asks for, with the ids of the other or without, neither the answer nor
// the log line names anything of the other.
func TestNothingCrossesTheBorder(t *testing.T) {
	h := openHouse(t)
	north, south := h.onboard("north"), h.onboard("south")
	of := map[*person]made{north: h.day(north, nil), south: h.day(south, nil)}
	north.again(h)
	south.again(h)
	other := map[*person]*person{north: south, south: north}
	tenants := map[id.Tenant]*person{north.tenant: north, south.tenant: south}

	// Whose is an id: the tenant under whose items it stands in a key.
	owner := map[string]id.Tenant{string(north.tenant): north.tenant, string(south.tenant): south.tenant}
	items := map[id.Tenant][]string{}
	for it, err := range h.Table.Scan(t.Context(), 0, 1) {
		if err != nil {
			t.Fatal(err)
		}
		x, ok := key.TenantOf(it.PK)
		if !ok {
			if !strings.HasPrefix(it.PK, "CTL#") {
				t.Errorf("%s %s belongs to nobody", it.PK, it.SK)
			}
			continue
		}
		if tenants[x] == nil {
			continue
		}
		for _, i := range anyID.FindAllString(it.PK+" "+it.SK, -1) {
			if was, known := owner[i]; known && was != x {
				t.Errorf("%s stands in keys of two tenants", i)
			}
			owner[i] = x
		}
		for _, k := range it.Index {
			if y, ok := key.TenantOf(k.PK); ok && y != x {
				t.Errorf("%s %s is in an index of another tenant", it.PK, it.SK)
			}
		}
		items[x] = append(items[x], it.PK+" "+it.SK+" "+string(it.Doc))
	}
	crossed := func(text string, x id.Tenant) string {
		for _, i := range anyID.FindAllString(text, -1) {
			if o, known := owner[i]; known && o != x {
				return i
			}
		}
		for _, word := range []string{tenants[x].slug, other[tenants[x]].slug} {
			if word != tenants[x].slug && (strings.Contains(text, "of "+word) || strings.Contains(text, word+".example") || strings.Contains(text, word+`"`)) {
				return word
			}
		}
		return ""
	}
	for x, all := range items {
		if len(all) < 100 {
			t.Errorf("%d items only", len(all))
		}
		for _, text := range all {
			if c := crossed(text, x); c != "" {
				t.Errorf("an item of %s names %s of the other: %s", tenants[x].slug, c, text)
			}
		}
	}

	for me, them := range other {
		asked := 0
		for _, mine := range []bool{true, false} {
			ids := of[them]
			if mine {
				ids = of[me]
			}
			for _, path := range paths(h, ids) {
				asked++
				logged := len(h.Logged.String())
				a := me.client.Get(path)
				want := http.StatusOK
				if before, _, _ := strings.Cut(path, "?"); !mine && anyID.MatchString(before) {
					want = http.StatusNotFound
				}
				if a.Status != want {
					t.Errorf("%s of the other %v: %d, want %d", path, !mine, a.Status, want)
				}
				if c := crossed(string(a.Body)+fmt.Sprint(a.Header), me.tenant); c != "" && !strings.Contains(path, c) {
					t.Errorf("%s as %s names %s of the other: %s", path, me.slug, c, a.Body)
				}
				if line := h.Logged.String()[logged:]; crossed(line, me.tenant) != "" {
					t.Errorf("%s: the log line names the other tenant: %s", path, line)
				}
			}
		}
		if asked < 40 {
			t.Errorf("%d paths only", asked)
		}
	}
}

// paths are all reads of the API with the ids in place.
func paths(h *house, ids made) (out []string) {
	kinds := map[string]string{"accounts": "account", "categories": "category", "contacts": "contact", "departments": "department", "posts": "post", "roles": "role", "users": "user"}
	for _, r := range h.routes {
		if r.Method != http.MethodGet || r.Produces != "" || strings.HasPrefix(r.Operation, "docs.") || strings.HasPrefix(r.Operation, "onboarding.") || r.Operation == "jobs.get" {
			continue
		}
		parts := strings.Split(r.Path, "/")
		for i, p := range parts {
			if strings.HasPrefix(p, "{") {
				parts[i] = ids[kinds[parts[i-1]]]
			}
		}
		path := strings.Join(parts, "/")
		out = append(out, path)
		if r.List {
			out = append(out, path+"?limit=1")
			for _, q := range r.Query {
				if kind, ok := map[string]string{"ownerId": "user", "departmentId": "department", "target": "account", "actor": "user", "managerId": "user", "roleId": "role", "categoryId": "category"}[q.Name]; ok {
					out = append(out, path+"?"+q.Name+"="+ids[kind])
				}
			}
		}
	}
	return out
}

// TestPagesWhileOthersWrite holds A07: while customers are added and changed between and during the pages, whatever was there and stayed is on the
// pages once, at every page size; nothing comes twice.
func TestPagesWhileOthersWrite(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	add := func(name string) string {
		t.Helper()
		var a struct {
			ID string `json:"id"`
		}
		boss.Post("/v1/accounts", m{"name": name}).Want(t, http.StatusCreated, "").Read(t, &a)
		return a.ID
	}
	there := []string{w.own["accounts"]}
	for n := range 20 {
		w.Clock.Add(1e6)
		there = append(there, add(fmt.Sprint("There ", n)))
	}
	for _, limit := range []int{1, 3, 7, 20} {
		seen := map[string]int{}
		for next, page := "", 0; page == 0 || next != ""; page++ {
			var during sync.WaitGroup
			for n := range 2 { // in the same millisecond as the newest, and later
				during.Go(func() {
					a := w.api.As(w.boss).Post("/v1/accounts", m{"name": fmt.Sprintf("New %d %d %d", limit, page, n)})
					if a.Status != http.StatusCreated {
						t.Errorf("%d %s", a.Status, a.Body)
					}
				})
			}
			path := fmt.Sprint("/v1/accounts?limit=", limit)
			if next != "" {
				path += "&cursor=" + next
			}
			var p struct {
				Items []struct {
					ID string `json:"id"`
				} `json:"items"`
				Next string `json:"nextCursor"`
			}
			boss.Get(path).Want(t, http.StatusOK, "").Read(t, &p)
			during.Wait()
			w.Clock.Add(1e6)
			for _, a := range p.Items {
				seen[a.ID]++
			}
			if next = p.Next; page > 1000 {
				t.Fatal("the pages never end")
			}
		}
		for _, a := range there {
			if seen[a] != 1 {
				t.Errorf("pages of %d: an account that was there is on them %d times", limit, seen[a])
			}
		}
		for a, n := range seen {
			if n > 1 {
				t.Errorf("pages of %d: %s comes %d times", limit, a, n)
			}
		}
	}
}

// TestTamperedStore holds E03 through the API: whichever sealed part of whichever item is changed by a bit, cut, or put in another's place, whoever
// reads it is told that something is wrong and gets nothing of it; what was put back right is answered as before.
func TestTamperedStore(t *testing.T) {
	h := openHouse(t)
	north, south := h.onboard("north"), h.onboard("south")
	ids, theirs := h.day(north, nil), h.day(south, nil)
	north.again(h)
	second := north.client.Post("/v1/accounts", m{"name": "Second", "email": "second@north.example.com", "phone": "13800138009"}).Want(t, http.StatusCreated, "")
	var acct struct {
		ID string `json:"id"`
	}
	second.Read(t, &acct)

	x, y := north.tenant, south.tenant
	account, contact, user := id.Account(ids["account"]), id.Contact(ids["contact"]), id.User(ids["user"])
	for _, row := range []struct {
		what, path string
		key        table.Key
		like       []table.Key // whose sealed part may not stand in its place
	}{
		{"an account", "/v1/accounts/" + ids["account"], key.Account(x, account), []table.Key{
			key.Account(x, id.Account(acct.ID)), key.Contact(x, account, contact), key.Account(y, id.Account(theirs["account"])), key.User(x, user), key.Company(x),
		}},
		{"a contact", "/v1/accounts/" + ids["account"] + "/contacts/" + ids["contact"], key.Contact(x, account, contact), []table.Key{
			key.Account(x, account), key.Contact(y, id.Account(theirs["account"]), id.Contact(theirs["contact"])),
		}},
		{"a user", "/v1/users/" + ids["user"], key.User(x, user), []table.Key{key.User(x, id.User(north.id)), key.User(y, id.User(theirs["user"])), key.Company(x)}},
		{"the company", "/v1/company", key.Company(x), []table.Key{key.Company(y), key.User(x, user)}},
		{"an account's key", "/v1/accounts/" + ids["account"], key.AccountKey(x, account), []table.Key{
			key.AccountKey(x, id.Account(acct.ID)), key.AccountKey(x, id.Account(user)), key.AccountKey(y, id.Account(theirs["account"])),
		}},
	} {
		t.Run(row.what, func(t *testing.T) {
			was := north.client.Get(row.path).Want(t, http.StatusOK, "")
			read := func(k table.Key) table.Item {
				t.Helper()
				items, err := h.Table.Get(t.Context(), k)
				if err != nil || len(items) != 1 || len(items[0].Sealed) == 0 {
					t.Fatalf("%v: %d items, %v", k, len(items), err)
				}
				return items[0]
			}
			sound := read(row.key)
			versions := map[string][]byte{"cut short": sound.Sealed[:len(sound.Sealed)-1], "longer": append(slices.Clone(sound.Sealed), 0), "one byte": {sound.Sealed[0]}}
			for i := range sound.Sealed {
				if i < 16 || i > len(sound.Sealed)-18 || i%7 == 0 {
					b := slices.Clone(sound.Sealed)
					b[i] ^= 1 << (i % 8)
					versions[fmt.Sprint("a bit of byte ", i)] = b
				}
			}
			for _, k := range row.like {
				versions["that of "+k.PK] = read(k).Sealed
			}
			for _, what := range slices.Sorted(maps.Keys(versions)) {
				bad := sound
				bad.Sealed = versions[what]
				h.Commit(t, table.Put(bad, table.Always))
				a := north.client.Get(row.path)
				if a.Status < 400 || bytes.Contains(a.Body, []byte("anary")) || bytes.Contains(a.Body, []byte("@")) {
					t.Errorf("%s: answered %d %s", what, a.Status, a.Body)
				}
			}
			h.Commit(t, table.Put(sound, table.Always))
			if a := north.client.Get(row.path).Want(t, http.StatusOK, ""); members(t, a.Body) != members(t, was.Body) {
				t.Errorf("put back right it reads %s, was %s", a.Body, was.Body)
			}
		})
	}
}

var version = regexp.MustCompile(`"version":\d+`)

func members(_ *testing.T, b []byte) string { return version.ReplaceAllString(string(b), "") }

// TestSeatsUnderTheRush holds I38 through the API: many invitations at once, from two processes, fill the plan's seats to the last and not one more.
func TestSeatsUnderTheRush(t *testing.T) {
	h := openHouse(t)
	admin := h.onboard("acme")
	const seats = 4
	h.Edit(t, key.Tenant(admin.tenant), func(doc map[string]any) { doc["userLimit"] = seats })
	var all sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	bearer := "Bearer " + admin.token
	for n := range 8 {
		c := h.process().Anonymous().With("Authorization", bearer)
		all.Go(func() {
			for range 50 {
				a := c.Post("/v1/users", m{"name": "U", "email": fmt.Sprintf("u%d@acme.example.com", n)})
				if a.Code() == "busy" {
					continue // as its Retry-After says
				}
				mu.Lock()
				codes[fmt.Sprint(a.Status, a.Code())]++
				mu.Unlock()
				return
			}
		})
	}
	all.Wait()
	if codes["201"] != seats-1 || codes["409user_limit"] != 8-(seats-1) {
		t.Errorf("answers: %v", codes)
	}
	if n := len(h.get(admin, "/v1/users?limit=100")["items"].([]any)); n != seats {
		t.Errorf("%d users in %d seats", n, seats)
	}
}

// TestTheLargest holds I39 through the API: the largest of everything that the rules of the fields allow is taken, or refused by a limit that has a
// name; it never comes to the store's own refusal, which would be a mistake of ours.
func TestTheLargest(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	long := func(n int) string { return strings.Repeat("龘", n) }
	list := func(n int, one func(int) any) (out []any) {
		for i := range n {
			out = append(out, one(i))
		}
		return out
	}
	made := func(path string, body m) any {
		t.Helper()
		var doc struct {
			ID string `json:"id"`
		}
		boss.Post(path, body).Want(t, http.StatusCreated, "").Read(t, &doc)
		return doc.ID
	}
	mail := func(i int) string {
		return fmt.Sprintf("%s%04d@%s.example", strings.Repeat("a", 60), i, strings.Repeat("b", 60))
	}
	role := func(int) any { return made("/v1/roles", m{"name": w.IDs.ULID()}) }
	post := func(int) any {
		return made("/v1/posts", m{"departmentId": w.own["departments"], "name": w.IDs.ULID(), "roleIds": []any{}})
	}
	contact := func(i int) any {
		return m{"name": long(200), "title": long(100), "email": mail(i), "phone": fmt.Sprintf("+861380013%04d", i)}
	}
	roles, posts := list(21, role), list(21, post)
	grant := func(i int) any {
		e := policy.Catalogue()[i%len(policy.Catalogue())]
		return m{"module": e.Module, "action": e.Actions[i/len(policy.Catalogue())%len(e.Actions)], "scope": "all"}
	}
	account := func(contacts int) m {
		return m{
			"name": long(200), "type": "enterprise", "email": mail(1), "phone": "13800138000", "industry": long(100),
			"website": "https://lotus.example/" + strings.Repeat("x", 478), "contacts": list(contacts, contact),
			"address": m{"country": "CN", "region": long(100), "city": long(100), "street": long(300), "postalCode": strings.Repeat("1", 20)},
		}
	}
	user := func(n int, roles, posts []any) m {
		return m{"name": long(100), "email": mail(n), "phone": fmt.Sprintf("+861390013%04d", n), "employeeNo": fmt.Sprintf("%032d", n), "roleIds": roles, "postIds": posts}
	}
	for _, row := range []struct {
		what, path string
		body       m
		status     int
		code       string
	}{
		{"an account", "/v1/accounts", account(30), 201, ""},
		{"an account with a contact too many", "/v1/accounts", account(31), 422, "too_many_contacts"},
		{"a user", "/v1/users", user(1, roles[:20], posts[:20]), 201, ""},
		{"a user with a role too many", "/v1/users", user(2, roles, posts[:20]), 422, "too_many"},
		{"a user with a post too many", "/v1/users", user(3, roles[:20], posts), 422, "too_many"},
		{"a post", "/v1/posts", m{"departmentId": w.own["departments"], "name": long(100), "roleIds": roles[:20]}, 201, ""},
		{"a post with a role too many", "/v1/posts", m{"departmentId": w.own["departments"], "name": long(99), "roleIds": roles}, 422, "too_many"},
		{"a department", "/v1/departments", m{"name": long(100), "responsibilities": long(2000)}, 201, ""},
		{"a department with a text too long", "/v1/departments", m{"name": long(99), "responsibilities": long(2001)}, 422, "too_long"},
		{"a role", "/v1/roles", m{"name": long(100), "description": long(1000), "grants": list(300, grant)}, 0, ""},
		{"a role with a grant too many", "/v1/roles", m{"name": long(99), "grants": list(301, grant)}, 422, "too_many_grants"},
	} {
		before := w.state(t)
		a := boss.Once(row.what).Post(row.path, row.body)
		if row.status == 0 {
			if a.Status >= 500 || a.Status/100 != 2 && len(a.Problem().Errors) == 0 {
				t.Errorf("%s: %d %s", row.what, a.Status, a.Body)
			}
			continue
		}
		if a.Status != row.status || a.Code() != row.code {
			t.Errorf("%s: %d %.400s", row.what, a.Status, a.Body)
		}
		if a.Status/100 != 2 && w.state(t) != before {
			t.Errorf("%s: the store changed", row.what)
		}
	}
	boss.IfMatch("*").Patch("/v1/users/"+w.own["users"], m{"postIds": posts[:20], "name": long(100), "email": mail(9), "phone": "13900139999", "employeeNo": "Z"}).Want(t, http.StatusOK, "")
	boss.IfMatch("*").Put("/v1/users/"+w.own["users"]+"/roles", m{"roleIds": roles[:20]}).Want(t, http.StatusOK, "")
}
