package accounts_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// TestScopes holds that get, list, update, deactivate and contacts agree on whom they reach, scope by scope.
//
// The organisation: head sits in sales; rep reports to head and sits in sales; junior reports to rep and sits nowhere; peer sits in sales and
// reports to nobody; sub sits in sales' subdivision; far sits elsewhere.
func TestScopes(t *testing.T) {
	d := open(t)
	sales := d.department(t, "")
	division := d.department(t, sales)
	elsewhere := d.department(t, "")
	boss := d.user(t, all(policy.All)...)
	people := map[string]edgetest.Who{}
	for _, name := range []string{"rep", "junior", "peer", "sub", "far"} {
		people[name] = d.user(t, all(policy.Own)...)
	}
	for _, row := range []struct {
		scope  policy.Scope
		allow  string
		denied string
	}{
		{policy.Own, "head", "rep junior peer sub far"},
		{policy.Reports, "head rep junior", "peer sub far"},
		{policy.Department, "head rep junior peer", "sub far"},
		{policy.Subtree, "head rep junior peer sub", "far"},
		{policy.All, "head rep junior peer sub far", ""},
	} {
		t.Run(fmt.Sprint(row.scope), func(t *testing.T) {
			head := d.user(t, all(row.scope)...)
			people["head"] = head
			d.seat(t, head, sales, "")
			d.seat(t, people["rep"], sales, head.User)
			d.seat(t, people["junior"], "", people["rep"].User)
			d.seat(t, people["peer"], sales, "")
			d.seat(t, people["sub"], division, "")
			d.seat(t, people["far"], elsewhere, "")
			made, visible := map[string]accountBody{}, []string{}
			for _, name := range []string{"head", "rep", "junior", "peer", "sub", "far"} {
				made[name] = d.create(t, boss, m{"ownerId": people[name].User, "contacts": []m{{"name": "Ann"}}})
			}
			api := d.As(head)
			for _, name := range strings.Fields(row.allow) {
				a := made[name]
				path := "/v1/accounts/" + a.ID
				api.Get(path).Want(t, 200, "")
				api.IfMatch(`"1"`).Patch(path, m{"name": "By head"}).Want(t, 200, "")
				api.Get(path+"/contacts").Want(t, 200, "")
				api.Post(path+"/contacts", m{"name": "Bob"}).Want(t, 201, "")
				api.Post(path+"/deactivate", nil).Want(t, 200, "")
				api.Post(path+"/reactivate", nil).Want(t, 200, "")
				d.Clock.Add(1e6)
				visible = append(visible, a.ID)
			}
			before := d.dump(t)
			unknown := unmarked(api.Get("/v1/accounts/" + string(id.New[id.Account](d.IDs))))
			for _, name := range strings.Fields(row.denied) {
				a := made[name]
				path, contact := "/v1/accounts/"+a.ID, "/v1/accounts/"+a.ID+"/contacts/"+a.Contacts[0].ID
				for call, got := range map[string]*edgetest.Answer{
					"get":            api.Get(path),
					"update":         api.IfMatch(`"1"`).Patch(path, m{"name": "By head"}),
					"stale update":   api.IfMatch(`"9"`).Patch(path, m{"name": "By head"}),
					"bad update":     api.IfMatch(`"1"`).Patch(path, m{"type": "?"}),
					"deactivate":     api.Post(path+"/deactivate", nil),
					"reactivate":     api.Post(path+"/reactivate", nil),
					"list contacts":  api.Get(path + "/contacts"),
					"get contact":    api.Get(contact),
					"add contact":    api.Post(path+"/contacts", m{"name": "Bob"}),
					"update contact": api.IfMatch(`"1"`).Patch(contact, m{"name": "Bob"}),
					"delete contact": api.IfMatch(`"1"`).Delete(contact),
				} {
					if b := unmarked(got); b != unknown {
						t.Errorf("%s of %s's: %s\nunknown: %s", call, name, b, unknown)
					}
				}
			}
			if d.dump(t) != before {
				t.Error("the store changed")
			}
			got := slices.DeleteFunc(d.listAll(t, head, "limit=3"), func(a string) bool { return !isOneOf(a, made) })
			slices.Sort(got)
			slices.Sort(visible)
			if !slices.Equal(got, visible) {
				t.Errorf("listed %v, want %v", got, visible)
			}
		})
	}
}

func isOneOf(a string, made map[string]accountBody) bool {
	for _, x := range made {
		if x.ID == a {
			return true
		}
	}
	return false
}

