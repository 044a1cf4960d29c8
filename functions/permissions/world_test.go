package permissions_test

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/permissions"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// desk is the API of accounts and permissions over a tenant with people, an organisation and accounts that are granted, closed, categorised
// and open by default. People and accounts have names.
type desk struct {
	*edgetest.Deployment
	*edgetest.Server
	tenant   id.Tenant
	people   map[string]edgetest.Who
	accounts map[string]id.Account
	contacts map[string]id.Contact
}

func view(scope policy.Scope) policy.Grant   { return right(policy.ModAccount, policy.View, scope) }
func update(scope policy.Scope) policy.Grant { return right(policy.ModAccount, policy.Update, scope) }

func right(m policy.Module, a policy.Action, scope policy.Scope) policy.Grant {
	return policy.Grant{Module: m, Action: a, Scope: scope}
}

func everything() (all []policy.Grant) {
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			all = append(all, right(e.Module, a, policy.All))
		}
	}
	return all
}

// open builds the tenant. head leads sales and reports to ceo; ann and bob sit in sales and report to head; carl sits in support.
func open(t testing.TB) *desk {
	t.Helper()
	d := &desk{Deployment: edgetest.Deploy(t), people: map[string]edgetest.Who{}, accounts: map[string]id.Account{}, contacts: map[string]id.Contact{}}
	d.tenant = d.Tenant(t, func(row *principal.Tenant) {
		row.Settings.RequiredAccountFields = []string{"name"}
		row.Settings.Defaults = map[string]string{"contact": string(policy.PublicRead)}
	})
	d.Server = edgetest.Serve(t, d.Platform, slices.Concat(permissions.Routes(d.Platform), accounts.Routes(d.Platform)))
	seller := slices.Concat([]policy.Grant{view(policy.Own), update(policy.Own)}, []policy.Grant{
		right(policy.ModContact, policy.View, policy.Own), right(policy.ModContact, policy.Update, policy.Own), right(policy.ModContact, policy.Delete, policy.Own),
		right(policy.ModAccount, policy.Share, policy.Own),
	})
	for name, grants := range map[string][]policy.Grant{
		"root": everything(), "ceo": seller, "head": {view(policy.Subtree), update(policy.Reports), right(policy.ModContact, policy.View, policy.Subtree)},
		"ann": seller, "bob": seller, "carl": seller, "gone": seller,
		"blind": {update(policy.All), right(policy.ModContact, policy.View, policy.All)}, // edits what it does not see
		"none":  nil, "whole": {view(policy.All)},
	} {
		d.people[name] = d.User(t, d.tenant, grants...)
	}
	sales, support := d.department(t, "head"), d.department(t, "")
	d.seat(t, "head", sales, "ceo")
	d.seat(t, "ann", sales, "head")
	d.seat(t, "bob", sales, "head")
	d.seat(t, "carl", support, "")
	d.seat(t, "gone", support, "ceo")
	d.category(t, "cat_1", policy.ToDepartment(support, true), policy.ActView)
	user := func(name string) policy.Grantee { return policy.ToUser(d.people[name].User) }
	later := d.Clock.Now().Unix() + 3600
	for name, grants := range map[string][]policy.RecordGrant{
		"plain":    nil,
		"team":     {{Kind: policy.KindTeam, To: user("carl"), On: policy.ActsOf("edit")}},
		"shared":   {{Kind: policy.KindShare, To: policy.ToDepartment(support, false), On: policy.ActView}, {Kind: policy.KindShare, To: user("none"), On: policy.ActView}},
		"up":       {{Kind: policy.KindShare, To: user("bob"), On: policy.ActView, Superiors: true}},
		"asleep":   {{Kind: policy.KindShare, To: user("gone"), On: policy.ActView, Superiors: true}},
		"expired":  {{Kind: policy.KindTemporary, To: user("carl"), On: policy.ActView, Expires: later - 3600}},
		"expiring": {{Kind: policy.KindTemporary, To: user("carl"), On: policy.ActView, Expires: later}},
		"closed":   {{Kind: policy.KindOverride, To: user("ann"), Off: policy.ActEdit}, {Kind: policy.KindOverride, To: policy.ToDepartment(sales, true), Off: policy.ActView}},
		"no edit":  {{Kind: policy.KindOverride, To: user("ann"), Off: policy.ActEdit}, {Kind: policy.KindOverride, To: user("head"), On: policy.ActsOf("edit")}},
		"category": nil,
	} {
		d.account(t, name, "ann", grants)
	}
	d.Edit(t, key.Account(d.tenant, d.accounts["category"]), func(doc map[string]any) { doc["categoryIds"] = []string{"cat_1"} })
	for _, k := range []table.Key{key.User(d.tenant, d.people["gone"].User), key.Place(d.tenant, d.people["gone"].User)} {
		d.Edit(t, k, func(doc map[string]any) { doc["status"], doc["active"] = "inactive", false })
	}
	d.moved(t)
	return d
}

