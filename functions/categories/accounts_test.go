package categories_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// TestGrantsOpenExactlyTheirAccounts holds A22: what a category grants to a user, a department, one with all below it, a role, and to superiors,
// opens the accounts of the category and no others, by reading, listing and counting alike, on the next request after a change.
func TestGrantsOpenExactlyTheirAccounts(t *testing.T) {
	d := open(t)
	top := d.department(t, "")
	sub := d.department(t, top)
	seller, chief, deputy, stranger := d.seller(t), d.seller(t), d.seller(t), d.seller(t)
	reader := d.User(t, d.tenant, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.Own})
	d.edit(t, seller, func(doc m) { doc["departmentId"], doc["managerId"] = string(sub), string(chief.User) })
	d.seat(t, deputy, top)
	c := d.category(t, "Keys", nil)
	in, out := d.account(t, "In", m{"categoryIds": []string{c}}).ID, d.account(t, "Out", nil).ID
	one := "/v1/categories/" + c
	people := map[string]edgetest.Who{"seller": seller, "chief": chief, "deputy": deputy, "stranger": stranger, "reader": reader}
	for _, row := range []struct {
		says  string
		grant m
		want  map[string]string
	}{
		{"to a user", m{"userId": seller.User, "level": "edit"}, map[string]string{"seller": "edit"}},
		{"to a user, to read", m{"userId": seller.User, "level": "read"}, map[string]string{"seller": "view"}},
		{"to a user and who is above", m{"userId": seller.User, "level": "edit", "superiors": true}, map[string]string{"seller": "edit", "chief": "edit"}},
		{"to the department itself", m{"departmentId": top, "level": "read"}, map[string]string{"deputy": "view"}},
		{"to the department with those below", m{"departmentId": top, "below": true, "level": "edit"}, map[string]string{"deputy": "edit", "seller": "edit"}},
		{"to those below and who is above them", m{"departmentId": top, "below": true, "level": "read", "superiors": true}, map[string]string{"deputy": "view", "seller": "view", "chief": "view"}},
		{"to a role", m{"roleId": d.roleOf(t, stranger), "level": "edit"}, map[string]string{"stranger": "edit"}},
		{"to a user without the right to edit any", m{"userId": reader.User, "level": "edit"}, map[string]string{"reader": "view"}},
	} {
		d.patch(t, one, m{"grants": []m{row.grant}}).Want(t, 200, "")
		for name, who := range people {
			if got := d.may(t, who, in); got != row.want[name] {
				t.Errorf("%s: %s may %q, want %q", row.says, name, got, row.want[name])
			}
			if got := d.may(t, who, out); got != "" {
				t.Errorf("%s: %s may %q on an account of no category", row.says, name, got)
			}
		}
	}
	d.patch(t, one, m{"grants": []m{{"userId": seller.User, "level": "edit"}}}).Want(t, 200, "")
	d.file(t, d.boss, out, c).Want(t, 200, "")
	d.file(t, d.boss, in).Want(t, 200, "")
	if d.may(t, seller, in) != "" || d.may(t, seller, out) != "edit" {
		t.Error("the grant does not follow the account's categories")
	}
	// No account is written when a category changes: only the category, the tenant's row and the record.
	was := accountsIn(d.dump(t))
	d.patch(t, one, m{"grants": nil}).Want(t, 200, "")
	if now := accountsIn(d.dump(t)); now != was || d.may(t, seller, out) != "" {
		t.Error("a change of grants rewrote accounts, or is not in force")
	}
}

