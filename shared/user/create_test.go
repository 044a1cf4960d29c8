package user_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

func (w *world) create(t testing.TB, by id.User, d user.Draft) (u user.User, err error) {
	t.Helper()
	err = w.try(t.Context(), by, func(who *policy.Subject, c *change.Set) error {
		u, err = w.users.Create(t.Context(), who, c, d)
		return err
	})
	return u, err
}

func TestCreateKeepsWhatWasAskedFor(t *testing.T) {
	w := newWorld(t)
	dept := w.department(t, "")
	post := w.post(t, dept, w.roles["standard_user"])
	u, err := w.create(t, w.admin, user.Draft{
		Name: "  Li Lei ", Email: "Li.Lei@Example.COM", Phone: "138 0013 8000", EmployeeNo: "E-7", Posts: []id.Post{post, post},
		Manager: w.admin, Roles: []id.Role{w.roles["power_user"]},
	})
	must(t, err)
	got := w.load(t, u.ID)
	for _, row := range []struct{ what, got, want string }{
		{"name", got.Name, "Li Lei"},
		{"email", string(got.Email), "Li.Lei@example.com"},
		{"canonical", got.Canonical, "li.lei@example.com"},
		{"phone, read in the tenant's region", string(got.Phone), "+8613800138000"},
		{"status", string(got.Status), "invited"},
		{"department, that of the first post", string(got.Department), string(dept)},
		{"posts, each once", fmt.Sprint(got.Posts), fmt.Sprint([]id.Post{post})},
		{"manager", string(got.Manager), string(w.admin)},
		{"locale, the tenant's", got.Locale, "en"},
		{"employee number", got.EmployeeNo, "E-7"},
		{"version", fmt.Sprint(got.Version, u.Version), "1 1"},
	} {
		if row.got != row.want {
			t.Errorf("%s is %q, want %q", row.what, row.got, row.want)
		}
	}
	w.sound(t)
}

// TestStoredSealed holds I22 for users: no address at rest in plain, in any item.
func TestStoredSealed(t *testing.T) {
	w := newWorld(t)
	u, err := w.create(t, w.admin, user.Draft{Name: "Canary", Email: "canary.bird@example.com", Phone: "+8613912345678"})
	must(t, err)
	must(t, w.update(t.Context(), w.admin, u.ID, user.Patch{Email: given("canary.fish@example.com")}))
	dump := edgetest.Dump(t, w.Table)
	for _, s := range []string{"canary.bird", "canary.fish", "13912345678", "example.com"} {
		if strings.Contains(strings.ToLower(dump), s) {
			t.Errorf("%s lies in the store in plain", s)
		}
	}
}

func TestCreateRefusesAllFaultsAtOnce(t *testing.T) {
	w := newWorld(t)
	edgetest.Unchanged(t, w.Table, func() {
		_, err := w.create(t, w.admin, user.Draft{
			Name: " ", Email: "nobody", Phone: "12345", EmployeeNo: strings.Repeat("9", 33), Department: "dept_none", Posts: []id.Post{"post_none"},
			Manager: "user_none", Roles: []id.Role{w.roles["power_user"], "role_none"}, Locale: "fr",
		})
		edgetest.Refused(t, err, "validation_failed")
		edgetest.Field(t, err, "/name", "required")
		edgetest.Field(t, err, "/email", "invalid_email")
		edgetest.Field(t, err, "/phone", "invalid_phone")
		edgetest.Field(t, err, "/employeeNo", "too_long")
		edgetest.Field(t, err, "/departmentId", "unknown_department")
		edgetest.Field(t, err, "/postIds/0", "unknown_post")
		edgetest.Field(t, err, "/managerId", "unknown_manager")
		edgetest.Field(t, err, "/roleIds/1", "unknown_role")
		edgetest.Field(t, err, "/locale", "invalid_locale")
		if n := len(fault.Of(err).Fields); n != 9 {
			t.Errorf("%d fields at fault: %v", n, err)
		}
	})
}