var requestID = regexp.MustCompile(`req_[0-9A-Z]{26}`)

// unmarked is an answer without its request id.
func unmarked(a *edgetest.Answer) string {
	return fmt.Sprint(a.Status, " ", requestID.ReplaceAllString(string(a.Body), "req"))
}

// TestActions holds that each action needs its own grant: with it alone the call goes through, with all others but it it is refused.
func TestActions(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	view := policy.Grant{Module: policy.ModAccount, Action: policy.View, Scope: policy.All}
	viewContact := policy.Grant{Module: policy.ModContact, Action: policy.View, Scope: policy.All}
	for _, c := range []struct {
		name   string
		needs  policy.Grant
		status int
		call   func(edgetest.Client, accountBody) *edgetest.Answer
	}{
		{"create", policy.Grant{Module: policy.ModAccount, Action: policy.Create, Scope: policy.Own}, 201, func(c edgetest.Client, _ accountBody) *edgetest.Answer {
			return c.Post("/v1/accounts", lotus())
		}},
		{"get", view, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer { return c.Get("/v1/accounts/" + a.ID) }},
		{"list", view, 200, func(c edgetest.Client, _ accountBody) *edgetest.Answer { return c.Get("/v1/accounts") }},
		{"update", policy.Grant{Module: policy.ModAccount, Action: policy.Update, Scope: policy.All}, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.IfMatch(`"1"`).Patch("/v1/accounts/"+a.ID, m{"name": "x"})
		}},
		{"deactivate", policy.Grant{Module: policy.ModAccount, Action: policy.Update, Scope: policy.All}, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Post("/v1/accounts/"+a.ID+"/deactivate", nil)
		}},
		{"reactivate", policy.Grant{Module: policy.ModAccount, Action: policy.Update, Scope: policy.All}, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Post("/v1/accounts/"+a.ID+"/reactivate", nil)
		}},
		{"list contacts", viewContact, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Get("/v1/accounts/" + a.ID + "/contacts")
		}},
		{"get contact", viewContact, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Get("/v1/accounts/" + a.ID + "/contacts/" + a.Contacts[0].ID)
		}},
		{"create contact", policy.Grant{Module: policy.ModContact, Action: policy.Create, Scope: policy.All}, 201, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.Post("/v1/accounts/"+a.ID+"/contacts", m{"name": "Bob"})
		}},
		{"update contact", policy.Grant{Module: policy.ModContact, Action: policy.Update, Scope: policy.All}, 200, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.IfMatch(`"1"`).Patch("/v1/accounts/"+a.ID+"/contacts/"+a.Contacts[0].ID, m{"name": "Bob"})
		}},
		{"delete contact", policy.Grant{Module: policy.ModContact, Action: policy.Delete, Scope: policy.All}, 204, func(c edgetest.Client, a accountBody) *edgetest.Answer {
			return c.IfMatch(`"1"`).Delete("/v1/accounts/" + a.ID + "/contacts/" + a.Contacts[0].ID)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := d.create(t, boss, m{"contacts": []m{{"name": "Ann"}}})
			grants := []policy.Grant{c.needs, view}
			if c.needs.Action != policy.View && c.needs.Module == policy.ModContact {
				grants = append(grants, viewContact)
			}
			without := slices.DeleteFunc(all(policy.All), func(g policy.Grant) bool { return g.Module == c.needs.Module && g.Action == c.needs.Action })
			before := d.dump(t)
			denied := d.user(t, without...)
			seen := d.dump(t)
			got := c.call(d.As(denied), a)
			if got.Status != http.StatusForbidden || got.Code() != "permission_denied" {
				t.Errorf("without the grant: %d %s", got.Status, got.Code())
			}
			if d.dump(t) != seen || seen == before {
				t.Error("the store changed")
			}
			c.call(d.As(d.user(t, grants...)), a).Want(t, c.status, "")
		})
	}
}

// TestModuleOff holds that a module that the tenant switched off is not there.
func TestModuleOff(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	a := d.create(t, boss, m{"contacts": []m{{"name": "Ann"}}})
	d.settings(t, func(s map[string]any) { s["modulesOff"] = []any{"contact"} })
	d.moved(t)
	d.As(boss).Get("/v1/accounts/"+a.ID+"/contacts").Want(t, 404, "not_found")
	if b := d.As(boss).Get("/v1/accounts/"+a.ID).Want(t, 200, "").Body; bytes.Contains(b, []byte("Ann")) {
		t.Errorf("%s", b)
	}
}
