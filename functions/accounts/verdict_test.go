package accounts_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestSameVerdict holds A05 for bodies put together at random from good and bad parts: the dry run says what the real call says, a refusal
// changes nothing, and what is accepted is all there.
func TestSameVerdict(t *testing.T) {
	d := open(t)
	boss, rep := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...)
	leaver := d.user(t)
	d.status(t, leaver, principal.UserInactive)
	dept := d.department(t, "")
	values := map[string][]any{
		"name":         {"Lotus", "蓮花", "", "a\u200bb", 7},
		"email":        {"a@lotus.example", "a@例子.公司", "a@@b", ""},
		"phone":        {"13800138000", "+14155552671", "12", " "},
		"type":         {"enterprise", "individual", "other"},
		"address":      {m{"country": "cn"}, m{"country": "XX"}, m{"planet": "Mars"}, m{}},
		"website":      {"https://lotus.example", "lotus"},
		"ownerId":      {boss.User, rep.User, leaver.User, id.New[id.User](d.IDs), "x", jsonNull},
		"departmentId": {dept, id.New[id.Department](d.IDs), jsonNull},
		"contacts":     {[]m{}, []m{{"name": "Ann", "primary": true}, {"name": "Bob"}}, []m{{"name": "Ann", "primary": true}, {"name": "Bob", "primary": true}}, []m{{}}},
		"protection":   {"standard", "vault"},
		"custom":       {m{}, m{"x": 1}},
		"version":      {1},
	}
	fields := []string{"name", "email", "phone", "type", "address", "website", "ownerId", "departmentId", "contacts", "protection", "custom", "version"}
	r := rand.New(rand.NewPCG(1, 1))
	verdicts := map[string]int{}
	for range 160 {
		body := lotus()
		for range r.IntN(4) {
			f := fields[r.IntN(len(fields))]
			body[f] = values[f][r.IntN(len(values[f]))]
		}
		raw, err := json.Marshal(body, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		who := boss
		if r.IntN(3) == 0 {
			who = rep
		}
		before := d.dump(t)
		dry := d.As(who).Post("/v1/accounts?validateOnly=true", raw)
		if d.dump(t) != before {
			t.Fatalf("the dry run of %s changed the store", raw)
		}
		made := d.As(who).Post("/v1/accounts", raw)
		changed := d.dump(t) != before
		if made.Status == 201 {
			if dry.Status != 200 || !changed {
				t.Fatalf("%s: dry %d %s, made %v", raw, dry.Status, dry.Code(), changed)
			}
		} else if unmarked(dry) != unmarked(made) || changed {
			t.Fatalf("%s: changed %v\ndry  %s\nreal %s", raw, changed, dry.Body, made.Body)
		}
		verdicts[fmt.Sprint(made.Status, made.Code())]++
		if made.Status == 201 { // keep the store small: the dumps are compared whole
			d = open(t)
			boss, rep, leaver = d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...), d.user(t)
			d.status(t, leaver, principal.UserInactive)
			dept = d.department(t, "")
			values["ownerId"] = []any{boss.User, rep.User, leaver.User, id.New[id.User](d.IDs), "x", jsonNull}
			values["departmentId"] = []any{dept, id.New[id.Department](d.IDs), jsonNull}
		}
	}
	if len(verdicts) < 10 || verdicts["201"] < 10 {
		t.Errorf("the bodies do not cover enough: %v", verdicts)
	}
}