// TestAddressesOfUsers holds bad-input 37 to 42 at this door; packages email and phone test their rules.
func TestAddressesOfUsers(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct{ email, phone, pointer, code string }{
		{"", "", "/email", "required"},
		{"no-at.example", "", "/email", "invalid_email"},
		{"a@b@example.com", "", "/email", "invalid_email"},
		{"Li <li@example.com>", "", "/email", "invalid_email"},
		{"a\r\nBcc:x@example.com", "", "/email", "invalid_email"},
		{"li@localhost", "", "/email", "invalid_email"},
		{strings.Repeat("a", 65) + "@example.com", "", "/email", "invalid_email"},
		{"li@exam\u212Aple.com", "", "/email", "email_ambiguous"},
		{"l\u0131@example.com", "", "/email", "email_non_ascii_local"},
		{"li@example.com", "12345", "/phone", "invalid_phone"},
		{"li@example.com", "1380013800O", "/phone", "invalid_phone"},
		{"li@example.com", "+8613800138000 ext 5", "/phone", "phone_extension_unsupported"},
	} {
		edgetest.Unchanged(t, w.Table, func() {
			_, err := w.create(t, w.admin, user.Draft{Name: "Li", Email: row.email, Phone: row.phone})
			edgetest.Field(t, err, row.pointer, row.code)
		})
	}
	u, err := w.create(t, w.admin, user.Draft{Name: "Li", Email: "li@例子.公司"})
	must(t, err)
	if got := w.load(t, u.ID); got.Email != "li@例子.公司" || !strings.HasPrefix(got.Canonical, "li@xn--") {
		t.Errorf("kept as %s, %s", got.Email, got.Canonical)
	}
	abroad := newWorld(t, func(r *principal.Tenant) { r.Settings.Region = "" })
	_, err = abroad.create(t, abroad.admin, user.Draft{Name: "Li", Email: "li@example.com", Phone: "13800138000"})
	edgetest.Field(t, err, "/phone", "phone_country_missing")
}

// TestUniqueAddresses holds I14: case, width and normal form make no second address; a freed one can be used again.
func TestUniqueAddresses(t *testing.T) {
	w := newWorld(t)
	first, err := w.create(t, w.admin, user.Draft{Name: "Zoë", Email: "zoe@Müller.example", Phone: "+8613800138000", EmployeeNo: "Ａ7"})
	must(t, err)
	for _, row := range []struct {
		draft         user.Draft
		code, pointer string
	}{
		{user.Draft{Name: "B", Email: "ZOE@müller.example"}, "email_taken", "/email"},
		{user.Draft{Name: "B", Email: "zoe@mu\u0308ller.example"}, "email_taken", "/email"},
		{user.Draft{Name: "B", Email: "zoe@xn--mller-kva.example"}, "email_taken", "/email"},
		{user.Draft{Name: "B", Email: "b@acme.example", Phone: "13800138000"}, "phone_taken", "/phone"},
		{user.Draft{Name: "B", Email: "b@acme.example", EmployeeNo: "a7"}, "employee_no_taken", "/employeeNo"},
	} {
		edgetest.Unchanged(t, w.Table, func() {
			_, err := w.create(t, w.admin, row.draft)
			edgetest.Refused(t, err, row.code)
			edgetest.Field(t, err, row.pointer, row.code)
		})
	}
	second, err := w.create(t, w.admin, user.Draft{Name: "B", Email: "b@acme.example"})
	must(t, err)
	edgetest.Refused(t, w.update(t.Context(), w.admin, second.ID, user.Patch{Email: given("Zoe@MÜLLER.example")}), "email_taken")
	must(t, w.update(t.Context(), w.admin, first.ID, user.Patch{Email: given("zoe2@acme.example"), Phone: none[string](), EmployeeNo: none[string]()}))
	must(t, w.update(t.Context(), w.admin, second.ID, user.Patch{Email: given("zoe@müller.example"), Phone: given("13800138000"), EmployeeNo: given("A7")}))
	w.sound(t)
}

