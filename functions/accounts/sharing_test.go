package accounts_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

type grantBody struct {
	ID        string    `json:"id"`
	User      string    `json:"userId"`
	Role      string    `json:"roleId"`
	Dept      string    `json:"departmentId"`
	Below     bool      `json:"below"`
	Level     string    `json:"level"`
	View      string    `json:"view"`
	Edit      string    `json:"edit"`
	Delete    string    `json:"delete"`
	Title     string    `json:"role"`
	Superiors bool      `json:"superiors"`
	Expires   time.Time `json:"expiresAt"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Account   string    `json:"accountId"`
}

func (d *desk) grants(t testing.TB, w edgetest.Who, path string) (all []grantBody, next string) {
	t.Helper()
	var page struct {
		Items []grantBody `json:"items"`
		Next  string      `json:"nextCursor"`
	}
	d.As(w).Get(path).Want(t, 200, "").Read(t, &page)
	return page.Items, page.Next
}

// roleOf is the role that the user holds.
func (d *desk) roleOf(t testing.TB, w edgetest.Who) id.Role {
	t.Helper()
	items, err := d.Table.Get(t.Context(), key.User(w.Tenant, w.User))
	if err != nil {
		t.Fatal(err)
	}
	var s principal.Standing
	read(t, items[0].Doc, &s)
	return s.Roles[0]
}

// TestLifeOfAGrant holds H2 and A25 through the API, kind by kind: made, the same again, changed, listed, ended; the version is the account's, each
// step has its event, and one that is none has none.
func TestLifeOfAGrant(t *testing.T) {
	d := open(t)
	boss, bo := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...)
	dept, role := d.department(t, ""), d.roleOf(t, bo)
	end := d.Now().Add(time.Hour).Truncate(time.Second)
	for _, row := range []struct {
		kind, id     string
		first, other m
		want         grantBody
	}{
		{
			"team", string(bo.User),
			m{"userId": bo.User, "level": "read", "role": " Technician "},
			m{"userId": bo.User, "level": "edit", "superiors": true, "expiresAt": end},
			grantBody{User: string(bo.User), Level: "edit", Superiors: true, Expires: end},
		},
		{
			"shares", string(dept) + ".below",
			m{"departmentId": dept, "below": true, "level": "read"},
			m{"departmentId": dept, "below": true, "level": "edit"},
			grantBody{Dept: string(dept), Below: true, Level: "edit"},
		},
		{"shares", string(dept), m{"departmentId": dept, "level": "edit"}, m{"departmentId": dept, "level": "read"}, grantBody{Dept: string(dept), Level: "read"}},
		{"shares", string(role), m{"roleId": role, "level": "read"}, m{"roleId": role, "level": "read", "superiors": true}, grantBody{Role: string(role), Level: "read", Superiors: true}},
		{
			"overrides", string(role),
			m{"roleId": role, "edit": "on", "delete": "off"},
			m{"roleId": role, "view": "on", "edit": "off", "expiresAt": end},
			grantBody{Role: string(role), View: "on", Edit: "off", Expires: end},
		},
		{
			"temporary", string(bo.User),
			m{"userId": bo.User, "level": "read", "expiresAt": end, "reason": "Leave"},
			m{"userId": bo.User, "level": "edit", "expiresAt": end, "reason": "Leave"},
			grantBody{User: string(bo.User), Level: "edit", Expires: end},
		},
	} {
		t.Run(row.kind+" "+row.id[:4], func(t *testing.T) {
			a := d.create(t, boss)
			api, path := d.As(boss), "/v1/accounts/"+a.ID+"/"+row.kind
			n0, _ := d.events(t)
			made := api.Post(path, row.first).Want(t, 201, "")
			if made.ETag() != `"2"` || made.Header.Get("Location") != path+"/"+row.id {
				t.Errorf("made: %s at %s", made.ETag(), made.Header.Get("Location"))
			}
			n1, last := d.events(t)
			if n1 != n0+1 || fmt.Sprint(last["fields"], last["note"], last["target"]) != fmt.Sprint([]string{row.kind}, row.id, a.ID) {
				t.Errorf("%d events more, %v", n1-n0, last)
			}
			before := d.dump(t)
			if same := api.Post(path, row.first).Want(t, 200, ""); same.ETag() != `"2"` || !bytes.Equal(same.Body, made.Body) {
				t.Errorf("the same again: %s %s", same.ETag(), same.Body)
			}
			api.IfMatch(`"1"`).Post(path, row.other).Want(t, 412, "version_conflict")
			api.Post(path+"?validateOnly=true", row.other).Want(t, 200, "")
			if d.dump(t) != before {
				t.Error("the store changed")
			}
			if changed := api.IfMatch(`"2"`).Post(path, row.other).Want(t, 200, ""); changed.ETag() != `"3"` || changed.Header.Get("Location") != "" {
				t.Errorf("changed: %s", changed.ETag())
			}
			row.want.ID, row.want.By, row.want.At = row.id, string(boss.User), d.Now()
			if got, next := d.grants(t, boss, path); len(got) != 1 || got[0] != row.want || next != "" {
				t.Errorf("listed %+v\nwant %+v", got, row.want)
			}
			one := path + "/" + row.id
			api.Delete(one).Want(t, 428, "if_match_required")
			api.IfMatch(`"2"`).Delete(one).Want(t, 412, "version_conflict")
			api.IfMatch(`"3"`).Delete(one).Want(t, 204, "")
			api.IfMatch("*").Delete(one).Want(t, 404, "not_found")
			if got, _ := d.grants(t, boss, path); len(got) != 0 {
				t.Errorf("left: %+v", got)
			}
			if n, _ := d.events(t); n != n1+2 {
				t.Errorf("%d events after the first", n-n1)
			}
			if e := api.Get("/v1/accounts/" + a.ID).ETag(); e != `"4"` {
				t.Errorf("the account is at %s", e)
			}
		})
	}
}

// TestGrantRefused holds the bad input of grants: shares to who is not active, to oneself, to a foreign or unknown grantee, an end that is past or none,
// an override on an account that cannot be seen. Each has its code at its place, and changes nothing.
func TestGrantRefused(t *testing.T) {
	d := open(t)
	boss, bo, far := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...), d.user(t, all(policy.Own)...)
	invited, gone := d.user(t, all(policy.Own)...), d.user(t, all(policy.Own)...)
	d.status(t, invited, principal.UserInvited)
	d.status(t, gone, principal.UserInactive)
	other := d.Tenant(t)
	stranger := d.Deployment.User(t, other, all(policy.All)...)
	strangers := id.New[id.Department](d.IDs)
	d.Commit(t, table.Put(table.Item{Key: key.Department(other, strangers)}, table.Absent))
	dept := d.department(t, "")
	a := d.create(t, boss)
	end, past := d.Now().Add(time.Hour), d.Now().Add(-time.Second)
	before := d.dump(t)
	for _, row := range []struct {
		kind   string
		body   m
		status int
		code   string
		at     string
	}{
		{"team", m{"level": "read"}, 422, "required", "/userId"},
		{"team", m{"userId": bo.User}, 422, "required", "/level"},
		{"team", m{"userId": bo.User, "level": "own"}, 422, "not_one_of", "/level"},
		{"team", m{"userId": bo.User, "level": "read", "role": strings.Repeat("x", 101)}, 422, "too_long", "/role"},
		{"team", m{"userId": bo.User, "level": "read", "role": "a\u202eb"}, 422, "forbidden_character", "/role"},
		{"team", m{"userId": boss.User, "level": "read"}, 422, "share_with_self", "/userId"},
		{"team", m{"userId": invited.User, "level": "read"}, 409, "user_not_active", "/userId"},
		{"shares", m{"userId": gone.User, "level": "read"}, 409, "user_not_active", "/userId"},
		{"shares", m{"userId": boss.User, "level": "read"}, 422, "share_with_self", "/userId"},
		{"shares", m{"userId": stranger.User, "level": "read"}, 422, "unknown_user", "/userId"},
		{"shares", m{"userId": id.New[id.User](d.IDs), "level": "read"}, 422, "unknown_user", "/userId"},
		{"shares", m{"userId": "x", "level": "read"}, 422, "unknown_user", "/userId"},
		{"shares", m{"departmentId": strangers, "level": "read"}, 422, "unknown_department", "/departmentId"},
		{"shares", m{"departmentId": "x", "level": "read"}, 422, "unknown_department", "/departmentId"},
		{"shares", m{"roleId": d.roleOf(t, stranger), "level": "read"}, 422, "unknown_role", "/roleId"},
		{"shares", m{"roleId": id.New[id.Role](d.IDs), "level": "read"}, 422, "unknown_role", "/roleId"},
		{"shares", m{"level": "read"}, 422, "one_grantee", ""},
		{"shares", m{"userId": bo.User, "departmentId": dept, "level": "read"}, 422, "one_grantee", ""},
		{"shares", m{"userId": bo.User, "below": true, "level": "read"}, 422, "one_grantee", "/below"},
		{"shares", m{"userId": bo.User, "level": "read", "expiresAt": past}, 422, "expiry_in_past", "/expiresAt"},
		{"shares", m{"userId": bo.User, "level": "read", "expiresAt": d.Now()}, 422, "expiry_in_past", "/expiresAt"},
		{"shares", m{"userId": bo.User, "level": "read", "expiresAt": "2026-02-30T00:00:00Z"}, 422, "invalid_date", "/expiresAt"},
		{"shares", m{"userId": bo.User, "level": "read", "expiresAt": "2027-01-01T00:00:00"}, 422, "invalid_date", "/expiresAt"},
		{"shares", m{"userId": bo.User, "level": "read", "expiresAt": "tomorrow"}, 422, "invalid_date", "/expiresAt"},
		{"shares", m{"userId": bo.User, "level": "read", "role": "x"}, 400, "unknown_field", "/role"},
		{"overrides", m{"userId": boss.User, "view": "on"}, 403, "self_change_forbidden", "/userId"},
		{"overrides", m{"userId": bo.User}, 422, "override_empty", ""},
		{"overrides", m{"userId": bo.User, "edit": " "}, 422, "override_empty", ""},
		{"overrides", m{"userId": bo.User, "edit": "maybe"}, 422, "not_one_of", "/edit"},
		{"overrides", m{"userId": bo.User, "view": "off", "edit": "on"}, 422, "override_contradicts", "/view"},
		{"overrides", m{"userId": gone.User, "view": "off"}, 409, "user_not_active", "/userId"},
		{"temporary", m{"userId": bo.User, "level": "read", "reason": "x"}, 422, "required", "/expiresAt"},
		{"temporary", m{"userId": bo.User, "level": "read", "expiresAt": end}, 422, "required", "/reason"},
		{"temporary", m{"userId": bo.User, "level": "read", "expiresAt": end, "reason": strings.Repeat("x", 501)}, 422, "too_long", "/reason"},
		{"temporary", m{"userId": bo.User, "level": "read", "expiresAt": d.Now().Add(90*24*time.Hour + time.Second), "reason": "x"}, 422, "expiry_too_far", "/expiresAt"},
		{"temporary", m{"userId": bo.User, "level": "read", "expiresAt": "x", "reason": "x"}, 422, "invalid_date", "/expiresAt"},
		{"temporary", m{"userId": boss.User, "level": "read", "expiresAt": end, "reason": "x"}, 422, "share_with_self", "/userId"},
		{"temporary", m{"roleId": d.roleOf(t, bo), "level": "read", "expiresAt": end, "reason": "x"}, 400, "unknown_field", "/roleId"},
	} {
		path := "/v1/accounts/" + a.ID + "/" + row.kind
		dry := d.As(boss).Post(path+"?validateOnly=true", row.body)
		got := d.As(boss).Post(path, row.body)
		if got.Status != row.status || got.Code() != row.code || unmarked(dry) != unmarked(got) {
			t.Errorf("%s %v: %d %s, dry %d %s", row.kind, row.body, got.Status, got.Code(), dry.Status, dry.Code())
			continue
		}
		got.Field(t, row.at, row.code)
	}
	unknown := "/v1/accounts/" + string(id.New[id.Account](d.IDs))
	for _, kind := range []string{"team", "shares", "overrides", "temporary"} {
		for name, body := range map[string]m{"good": {"userId": bo.User, "level": "read"}, "bad": {"userId": "x"}} {
			if kind == "overrides" {
				body = m{"userId": bo.User, "edit": map[string]string{"good": "on", "bad": "maybe"}[name]}
			}
			if kind == "temporary" {
				body["expiresAt"], body["reason"] = end, "x"
			}
			want := unmarked(d.As(far).Post(unknown+"/"+kind, body))
			if got := unmarked(d.As(far).Post("/v1/accounts/"+a.ID+"/"+kind, body)); got != want || !strings.HasPrefix(got, "404 ") {
				t.Errorf("%s on an account out of sight: %s\nunknown: %s", kind, got, want)
			}
		}
		want := unmarked(d.As(far).Get(unknown + "/" + kind))
		if got := unmarked(d.As(far).Get("/v1/accounts/" + a.ID + "/" + kind)); got != want || !strings.HasPrefix(got, "404 ") {
			t.Errorf("%s of an account out of sight: %s\nunknown: %s", kind, got, want)
		}
		for _, g := range []string{string(bo.User), "x", string(dept) + ".above", ".below", "%2e%2e"} {
			d.As(boss).IfMatch("*").Delete("/v1/accounts/"+a.ID+"/"+kind+"/"+g).Want(t, 404, "not_found")
		}
	}
	if d.dump(t) != before {
		t.Error("the store changed")
	}
}

// TestTeamIsShown holds A10: whoever may see the account reads its team with it, and the list of accounts carries none. Shares and switches are told
// to who may share the account alone.
func TestTeamIsShown(t *testing.T) {
	d := open(t)
	boss, bo, cy := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...), d.user(t, all(policy.Own)...)
	a := d.create(t, boss)
	path := "/v1/accounts/" + a.ID
	if b := d.As(boss).Get(path).Body; !bytes.Contains(b, []byte(`"team":[]`)) {
		t.Errorf("without a team: %s", b)
	}
	for who, role := range map[edgetest.Who]string{bo: "Seller", cy: "Technician"} {
		d.As(boss).Post(path+"/team", m{"userId": who.User, "level": "read", "role": role}).Want(t, 201, "")
	}
	d.As(boss).Post(path+"/shares", m{"userId": bo.User, "level": "read"}).Want(t, 201, "")
	var got struct {
		Team []grantBody `json:"team"`
	}
	d.As(bo).Get(path).Want(t, 200, "").Read(t, &got)
	if len(got.Team) != 2 || got.Team[0].User != string(bo.User) || got.Team[1].Title != "Technician" {
		t.Errorf("%+v", got.Team)
	}
	first, next := d.grants(t, bo, path+"/team?limit=1&count=true")
	second, end := d.grants(t, bo, path+"/team?limit=1&count=true&cursor="+next)
	if len(first) != 1 || len(second) != 1 || end != "" || first[0] != got.Team[0] || second[0] != got.Team[1] {
		t.Errorf("in pages: %+v %+v", first, second)
	}
	if b := d.As(bo).Get("/v1/accounts").Want(t, 200, "").Body; !bytes.Contains(b, []byte(a.ID)) || bytes.Contains(b, []byte("team")) {
		t.Errorf("the list: %s", b)
	}
	for _, kind := range []string{"shares", "overrides", "temporary"} {
		d.As(bo).Get(path+"/"+kind).Want(t, 403, "permission_denied")
	}
}

// TestTemporaryHolders holds H4: the list of who holds temporary permissions has every one that counts now, soonest end first, page by page, on
// accounts that the caller may see and share; and a change or an end of one shows at once.
func TestTemporaryHolders(t *testing.T) {
	d := open(t)
	boss, bo, rep := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...), d.user(t, all(policy.Own)...)
	const path = "/v1/temporary-permissions"
	var want []string
	for n := range 7 {
		a := d.create(t, boss, m{"ownerId": []id.User{boss.User, rep.User}[n%2]})
		end := d.Now().Add(time.Duration(10-n) * time.Minute)
		d.As(boss).Post("/v1/accounts/"+a.ID+"/temporary", m{"userId": bo.User, "level": "read", "expiresAt": end, "reason": "Leave"}).Want(t, 201, "")
		d.As(boss).Post("/v1/accounts/"+a.ID+"/team", m{"userId": bo.User, "level": "read"}).Want(t, 201, "")
		want = slices.Insert(want, 0, a.ID)
	}
	holders := func(w edgetest.Who, limit int) (ids []string) {
		t.Helper()
		last := time.Time{}
		for next, more := "", true; more; more = next != "" {
			q := fmt.Sprintf("%s?limit=%d", path, limit)
			if next != "" {
				q += "&cursor=" + next
			}
			var all []grantBody
			all, next = d.grants(t, w, q)
			for _, g := range all {
				if g.User != string(bo.User) || g.Expires.Before(last) {
					t.Errorf("%+v after %v", g, last)
				}
				last = g.Expires
				ids = append(ids, g.Account)
			}
		}
		return ids
	}
	for _, limit := range []int{1, 3, 100} {
		if got := holders(boss, limit); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
	if got := holders(rep, 2); len(got) != 3 || slices.ContainsFunc(got, func(a string) bool { return slices.Index(want, a)%2 == 0 }) {
		t.Errorf("the owner of three sees %v", got)
	}
	if got := holders(bo, 10); len(got) != 0 { // sees them all, and may share none
		t.Errorf("the holder sees %v", got)
	}
	d.As(boss).IfMatch("*").Delete("/v1/accounts/"+want[2]+"/temporary/"+string(bo.User)).Want(t, 204, "")
	d.As(boss).Post("/v1/accounts/"+want[0]+"/temporary", m{"userId": bo.User, "level": "edit", "expiresAt": d.Now().Add(time.Hour), "reason": "Longer"}).Want(t, 200, "")
	want = append(slices.Delete(slices.Clone(want), 2, 3)[1:], want[0])
	if got := holders(boss, 2); !slices.Equal(got, want) {
		t.Errorf("after a change and an end: %v, want %v", got, want)
	}
	d.Clock.Add(6 * time.Minute)
	if got := holders(boss, 2); !slices.Equal(got, want[len(want)-len(got):]) || len(got) == 0 || len(got) == len(want) {
		t.Errorf("six minutes on: %v of %v", got, want)
	}
	d.Store.FreezeIndexes() // an entry that is no longer true is no row, so that none is listed twice while the index moves
	longer := want[len(want)-1]
	d.As(boss).Post("/v1/accounts/"+longer+"/temporary", m{"userId": bo.User, "level": "edit", "expiresAt": d.Now().Add(2 * time.Hour), "reason": "Longer"}).Want(t, 200, "")
	if got := holders(boss, 2); slices.Contains(got, longer) {
		t.Errorf("by an index that lags: %v has %s", got, longer)
	}
	d.As(d.user(t, policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All})).Get(path).Want(t, 403, "permission_denied")
}

// TestOwnerThroughTheAPI holds A15, A16 and H5: one owner by PUT, several by assign, in the answer's order; never by PATCH.
func TestOwnerThroughTheAPI(t *testing.T) {
	d := open(t)
	boss, bo := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...)
	a, b := d.create(t, boss), d.create(t, boss)
	path, api := "/v1/accounts/"+a.ID, d.As(boss)
	api.Put(path+"/owner", m{"ownerId": bo.User}).Want(t, 428, "if_match_required")
	api.IfMatch(`"7"`).Put(path+"/owner", m{"ownerId": bo.User}).Want(t, 412, "version_conflict")
	api.IfMatch(`"1"`).Patch(path, m{"ownerId": bo.User}).Want(t, 400, "field_not_writable")
	d.Clock.Add(time.Millisecond)
	set := api.IfMatch(`"1"`).Put(path+"/owner", m{"ownerId": bo.User, "reason": "He knows them"}).Want(t, 200, "")
	if got := api.Get(path); set.ETag() != `"2"` || !bytes.Equal(got.Body, set.Body) || got.ETag() != `"2"` {
		t.Errorf("%s %s\nread %s", set.ETag(), set.Body, got.Body)
	}
	if n, last := d.events(t); fmt.Sprint(last["fields"], last["note"], last["action"]) != fmt.Sprint("[ownerId]", bo.User, "accounts.setOwner") {
		t.Errorf("%d events, the last %v", n, last)
	}
	var out struct {
		Items []struct {
			ID      string `json:"id"`
			Version int64  `json:"version"`
		} `json:"items"`
	}
	api.Post("/v1/accounts/assign", m{"ownerId": bo.User, "accountIds": []string{b.ID, a.ID}}).Want(t, 200, "").Read(t, &out)
	if len(out.Items) != 2 || out.Items[0].ID != b.ID || out.Items[0].Version != 2 || out.Items[1].Version != 2 {
		t.Errorf("%+v", out)
	}
	if got := d.listAll(t, bo, "limit=10"); len(got) != 2 {
		t.Errorf("the new owner lists %v", got)
	}
	far := d.user(t, all(policy.Own)...)
	before := d.dump(t)
	api.Post("/v1/accounts/assign", m{"ownerId": bo.User, "accountIds": []string{b.ID, "x", b.ID}}).Want(t, 422, "validation_failed").
		Field(t, "/accountIds/1", "unknown_account").Field(t, "/accountIds/2", "duplicate_account")
	hidden := d.As(far).Post("/v1/accounts/assign", m{"ownerId": far.User, "accountIds": []string{a.ID}}).Want(t, 422, "unknown_account")
	unknown := d.As(far).Post("/v1/accounts/assign", m{"ownerId": far.User, "accountIds": []string{string(id.New[id.Account](d.IDs))}})
	if unmarked(hidden) != unmarked(unknown) {
		t.Errorf("hidden: %s\nunknown: %s", hidden.Body, unknown.Body)
	}
	if d.dump(t) != before {
		t.Error("the store changed")
	}
}