func accountsIn(dump string) string {
	var out []string
	for l := range strings.Lines(dump) {
		if strings.Contains(l, `#A#acct_`) || strings.Contains(l, `#KC#`) {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

// TestListOfMany: accounts that one sees by scope, by two categories and by both come once each, in order, and so does the list of a category.
func TestListOfMany(t *testing.T) {
	d := open(t)
	seller := d.seller(t)
	grant := m{"grants": []m{{"userId": seller.User, "level": "read"}}}
	a, b, closed := d.category(t, "A", grant), d.category(t, "B", grant), d.category(t, "Closed", nil)
	var all, want, ofA []string
	for i := range 17 {
		more := m{"categoryIds": [][]string{{a}, {b}, {a, b}, {closed}, {}, {closed, a}}[i%6]}
		if i%4 == 0 {
			more["ownerId"] = seller.User
		}
		x := d.account(t, fmt.Sprint("Account ", i), more).ID
		all = append(all, x)
		if i%4 == 0 || i%6 != 3 && i%6 != 4 {
			want = append(want, x)
		}
		if i%6 == 0 || i%6 == 2 || i%6 == 5 {
			ofA = append(ofA, x)
		}
	}
	slices.Reverse(want)
	slices.Reverse(ofA)
	if got := d.seen(t, seller, "", all...); !slices.Equal(got, want) {
		t.Errorf("sees %v\nwant %v", got, want)
	}
	for _, who := range []edgetest.Who{seller, d.boss} {
		if got := d.seen(t, who, "&categoryId="+a); !slices.Equal(got, ofA) {
			t.Errorf("of A %v\nwant %v", got, ofA)
		}
	}
	d.As(seller).Get("/v1/accounts?categoryId=x").Want(t, 400, "invalid_id").Field(t, "/categoryId", "invalid_id")
	d.Edit(t, key.Role(d.tenant, d.roleOf(t, seller)), func(doc m) {
		doc["fields"] = []m{{"module": "account", "field": "categoryIds", "access": "masked"}}
	})
	d.Edit(t, key.Tenant(d.tenant), func(doc m) { doc["authzVer"] = doc["authzVer"].(float64) + 1 })
	d.As(seller).Get("/v1/accounts?categoryId="+a).Want(t, 400, "unknown_field")
}

// TestUpdatesMoveAlong: whatever moves an account in the order of all lists moves it in that of its categories.
func TestUpdatesMoveAlong(t *testing.T) {
	d := open(t)
	c := d.category(t, "Keys", nil)
	a, b := d.account(t, "A", m{"categoryIds": []string{c}}).ID, d.account(t, "B", m{"categoryIds": []string{c}}).ID
	first := func(want string) {
		t.Helper()
		for _, query := range []string{"", "&categoryId=" + c} {
			if got := d.seen(t, d.boss, query); len(got) != 2 || got[0] != want {
				t.Errorf("%q lists %v, want %s first", query, got, want)
			}
		}
	}
	first(b)
	d.Clock.Add(1e6)
	d.patch(t, "/v1/accounts/"+a, m{"website": "https://a.example"}).Want(t, 200, "")
	first(a)
	d.Clock.Add(1e6)
	var x struct {
		ID string `json:"id"`
	}
	at := "/v1/accounts/" + b + "/contacts"
	d.As(d.boss).Post(at, m{"name": "Ann"}).Want(t, 201, "").Read(t, &x)
	first(b)
	d.Clock.Add(1e6)
	d.As(d.boss).Post("/v1/accounts/"+a+"/contacts", m{"name": "Bob"}).Want(t, 201, "")
	first(a)
	d.Clock.Add(1e6)
	d.As(d.boss).IfMatch("*").Delete(at+"/"+x.ID).Want(t, 204, "")
	first(b)
}

// TestScopeOfUse: an account is put into a category by whom its use names, at creation and later; it is taken out by who may edit it.
func TestScopeOfUse(t *testing.T) {
	d := open(t)
	top := d.department(t, "")
	sub := d.department(t, top)
	inside, below, holder, outside := d.seller(t), d.seller(t), d.seller(t), d.seller(t)
	d.seat(t, inside, top)
	d.seat(t, below, sub)
	everyone := d.category(t, "Everyone", nil)
	some := d.category(t, "Some", m{"use": m{"departmentIds": []id.Department{top}, "roleIds": []id.Role{d.roleOf(t, holder)}}})
	for name, row := range map[string]struct {
		who edgetest.Who
		ok  bool
	}{"inside": {inside, true}, "below": {below, true}, "with the role": {holder, true}, "outside": {outside, false}} {
		d.Clock.Add(1e6)
		var mine account
		d.As(row.who).Post("/v1/accounts", m{"name": "Of " + name, "categoryIds": []string{everyone}}).Want(t, 201, "").Read(t, &mine)
		before := d.dump(t)
		create := d.As(row.who).Post("/v1/accounts?validateOnly=true", m{"name": "x", "categoryIds": []string{everyone, some}})
		update := d.file(t, row.who, mine.ID, everyone, some)
		if !row.ok {
			for _, a := range []*edgetest.Answer{create, update} {
				a.Want(t, 403, "category_not_usable").Field(t, "/categoryIds/1", "category_not_usable")
			}
			if d.dump(t) != before {
				t.Error("a refused request changed the store")
			}
			d.file(t, d.boss, mine.ID, some).Want(t, 403, "category_not_usable") // not even who may do all
		} else if create.Status != 200 || update.Status != 200 {
			t.Errorf("%s: %d %s", name, create.Status, update.Body)
		}
	}
	// One who is outside keeps a category that is there, and may take it away, not put it back.
	var theirs account
	d.As(inside).Post("/v1/accounts", m{"name": "Moves", "categoryIds": []string{some}}).Want(t, 201, "").Read(t, &theirs)
	d.seat(t, inside, "")
	d.file(t, inside, theirs.ID, some, everyone).Want(t, 200, "")
	d.file(t, inside, theirs.ID, everyone).Want(t, 200, "")
	d.file(t, inside, theirs.ID, some).Want(t, 403, "category_not_usable").Field(t, "/categoryIds/0", "category_not_usable")
	empty := d.As(inside).IfMatch("*").Patch("/v1/accounts/"+theirs.ID, m{"categoryIds": nil}).Want(t, 200, "")
	if strings.Contains(string(empty.Body), "categoryIds") {
		t.Errorf("%s", empty.Body)
	}
	// While the module is off there are no categories to put accounts into.
	d.Edit(t, key.Tenant(d.tenant), func(doc m) { doc["settings"].(m)["modulesOff"] = []string{"category"} })
	d.file(t, inside, theirs.ID, everyone).Want(t, 422, "unknown_category")
}

func TestCategoriesOfAnAccountRefused(t *testing.T) {
	d := open(t)
	var ids []string
	for i := range 11 {
		ids = append(ids, d.category(t, fmt.Sprint(i), nil))
	}
	a := d.account(t, "A", m{"categoryIds": []string{ids[0]}}).ID
	unknown := string(id.New[id.Category](d.IDs))
	before := d.dump(t)
	for _, row := range []struct {
		ids     []string
		pointer string
		code    string
	}{
		{[]string{ids[0], unknown}, "/categoryIds/1", "unknown_category"},
		{[]string{ids[1], "keys"}, "/categoryIds/1", "unknown_category"},
		{ids, "/categoryIds", "too_many"},
	} {
		d.As(d.boss).Post("/v1/accounts", m{"name": "x", "categoryIds": row.ids}).Want(t, 422, row.code).Field(t, row.pointer, row.code)
		d.file(t, d.boss, a, row.ids...).Want(t, 422, row.code).Field(t, row.pointer, row.code)
	}
	if d.dump(t) != before {
		t.Error("a refused request changed the store")
	}
	got := d.file(t, d.boss, a, ids[1], ids[0], ids[1]).Want(t, 200, "")
	var x account
	if got.Read(t, &x); !slices.Equal(x.Categories, ids[:2]) {
		t.Errorf("kept %v", x.Categories)
	}
	d.file(t, d.boss, a, ids[:10]...).Want(t, 200, "")
	d.file(t, d.boss, a, ids[1:]...).Want(t, 200, "")
}

// TestAsManyAsFit holds I39: contacts and categories of a new account share the room of one commit, with a department and an idempotency key,
// and what does not fit is refused with the number that does.
func TestAsManyAsFit(t *testing.T) {
	d := open(t)
	dept := d.department(t, "")
	var ids []string
	for i := range 10 {
		ids = append(ids, d.category(t, fmt.Sprint(i), nil))
	}
	body := func(categories, contacts int) m {
		list := []m{}
		for i := range contacts {
			list = append(list, m{"name": "Ann", "email": fmt.Sprintf("ann%d@x.example", i), "phone": fmt.Sprintf("138001380%02d", i)})
		}
		return m{"name": "Full", "email": "full@x.example", "phone": "13800138000", "departmentId": dept, "categoryIds": ids[:categories], "contacts": list}
	}
	for _, n := range []int{0, 1, 10} {
		d.As(d.boss).Once(fmt.Sprint("most ", n)).Post("/v1/accounts", body(n, 30-n)).Want(t, 201, "")
		a := d.As(d.boss).Once(fmt.Sprint("more ", n)).Post("/v1/accounts", body(n, 31-n)).Want(t, 422, "too_many_contacts")
		a.Field(t, "/contacts", "too_many_contacts")
		if !strings.Contains(string(a.Body), fmt.Sprintf("At most %d contacts", 30-n)) {
			t.Errorf("%d categories: %s", n, a.Body)
		}
	}
}

// TestDeleteInUse: a category that accounts are of stays, and says how many there are.
func TestDeleteInUse(t *testing.T) {
	d := open(t)
	c := d.category(t, "Keys", nil)
	a, b := d.account(t, "A", m{"categoryIds": []string{c}}).ID, d.account(t, "B", m{"categoryIds": []string{c}}).ID
	d.As(d.boss).Post("/v1/accounts/"+b+"/deactivate", nil).Want(t, 200, "")
	remove := func() *edgetest.Answer { return d.As(d.boss).IfMatch("*").Delete("/v1/categories/" + c) }
	before := d.dump(t)
	if got := remove().Want(t, 409, "category_in_use"); !strings.Contains(string(got.Body), "2 accounts") {
		t.Errorf("%s", got.Body)
	}
	if d.dump(t) != before {
		t.Error("a refused request changed the store")
	}
	d.As(d.boss).Post("/v1/accounts/"+b+"/reactivate", nil).Want(t, 200, "")
	d.file(t, d.boss, b).Want(t, 200, "")
	remove().Want(t, 409, "category_in_use")
	d.file(t, d.boss, a).Want(t, 200, "")
	for i := range 1001 {
		d.Commit(t, table.Put(table.Item{Key: key.Categorised(d.tenant, id.Category(c), id.Account(fmt.Sprint("acct_", i)))}, table.Absent))
	}
	if got := remove().Want(t, 409, "category_in_use"); !strings.Contains(string(got.Body), "1000+ accounts") {
		t.Errorf("%s", got.Body)
	}
	for i := range 1001 {
		d.Commit(t, table.Delete(key.Categorised(d.tenant, id.Category(c), id.Account(fmt.Sprint("acct_", i))), table.Always))
	}
	remove().Want(t, 204, "")
	if strings.Contains(d.dump(t), "#KJ#") || strings.Contains(d.dump(t), "#KC#") {
		t.Error("something of the category is left")
	}
}

// TestDeletedWhileAssigned holds I1 in its narrowest moment: of a deletion and an assignment whoever commits second sees the other, so that no
// account is of a category that is gone.
func TestDeletedWhileAssigned(t *testing.T) {
	for _, joined := range []bool{false, true} { // whether any account was ever of it
		d := open(t)
		c := d.category(t, "Keys", nil)
		a := d.account(t, "A", nil).ID
		if joined {
			d.file(t, d.boss, a, c).Want(t, 200, "")
			d.file(t, d.boss, a).Want(t, 200, "")
		}
		one := "/v1/categories/" + c
		between := func(first, second func() *edgetest.Answer) (*edgetest.Answer, *edgetest.Answer) {
			var inner *edgetest.Answer
			d.Faults.Before = func(call tablelocal.Call) error {
				if call.Op == "commit" && inner == nil {
					inner = &edgetest.Answer{}
					inner = second()
				}
				return nil
			}
			outer := first()
			d.Faults.Before = nil
			return outer, inner
		}
		remove := func() *edgetest.Answer { return d.As(d.boss).IfMatch("*").Delete(one) }
		assign := func() *edgetest.Answer { return d.file(t, d.boss, a, c) }
		create := func() *edgetest.Answer {
			return d.As(d.boss).Post("/v1/accounts", m{"name": "B", "categoryIds": []string{c}})
		}
		for name, put := range map[string]func() *edgetest.Answer{"update": assign, "create": create} {
			deleted, put := between(remove, put)
			if put.Status/100 != 2 {
				t.Fatalf("%s: %d %s", name, put.Status, put.Body)
			}
			deleted.Want(t, 409, "category_in_use")
			for _, x := range d.seen(t, d.boss, "&categoryId="+c) {
				d.file(t, d.boss, x).Want(t, 200, "")
			}
		}
		assigned, deleted := between(assign, remove)
		deleted.Want(t, 204, "")
		assigned.Want(t, 422, "unknown_category")
		if strings.Contains(accountsIn(d.dump(t)), "#KC#") {
			t.Error("an account is of a category that is gone")
		}
	}
}