// TestOneAddressRaced holds I14 under a race: of many who ask for one address at once, one gets it.
func TestOneAddressRaced(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	won := 0
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			_, err := w.create(t, w.admin, user.Draft{Name: fmt.Sprint("U", i), Email: "same@acme.example"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !fault.Is(err, "email_taken") {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Fatalf("%d users have the address", won)
	}
	w.sound(t)
}

// TestUserLimitRaced holds I38: two requests for the last seat fill one.
func TestUserLimitRaced(t *testing.T) {
	w := newWorld(t, func(r *principal.Tenant) { r.UserLimit = 3 })
	var all sync.WaitGroup
	errs := make([]error, 5)
	for i := range errs {
		all.Go(func() {
			_, errs[i] = w.create(t, w.admin, user.Draft{Name: "U", Email: fmt.Sprintf("u%d@acme.example", i)})
		})
	}
	all.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			edgetest.Refused(t, err, "user_limit")
		}
	}
	if row, _ := w.row(t); made != 2 || row.Users != 3 {
		t.Fatalf("%d were made, the tenant counts %d of 3", made, row.Users)
	}
	w.sound(t)
}

// TestUserLimitInterleaved holds I38 in its narrowest moment: both have judged before either commits.
func TestUserLimitInterleaved(t *testing.T) {
	w := newWorld(t, func(r *principal.Tenant) { r.UserLimit = 2 })
	var sets []*change.Set
	for i := range 2 {
		who := w.as(t, w.admin)
		c := change.New(who.Principal, w.IDs, w.Now())
		_, err := w.users.Create(t.Context(), who, c, user.Draft{Name: "U", Email: fmt.Sprintf("u%d@acme.example", i)})
		must(t, err)
		sets = append(sets, c)
	}
	must(t, sets[0].Commit(t.Context(), w.Table))
	if err := sets[1].Commit(t.Context(), w.Table); !errors.Is(err, change.ErrMoved) {
		t.Fatalf("the second commit answered %v", err)
	}
	w.sound(t)
}

// TestNobodyGrantsMore holds I8 for the roles of a new user, direct and by post.
func TestNobodyGrantsMore(t *testing.T) {
	w := newWorld(t)
	create := grant(policy.ModUser, policy.Create, policy.All)
	view := grant(policy.ModAccount, policy.View, policy.Department)
	recruiter := w.active(t, "Rita Recruiter", with(w.role(t, create, view)))
	same, wider := w.role(t, view), w.role(t, grant(policy.ModAccount, policy.View, policy.All))
	higher := w.active(t, "Sam Standard", with(w.roleWith(t, func(r *policy.Role) { r.Grants = []policy.Grant{create, view} })))
	dept := w.department(t, "")
	for i, row := range []struct {
		by    id.User
		roles []id.Role
		posts []id.Post
		code  string
	}{
		{recruiter, []id.Role{same}, nil, ""},
		{recruiter, nil, []id.Post{w.post(t, dept, same)}, ""},
		{recruiter, []id.Role{wider}, nil, "grant_exceeds_own"},
		{recruiter, []id.Role{same, wider}, nil, "grant_exceeds_own"},
		{recruiter, nil, []id.Post{w.post(t, dept, wider)}, "grant_exceeds_own"},
		{recruiter, []id.Role{w.roles["administrator"]}, nil, "grant_exceeds_own"},
		{higher, []id.Role{same}, nil, "grant_exceeds_own"}, // the same grants in a role of a higher level
		{w.admin, []id.Role{wider, w.roles["administrator"]}, nil, ""},
	} {
		_, err := w.create(t, row.by, user.Draft{Name: "New", Email: fmt.Sprintf("n%d@acme.example", i), Roles: row.roles, Posts: row.posts})
		if row.code == "" {
			must(t, err)
		} else {
			edgetest.Refused(t, err, row.code)
		}
	}
	w.sound(t)
}

