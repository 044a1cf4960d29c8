package tenant_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/tenant"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func signup(slug string) tenant.Event {
	return tenant.Event{Type: tenant.TypeCreated, Timestamp: now, Created: &tenant.Created{
		ExternalID: "c1", Slug: slug, Company: tenant.Company{Name: "Acme"}, Admin: tenant.Admin{Name: "Ann", Email: "ann@acme.example"},
	}}
}

func TestSlugs(t *testing.T) {
	for slug, code := range map[string]string{
		"abc": "", "a-b": "", "a1": "slug_invalid", "123": "", strings.Repeat("a", 40): "", strings.Repeat("a", 41): "slug_invalid",
		"a--b": "", "ab--c": "slug_reserved", "xn--p1ai": "slug_reserved", "api": "slug_reserved", "apis": "", "admin": "slug_reserved",
		"ADMIN": "slug_invalid", "a_b": "slug_invalid", "a b": "slug_invalid", "-ab": "slug_invalid", "ab-": "slug_invalid", "аbc": "slug_invalid",
		"": "required",
	} {
		e := signup(slug)
		err := e.Check(now)
		if code == "" && err != nil || code != "" && !fault.Is(err, code) {
			t.Errorf("%q: %v, want %q", slug, err, code)
		}
	}
}

func TestCheckKeepsTheNormalForm(t *testing.T) {
	e := signup("acme")
	e.Created.Company = tenant.Company{Name: "  Cafe\u0301 ", Email: "Info@EXAMPLE.com", Phone: "021 6888 0000", Address: " Road 1\r\nTown "}
	e.Created.Admin.Phone = "138 0013 8000"
	if err := e.Check(now); err != nil {
		t.Fatal(err)
	}
	want := tenant.Company{Name: "Café", Email: "Info@example.com", Phone: "+862168880000", Address: "Road 1\nTown"}
	if e.Created.Company != want || e.Created.Admin.Phone != "+8613800138000" || e.Created.Plan != "standard" || e.Created.Locale != "en" {
		t.Fatalf("%+v", e.Created)
	}
	again := e
	if err := again.Check(now); err != nil || again.Created.Company != want {
		t.Fatalf("a second check changes something: %v %+v", err, again.Created)
	}
}

func TestNumbersAreReadInTheCountryOfTheLocale(t *testing.T) {
	e := signup("acme")
	e.Created.Locale, e.Created.Admin.Phone = "zh-TW", "0912 345 678"
	if err := e.Check(now); err != nil || e.Created.Admin.Phone != "+886912345678" {
		t.Fatalf("%v %+v", err, e.Created.Admin)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		`"1 High Street\nTown"`: "1 High Street\nTown",
		`""`:                    "",
		`{}`:                    "",
		`{"country":"CN","region":"上海市","city":"上海","street":"张江路 88 号","postalCode":"201203"}`: "张江路 88 号\n201203 上海\n上海市\nCN",
		`{"city":"London"}`: "London",
		`7`:                 "!", `null`: "!", `[]`: "!", `{"planet":"Mars"}`: "!", `{"city":1}`: "!",
	} {
		var a tenant.Address
		err := json.Unmarshal([]byte(in), &a)
		if want == "!" {
			if !fault.Is(err, "address_invalid") {
				t.Errorf("%s: %v", in, err)
			}
			continue
		}
		if err != nil || string(a) != want {
			t.Errorf("%s: %q, %v", in, a, err)
		}
	}
}

func TestEveryPlanHasALimit(t *testing.T) {
	if !slices.Contains(tenant.Plans(), "standard") {
		t.Fatal("the default plan is gone")
	}
	for _, p := range tenant.Plans() {
		if n, ok := tenant.UserLimit(p); !ok || n < 1 {
			t.Errorf("%s: %d", p, n)
		}
	}
	if _, ok := tenant.UserLimit("diamond"); ok {
		t.Error("a plan that does not exist has a limit")
	}
}

// FuzzCheck holds that what Check lets through it lets through again, unchanged, and that it never panics.
func FuzzCheck(f *testing.F) {
	f.Add("c1", "acme", "Acme", "a@b.example", "+8613800138000", "en", "standard", "Road 1")
	f.Add("", "xn--", "\u202e", "a@b@c", "0O", "fr", "", "\x00")
	f.Fuzz(func(t *testing.T, external, slug, name, mail, phone, locale, plan, address string) {
		e := signup(slug)
		e.Created.ExternalID, e.Created.Locale, e.Created.Plan = external, locale, plan
		e.Created.Company = tenant.Company{Name: name, Email: mail, Phone: phone, Address: tenant.Address(address)}
		e.Created.Admin = tenant.Admin{Name: name, Email: mail, Phone: phone}
		if e.Check(now) != nil {
			return
		}
		first := *e.Created
		if err := e.Check(now); err != nil || *e.Created != first {
			t.Fatalf("%v\n%+v\n%+v", err, first, *e.Created)
		}
	})
}