func (d *desk) put(t testing.TB, k table.Key, doc any) {
	t.Helper()
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	d.Commit(t, table.Put(table.Item{Key: k, Doc: b}, table.Always))
}

func (d *desk) department(t testing.TB, head string) id.Department {
	t.Helper()
	x := id.New[id.Department](d.IDs)
	d.put(t, key.Department(d.tenant, x), access.Department{ID: x, Head: d.people[head].User})
	return x
}

func (d *desk) seat(t testing.TB, name string, dept id.Department, manager string) {
	t.Helper()
	u := d.people[name].User
	for _, k := range []table.Key{key.User(d.tenant, u), key.Place(d.tenant, u)} {
		d.Edit(t, k, func(doc map[string]any) {
			doc["departmentId"] = string(dept)
			if manager != "" {
				doc["managerId"] = string(d.people[manager].User)
			}
		})
	}
}

func (d *desk) category(t testing.TB, name id.Category, to policy.Grantee, on policy.Acts) {
	t.Helper()
	d.put(t, key.Category(d.tenant, name), access.Category{ID: name, Grants: []access.CategoryGrant{{To: to, On: on}}})
}

// account makes an account of the owner with a contact and the grants.
func (d *desk) account(t testing.TB, name, owner string, grants []policy.RecordGrant) {
	t.Helper()
	var out struct {
		ID       id.Account `json:"id"`
		Contacts []struct {
			ID id.Contact `json:"id"`
		} `json:"contacts"`
	}
	d.As(d.people["root"]).Post("/v1/accounts", m{
		"name": name, "ownerId": d.people[owner].User, "contacts": []m{{"name": "First"}, {"name": "Second"}},
	}).Want(t, 201, "").Read(t, &out)
	d.accounts[name], d.contacts[name] = out.ID, out.Contacts[0].ID
	d.Edit(t, key.Account(d.tenant, out.ID), func(doc map[string]any) { doc["grants"] = grants })
	for _, g := range grants {
		d.put(t, key.Granted(d.tenant, string(g.To)), access.Granted{To: g.To, Mark: policy.Mark{Superiors: g.Superiors, Off: g.Off != 0}})
	}
}

// moved makes access see a changed organisation.
func (d *desk) moved(t testing.TB) {
	t.Helper()
	d.Edit(t, key.Tenant(d.tenant), func(doc map[string]any) {
		doc["authzVer"], doc["orgVer"] = doc["authzVer"].(float64)+1, doc["orgVer"].(float64)+1
	})
}

type explanation struct {
	Allowed bool
	Rule    int
	Decided string
	Text    string
	Layers  []struct {
		Layer, Verdict, Text, Access, Held, Needs string
		Reasons, Line                             []string
		Others                                    int
		Roles                                     []struct{ ID, Name, Scope string }
		Grants                                    []struct{ Kind, As, State, ThroughUserID string }
		Categories                                []struct{ CategoryID string }
	}
	Account *struct {
		Allowed bool
		Decided string
	}
	Fix []struct {
		Changes []struct{ Kind, Text, RoleID, RoleName, Scope, Level string }
	}
	Final bool
}

func (d *desk) explain(t testing.TB, as edgetest.Who, body m) explanation {
	t.Helper()
	var e explanation
	a := d.As(as).Post("/v1/permissions/explain", body).Want(t, 200, "")
	if err := json.Unmarshal(a.Body, &e, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v\n%s", err, a.Body)
	}
	return e
}