// TestCreateWithinScope holds that a narrow right to create makes users within it only.
func TestCreateWithinScope(t *testing.T) {
	w := newWorld(t)
	mine, below, foreign := w.department(t, ""), id.Department(""), w.department(t, "")
	below = w.department(t, mine)
	local := w.active(t, "Lea Local", with(w.role(t, grant(policy.ModUser, policy.Create, policy.Subtree))), func(d *user.Draft) { d.Department = mine })
	boss := w.active(t, "Bo Boss", with(w.role(t, grant(policy.ModUser, policy.Create, policy.Reports))))
	nobody := w.active(t, "No Body")
	for i, row := range []struct {
		by      id.User
		dept    id.Department
		manager id.User
		code    string
	}{
		{local, mine, "", ""},
		{local, below, "", ""},
		{local, foreign, "", "permission_denied"},
		{local, "", "", "permission_denied"},
		{boss, foreign, boss, ""},
		{boss, foreign, w.admin, "permission_denied"},
		{boss, foreign, "", "permission_denied"},
		{nobody, mine, "", "permission_denied"},
	} {
		_, err := w.create(t, row.by, user.Draft{Name: "New", Email: fmt.Sprintf("n%d@acme.example", i), Department: row.dept, Manager: row.manager})
		if row.code == "" {
			must(t, err)
		} else {
			edgetest.Refused(t, err, row.code)
		}
	}
}

func TestCreateObeysFieldRules(t *testing.T) {
	w := newWorld(t)
	r := w.roleWith(t, func(r *policy.Role) {
		r.Grants = []policy.Grant{grant(policy.ModUser, policy.Create, policy.All)}
		r.Fields = []policy.FieldRule{{Module: policy.ModUser, Field: "phone", Access: policy.Masked}}
	})
	by := w.active(t, "Rita Recruiter", with(r))
	_, err := w.create(t, by, user.Draft{Name: "New", Email: "n@acme.example", Phone: "+8613800138000"})
	edgetest.Refused(t, err, "field_not_writable")
	edgetest.Field(t, err, "/phone", "field_not_writable")
	_, err = w.create(t, by, user.Draft{Name: "New", Email: "n@acme.example"})
	must(t, err)
}

// TestDryRunFindsTakenAddress holds that the verdict of a dry run is the real one, though nothing is written.
func TestDryRunFindsTakenAddress(t *testing.T) {
	w := newWorld(t)
	w.active(t, "Li Lei")
	edgetest.Unchanged(t, w.Table, func() {
		who := w.as(t, w.admin)
		c := change.New(who.Principal, w.IDs, w.Now())
		_, err := w.users.Create(t.Context(), who, c, user.Draft{Name: "Other", Email: "LI.LEI@acme.example"})
		must(t, err)
		edgetest.Refused(t, c.Verify(t.Context(), w.Table), "email_taken")
	})
}

// TestSecondTenant holds I1: the same address in another tenant is another user, and neither sees the other.
func TestSecondTenant(t *testing.T) {
	w := newWorld(t)
	other := *w
	other.tenant = w.Tenant(t)
	a := w.invite(t, user.Draft{Name: "Li", Email: "li@acme.example"})
	b := other.invite(t, user.Draft{Name: "Li", Email: "li@acme.example"})
	if _, err := w.users.Load(t.Context(), w.tenant, b); !fault.IsKind(err, fault.NotFound) {
		t.Errorf("a user of another tenant: %v", err)
	}
	if _, err := w.users.Load(t.Context(), other.tenant, a); !fault.IsKind(err, fault.NotFound) {
		t.Errorf("a user of another tenant: %v", err)
	}
	ka, err := w.Crypt.Tenant(t.Context(), w.tenant)
	must(t, err)
	kb, err := w.Crypt.Tenant(t.Context(), other.tenant)
	must(t, err)
	if ka.Blind("user.email", "li@acme.example") == kb.Blind("user.email", "li@acme.example") {
		t.Error("one address has one blind index in two tenants")
	}
	items, err := w.Table.Get(t.Context(), key.User(w.tenant, a))
	must(t, err)
	moved := items[0]
	moved.Key, moved.Index = key.User(other.tenant, a), nil
	w.Commit(t, table.Put(moved, table.Always))
	if _, err := w.users.Load(t.Context(), other.tenant, a); !fault.Is(err, "sealed_mismatch") {
		t.Errorf("an item moved to another tenant was read: %v", err)
	}
}
