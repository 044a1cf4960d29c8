package categories_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// TestCategoriesOverHTTP is A22, as a client sees it: made, read with its ETag, listed page by page, changed with If-Match, deleted.
func TestCategoriesOverHTTP(t *testing.T) {
	d := open(t)
	boss, dept, seller := d.As(d.boss), d.department(t, ""), d.seller(t)
	in, err := json.Marshal(m{
		"name": "  Key customers ", "description": "Ours", "use": m{"departmentIds": []id.Department{dept, dept}},
		"grants": []m{{"userId": seller.User, "level": "edit", "superiors": true}, {"departmentId": dept, "below": true, "level": "read"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := boss.Once("k").Post("/v1/categories", string(in)).Want(t, 201, "")
	var made category
	a.Read(t, &made)
	one := "/v1/categories/" + made.ID
	if a.Header.Get("Location") != one || a.ETag() != `"1"` || made.Name != "Key customers" || made.Description != "Ours" || made.Version != 1 ||
		fmt.Sprint(made.Use) != fmt.Sprint(m{"departmentIds": []id.Department{dept}, "roleIds": []string{}}) || len(made.Grants) != 2 ||
		fmt.Sprint(made.Grants[0]) != fmt.Sprint(m{"userId": seller.User, "level": "edit", "superiors": true}) ||
		fmt.Sprint(made.Grants[1]) != fmt.Sprint(m{"departmentId": dept, "below": true, "level": "read"}) {
		t.Errorf("%s", a.Body)
	}
	if again := boss.Once("k").Post("/v1/categories", string(in)).Want(t, 201, ""); string(again.Body) != string(a.Body) {
		t.Errorf("the same key made %s", again.Body)
	}
	if got := boss.Get(one).Want(t, 200, ""); string(got.Body) != string(a.Body) || got.ETag() != a.ETag() {
		t.Errorf("read %s, made %s", got.Body, a.Body)
	}
	boss.Patch(one, m{"name": "x"}).Want(t, http.StatusPreconditionRequired, "if_match_required")
	b := boss.IfMatch(a.ETag()).Patch(one, m{"description": nil, "use": m{"roleIds": []id.Role{d.roleOf(t, seller)}}, "grants": nil}).Want(t, 200, "")
	var changed category
	if b.Read(t, &changed); changed.Description != "" || len(changed.Grants) != 0 || len(changed.Use["departmentIds"].([]any)) != 1 || len(changed.Use["roleIds"].([]any)) != 1 || b.ETag() != `"2"` {
		t.Errorf("%s", b.Body)
	}
	boss.IfMatch(a.ETag()).Patch(one, m{"name": "x"}).Want(t, http.StatusPreconditionFailed, "version_conflict")
	boss.IfMatch(a.ETag()).Delete(one).Want(t, http.StatusPreconditionFailed, "version_conflict")
	if same := boss.IfMatch("*").Patch(one, m{"name": "Key customers", "grants": []m{}}).Want(t, 200, ""); same.ETag() != `"2"` {
		t.Errorf("a change of nothing: %s", same.ETag())
	}
	want := []string{made.ID}
	for i := range 4 {
		want = append(want, d.category(t, fmt.Sprint("Class ", i), nil))
	}
	var ids []string
	for path := "/v1/categories?limit=2&count=true"; path != ""; {
		var page struct {
			Items []category `json:"items"`
			Next  string     `json:"nextCursor"`
			Count m          `json:"count"`
		}
		boss.Get(path).Want(t, 200, "").Read(t, &page)
		for _, c := range page.Items {
			ids = append(ids, c.ID)
		}
		if fmt.Sprint(page.Count) != fmt.Sprint(m{"value": 5, "exact": true}) {
			t.Errorf("counted %v", page.Count)
		}
		if path = ""; page.Next != "" {
			path = "/v1/categories?limit=2&count=true&cursor=" + page.Next
		}
	}
	if !slices.Equal(ids, want) {
		t.Errorf("listed %v, want %v", ids, want)
	}
	boss.IfMatch("*").Patch(one, m{"name": "CLASS 0"}).Want(t, 409, "category_name_taken").Field(t, "/name", "category_name_taken")
	boss.IfMatch("*").Patch(one, m{"name": "Old customers"}).Want(t, 200, "")
	d.category(t, "ＫＥＹ  customers", nil) // the old name is free
	boss.IfMatch("*").Delete(one).Want(t, 204, "")
	boss.Get(one).Want(t, 404, "not_found")
	boss.IfMatch("*").Delete(one).Want(t, 404, "not_found")
	d.category(t, "old customers", nil)
	d.As(seller).Get("/v1/categories").Want(t, 403, "permission_denied")
}

func TestRefusals(t *testing.T) {
	d := open(t)
	dept, seller, left := d.department(t, ""), d.seller(t), d.seller(t)
	d.edit(t, left, func(doc m) { doc["active"], doc["status"] = false, "inactive" })
	d.category(t, "Taken", nil)
	grants := func(g ...m) m { return m{"name": "x", "grants": g} }
	many := func(n int) (out []m) {
		for range n {
			out = append(out, m{"userId": seller.User, "level": "read"})
		}
		return out
	}
	before := d.dump(t)
	for _, row := range []struct {
		says    string
		body    any
		status  int
		code    string
		pointer string
	}{
		{"no name", m{}, 422, "required", "/name"},
		{"101 letters", m{"name": fmt.Sprintf("%0101d", 0)}, 422, "too_long", "/name"},
		{"a name that is taken", m{"name": "ｔＡken"}, 409, "category_name_taken", "/name"},
		{"a version", m{"name": "x", "version": 2}, 400, "field_not_writable", "/version"},
		{"use by a department that is not there", m{"name": "x", "use": m{"departmentIds": []any{dept, "dept_1"}}}, 422, "unknown_department", "/use/departmentIds/1"},
		{"use by a role that is not there", m{"name": "x", "use": m{"roleIds": []any{"role_1"}}}, 422, "unknown_role", "/use/roleIds/0"},
		{"to nobody", grants(m{"level": "read"}), 422, "one_grantee", "/grants/0"},
		{"to two", grants(m{"level": "read", "userId": seller.User, "departmentId": dept}), 422, "one_grantee", "/grants/0"},
		{"below a user", grants(m{"level": "read", "userId": seller.User, "below": true}), 422, "one_grantee", "/grants/0"},
		{"to a user that is not there", grants(m{"level": "read", "userId": "user_1"}), 422, "unknown_user", "/grants/0/userId"},
		{"to a role that is not there", grants(m{"level": "read", "roleId": "role_1"}), 422, "unknown_role", "/grants/0/roleId"},
		{"to a department that is not there", grants(m{"level": "read", "departmentId": "dept_1"}), 422, "unknown_department", "/grants/0/departmentId"},
		{"twice to one", grants(m{"level": "read", "userId": seller.User}, m{"level": "edit", "userId": seller.User}), 422, "duplicate_grant", "/grants/1"},
		{"an unknown level", grants(m{"level": "delete", "userId": seller.User}), 422, "not_one_of", "/grants/0/level"},
		{"to one who left", grants(m{"level": "read", "userId": left.User}), 409, "user_not_active", "/grants/0/userId"},
		{"51 grants", grants(many(51)...), 422, "too_many", "/grants"},
	} {
		for _, dry := range []string{"", "?validateOnly=true"} {
			a := d.As(d.boss).Post("/v1/categories"+dry, row.body).Want(t, row.status, row.code)
			a.Field(t, row.pointer, row.code)
		}
	}
	if d.dump(t) != before {
		t.Error("a refused request changed the store")
	}
}

// TestWhatIsNamedMayStay: a category that names somebody who has left since can be changed still, and not to give them more.
func TestWhatIsNamedMayStay(t *testing.T) {
	d := open(t)
	seller := d.seller(t)
	to := func(level string) []m { return []m{{"userId": seller.User, "level": level}} }
	c := "/v1/categories/" + d.category(t, "Keys", m{"grants": to("read")})
	d.edit(t, seller, func(doc m) { doc["active"], doc["status"] = false, "inactive" })
	d.patch(t, c, m{"name": "Locks", "grants": to("read")}).Want(t, 200, "")
	d.patch(t, c, m{"grants": to("edit")}).Want(t, 409, "user_not_active")
}

// TestLimitOfCategories holds 200 at the edge.
func TestLimitOfCategories(t *testing.T) {
	d := open(t)
	for i := range 199 {
		c := id.New[id.Category](d.IDs)
		b, err := json.Marshal(m{"id": c, "name": fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		d.Commit(t, table.Put(table.Item{Key: key.Category(d.tenant, c), Doc: b}, table.Absent))
	}
	d.category(t, "The last", nil)
	d.As(d.boss).Post("/v1/categories", m{"name": "One more"}).Want(t, 409, "category_limit")
}

// TestNobodyGrantsWhatTheyDoNotHold holds I8 for categories: a grant opens accounts of everybody, so who gives it shares and does as much on
// all, by scope or by the module's default. To take away needs no more than the right to edit categories.
func TestNobodyGrantsWhatTheyDoNotHold(t *testing.T) {
	d := open(t)
	seller := d.seller(t)
	category := rights(policy.All, policy.ModCategory)
	on := func(s policy.Scope, actions ...policy.Action) []policy.Grant {
		out := slices.Clone(category)
		for _, a := range actions {
			out = append(out, policy.Grant{Module: policy.ModAccount, Action: a, Scope: s})
		}
		return out
	}
	share := policy.Grant{Module: policy.ModAccount, Action: policy.Share, Scope: policy.All}
	for _, row := range []struct {
		says       string
		grants     []policy.Grant
		defaults   string
		read, edit bool
	}{
		{"all on all", on(policy.All, policy.View, policy.Update, policy.Share), "", true, true},
		{"no more than view", on(policy.All, policy.View, policy.Share), "", true, false},
		{"no right to share", on(policy.All, policy.View, policy.Update), "", false, false},
		{"below one's department only", on(policy.Subtree, policy.View, policy.Update, policy.Share), "", false, false},
		{"sharing one's own only", append(on(policy.All, policy.View, policy.Update), policy.Grant{Module: policy.ModAccount, Action: policy.Share, Scope: policy.Own}), "", false, false},
		{"viewing one's own, private", append(on(policy.Own, policy.View, policy.Update), share), "private", false, false},
		{"viewing all by default", append(on(policy.Own, policy.View, policy.Update), share), "public_read", true, false},
		{"editing all by default", append(on(policy.Own, policy.View, policy.Update), share), "public_edit", true, true},
		{"by default, without the right", append(slices.Clone(category), share), "public_edit", false, false},
		{"nothing but categories", category, "", false, false},
	} {
		d.Edit(t, key.Tenant(d.tenant), func(doc m) { doc["settings"].(m)["defaults"] = m{"account": row.defaults} })
		who := d.As(d.User(t, d.tenant, row.grants...))
		given := "/v1/categories/" + d.category(t, "Given "+row.says, m{"grants": []m{{"userId": seller.User, "level": "edit"}}})
		free := "/v1/categories/" + d.category(t, "Free "+row.says, nil)
		d.Edit(t, key.Tenant(d.tenant), func(doc m) { doc["settings"].(m)["defaults"] = m{"account": row.defaults} })
		for level, ok := range map[string]bool{"read": row.read, "edit": row.edit} {
			body := m{"name": row.says + level, "grants": []m{{"userId": seller.User, "level": level}}}
			create, update := who.Post("/v1/categories?validateOnly=true", body), who.IfMatch("*").Patch(free+"?validateOnly=true", body)
			for _, a := range []*edgetest.Answer{create, update} {
				if want := map[bool]int{true: 200, false: 403}[ok]; a.Status != want || !ok && a.Code() != "grant_exceeds_own" {
					t.Errorf("%s, to %s: %d %s", row.says, level, a.Status, a.Code())
				}
			}
		}
		up := who.IfMatch("*").Patch(given+"?validateOnly=true", m{"grants": []m{{"userId": seller.User, "level": "edit", "superiors": true}}})
		if (up.Status == 200) != row.edit {
			t.Errorf("%s, to superiors as well: %d %s", row.says, up.Status, up.Code())
		}
		who.IfMatch("*").Patch(given, m{"description": "Named"}).Want(t, 200, "")
		who.IfMatch("*").Patch(given, m{"grants": []m{{"userId": seller.User, "level": "read"}}}).Want(t, 200, "")
		who.IfMatch("*").Patch(given, m{"grants": nil}).Want(t, 200, "")
	}
}
