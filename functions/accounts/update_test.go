package accounts_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// TestUpdate holds A06.
func TestUpdate(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	made := d.create(t, boss, m{"industry": "Tea", "address": m{"country": "CN", "city": "Hangzhou"}})
	path, api := "/v1/accounts/"+made.ID, d.As(boss)
	n0, _ := d.events(t)
	before := d.dump(t)
	api.Patch(path, m{"name": "x"}).Want(t, 428, "if_match_required")
	stale := api.IfMatch(`"7"`).Patch(path, m{"name": "x"}).Want(t, 412, "version_conflict")
	if v := stale.Problem().Version; v != 1 {
		t.Errorf("a stale request is told %d as the current version", v)
	}
	same := api.IfMatch(`"1"`).Patch(path, m{"name": "Lotus Trading", "phone": "138-0013-8000", "address": m{"city": "Hangzhou"}}).Want(t, 200, "")
	if same.ETag() != `"1"` {
		t.Errorf("a patch that changes nothing gave %s", same.ETag())
	}
	for _, own := range []string{"ownerId", "status", "createdAt", "version", "id"} {
		api.IfMatch(`"1"`).Patch(path, m{own: "x"}).Want(t, 400, "field_not_writable").Field(t, "/"+own, "field_not_writable")
	}
	api.IfMatch(`"1"`).Patch(path, m{"phone": nil}).Want(t, 422, "required").Field(t, "/phone", "required")
	api.IfMatch(`"1"`).Patch(path, m{"email": "x", "type": "y"}).Want(t, 422, "validation_failed")
	if d.dump(t) != before {
		t.Error("the store changed")
	}
	d.Clock.Add(time.Second)
	next := api.IfMatch(`"1"`).Patch(path, m{"name": "Lotus", "industry": nil, "address": m{"city": nil, "street": "West Lake 1"}}).Want(t, 200, "")
	got := api.Get(path).Want(t, 200, "")
	if next.ETag() != `"2"` || !bytes.Equal(next.Body, got.Body) {
		t.Errorf("answered %s %s\nread %s", next.ETag(), next.Body, got.Body)
	}
	if bytes.Contains(got.Body, []byte("industry")) || bytes.Contains(got.Body, []byte("city")) || !bytes.Contains(got.Body, []byte(`"address":{"country":"CN","street":"West Lake 1"}`)) {
		t.Errorf("%s", got.Body)
	}
	n, last := d.events(t)
	if n != n0+1 || fmt.Sprint(last["fields"]) != "[name address industry]" {
		t.Errorf("%d events more, %v", n-n0, last["fields"])
	}
	api.IfMatch(`"2"`).Patch(path, m{"address": nil}).Want(t, 200, "")
	if b := api.Get(path).Body; bytes.Contains(b, []byte("address")) {
		t.Errorf("%s", b)
	}
}

// TestEachField holds that each field alone is changed, kept and emptied, and no other with it.
func TestEachField(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	d.rules(t, boss, policy.ModAccount, map[string]policy.Access{"idNumber": policy.Edit})
	d.settings(t, func(s map[string]any) { s["requiredAccountFields"] = []any{} })
	dept := d.department(t, "")
	was := m{
		"name": "Lotus", "type": "enterprise", "valueTier": "high", "stage": "buying", "email": "a@lotus.example", "phone": "+8613800138000", "idNumber": "1",
		"address": m{"country": "CN", "region": "R", "city": "C", "street": "S", "postalCode": "1"}, "website": "https://a.example", "industry": "Tea",
		"departmentId": string(d.department(t, "")),
	}
	path := "/v1/accounts/" + d.create(t, boss, was).ID
	api := d.As(boss)
	look := func() m {
		var all m
		api.Get(path).Want(t, 200, "").Read(t, &all)
		kept := m{}
		for f := range was {
			if v, ok := all[f]; ok {
				kept[f] = v
			}
		}
		return kept
	}
	if got := look(); fmt.Sprint(got) != fmt.Sprint(was) {
		t.Fatalf("was %v\nis  %v", was, got)
	}
	for f, v := range (m{
		"name": "Rose", "type": "individual", "valueTier": "low", "stage": "loyal", "email": "b@lotus.example", "phone": "+8613800138001", "idNumber": "2",
		"address": m{"country": "TW", "region": "r", "city": "c", "street": "s", "postalCode": "2"}, "website": "http://b.example", "industry": "Rice",
		"departmentId": string(dept),
	}) {
		api.IfMatch(api.Get(path).ETag()).Patch(path, m{f: v}).Want(t, 200, "")
		was[f] = v
		if got := look(); fmt.Sprint(got) != fmt.Sprint(was) {
			t.Errorf("%s changed: was %v\nis  %v", f, was, got)
		}
		if f == "name" {
			continue
		}
		api.IfMatch(api.Get(path).ETag()).Patch(path, m{f: nil}).Want(t, 200, "")
		delete(was, f)
		if got := look(); fmt.Sprint(got) != fmt.Sprint(was) {
			t.Errorf("%s emptied: was %v\nis  %v", f, was, got)
		}
	}
}

// TestLostUpdate holds I19: of many who edit the same version one wins.
func TestLostUpdate(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	a := d.create(t, boss)
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for n := range 10 {
		wg.Go(func() {
			r := d.As(boss).IfMatch(`"1"`).Patch("/v1/accounts/"+a.ID, m{"name": fmt.Sprint("Name ", n)})
			mu.Lock()
			count[fmt.Sprint(r.Status, r.Code())]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if count["200"] != 1 || count["412version_conflict"] != 9 {
		t.Errorf("%v", count)
	}
}

// TestDepartmentMove holds that an account is moved only within what its editor may edit.
func TestDepartmentMove(t *testing.T) {
	d := open(t)
	north, south := d.department(t, ""), d.department(t, "")
	boss, head := d.user(t, all(policy.All)...), d.user(t, all(policy.Department)...)
	d.seat(t, head, north, "")
	a := d.create(t, boss, m{"departmentId": north})
	path := "/v1/accounts/" + a.ID
	before := d.dump(t)
	d.As(head).IfMatch(`"1"`).Patch(path, m{"departmentId": south}).Want(t, 403, "permission_denied").Field(t, "/departmentId", "permission_denied")
	d.As(head).IfMatch(`"1"`).Patch(path, m{"departmentId": nil}).Want(t, 403, "permission_denied")
	d.As(boss).IfMatch(`"1"`).Patch(path, m{"departmentId": id.New[id.Department](d.IDs)}).Want(t, 422, "unknown_department")
	if d.dump(t) != before {
		t.Error("the store changed")
	}
	d.As(boss).IfMatch(`"1"`).Patch(path, m{"departmentId": south}).Want(t, 200, "")
	d.As(head).Get(path).Want(t, 404, "not_found")
	if n := d.listAll(t, head, "limit=10"); len(n) != 0 {
		t.Errorf("listed %v", n)
	}
}
