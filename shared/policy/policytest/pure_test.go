package policytest_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/policy/policytest"
	"github.com/steward-crm/steward/shared/principal"
)

const acme id.Tenant = "tnt_00000000000000000000000001"

// tenantRow is the tenant's row as a world has it.
func tenantRow(t id.Tenant, w *policytest.World) principal.Tenant {
	row := principal.Tenant{ID: t, Status: principal.TenantStatus(w.TenantStatus), AuthzVer: 1, OrgVer: 1, CfgVer: 1, UserLimit: 1000, Users: len(w.Users)}
	row.Shards, row.Strays = 1+3*int(w.Seed%2), w.Seed%3 > 0
	row.Settings = principal.Settings{Locale: "en", Region: "CN", PasswordMinLength: 12, Defaults: map[string]string{}}
	for _, m := range w.ModulesOff {
		row.Settings.ModulesOff = append(row.Settings.ModulesOff, string(m))
	}
	for m, d := range w.Defaults {
		row.Settings.Defaults[string(m)] = string(d)
	}
	return row
}

// organisation is the world as access compiles it.
func organisation(w *policytest.World) *access.Organisation {
	o := &access.Organisation{
		Departments: map[id.Department]access.Department{}, Posts: map[id.Post]access.Post{}, Places: map[id.User]principal.Place{},
		Roles: map[id.Role]policy.Role{}, Categories: map[id.Category]access.Category{}, Granted: map[policy.Grantee]access.Granted{},
	}
	for _, d := range w.Departments {
		o.Departments[d.ID] = access.Department{ID: d.ID, Parent: d.Parent, Head: d.Head}
	}
	for _, p := range w.Posts {
		o.Posts[p.ID] = access.Post{ID: p.ID, Department: p.Department, Roles: p.Roles}
	}
	for _, u := range w.Users {
		o.Places[u.ID] = principal.Place{
			User: u.ID, Department: u.Department, Manager: u.Manager, Posts: u.Posts, Roles: u.Roles, Active: u.Status == "active",
		}
	}
	for _, r := range w.Roles {
		o.Roles[r.ID] = role(r)
	}
	for _, c := range w.Categories {
		x := access.Category{ID: c.ID}
		for _, g := range c.Grants {
			x.Grants = append(x.Grants, access.CategoryGrant{To: grantee(g.To), On: acts(g.On), Superiors: g.Superiors})
		}
		o.Categories[c.ID] = x
	}
	for i := range w.Accounts {
		for n, g := range grantsOf(&w.Accounts[i]) {
			markGranted(o.Granted, g, n >= inOrder)
		}
	}
	return o
}

// inOrder is how many grants an account keeps in order: account.MaxInOrder.
const inOrder = 32

// markGranted notes that records may have such a grant, as account's operations do.
func markGranted(all map[policy.Grantee]access.Granted, g policy.RecordGrant, over bool) {
	adds := policy.Mark{Superiors: g.Superiors, Overflow: over, Off: g.Off != 0}
	if _, user := g.To.User(); user && adds == (policy.Mark{}) {
		return
	}
	m := all[g.To]
	m.To = g.To
	m.Superiors, m.Overflow, m.Off = m.Superiors || adds.Superiors, m.Overflow || adds.Overflow, m.Off || adds.Off
	all[g.To] = m
}

func role(r policytest.Role) policy.Role {
	x := policy.Role{ID: r.ID, Name: string(r.ID), Level: r.Level, Version: 1}
	for _, g := range r.Grants {
		s, _ := policy.ParseScope(g.Scope)
		x.Grants = append(x.Grants, policy.Grant{Module: g.Module, Action: g.Action, Scope: s})
	}
	for _, f := range r.Fields {
		x.Fields = append(x.Fields, policy.FieldRule{Module: f.Module, Field: f.Field, Access: f.Access})
	}
	return x
}

func grantee(g policytest.Grantee) policy.Grantee {
	switch g.Kind {
	case "user":
		return policy.ToUser(id.User(g.ID))
	case "role":
		return policy.ToRole(id.Role(g.ID))
	}
	return policy.ToDepartment(id.Department(g.ID), g.Kind == "subtree")
}

func acts(all []policytest.Act) (out policy.Acts) {
	for _, a := range all {
		out |= map[policytest.Act]policy.Acts{
			policytest.View: policy.ActView, policytest.Edit: policy.ActEdit, policytest.Delete: policy.ActDelete,
		}[a]
	}
	return out
}

func grantsOf(a *policytest.Account) []policy.RecordGrant {
	out := make([]policy.RecordGrant, 0, len(a.Grants))
	for _, g := range a.Grants {
		x := policy.RecordGrant{Kind: g.Kind, To: grantee(g.To), On: acts(g.On), Off: acts(g.Off), Superiors: g.Superiors}
		if !g.Expires.IsZero() {
			x.Expires = g.Expires.Unix()
		}
		out = append(out, x)
	}
	return out
}

// pure is the policy alone: rights by access.Compile, answers by policy.Decide, lists by what policy.ReachOf names. No table, no sealing.
type pure struct {
	rows      func(*access.Organisation) // changes what is compiled: a fault
	world     *policytest.World
	compiled  *access.Compiled
	row       principal.Tenant
	subjects  map[id.User]*policy.Subject
	resources map[id.Account]policy.Resource
	lists     map[id.User][]id.Account
}

func (p *pure) Load(_ context.Context, w *policytest.World) error {
	o := organisation(w)
	if p.rows != nil {
		p.rows(o)
	}
	*p = pure{
		rows: p.rows, world: w, compiled: access.Compile(o), row: tenantRow(acme, w), subjects: map[id.User]*policy.Subject{},
		resources: map[id.Account]policy.Resource{}, lists: map[id.User][]id.Account{},
	}
	for _, u := range w.Users {
		s := p.compiled.Subject(p.row, u.ID, w.Now)
		s.Self.Status = principal.UserStatus(u.Status)
		p.subjects[u.ID] = s
	}
	for i := range w.Accounts {
		a := &w.Accounts[i]
		p.resources[a.ID] = policy.Resource{Tenant: acme, Owner: a.Owner, Department: a.Department, Categories: a.Categories, Grants: grantsOf(a)}
	}
	return nil
}

func (p *pure) Change(ctx context.Context, w *policytest.World) error { return p.Load(ctx, w) }

func (p *pure) Check(ctx context.Context, q policytest.Question) (bool, error) {
	v, err := p.Explain(ctx, q)
	return v.Allowed, err
}

func (p *pure) Explain(_ context.Context, q policytest.Question) (policytest.Verdict, error) {
	d := policy.Decide(p.subjects[q.User], q.Module, q.Action, p.resources[q.Account])
	return policytest.Verdict{Allowed: d.Allowed, Rule: d.Rule}, nil
}

func (p *pure) Get(ctx context.Context, u id.User, a id.Account) (policytest.Row, bool, error) {
	ok, err := p.Check(ctx, policytest.Question{User: u, Module: policy.ModAccount, Action: policy.View, Account: a})
	if !ok || err != nil {
		return nil, false, err
	}
	// What is shown is not the policy's work: this system shows what the oracle would.
	return policytest.Oracle{World: p.world}.Shown(u, p.world.Account(a)), true, nil
}

// reached reports whether the reach names a way to the account.
func reached(r *policy.Reach, a *policy.Resource) bool {
	return r.All || slices.Contains(r.Owners, a.Owner) || slices.Contains(r.Departments, a.Department) ||
		slices.ContainsFunc(a.Categories, func(c id.Category) bool { return slices.Contains(r.Categories, c) }) ||
		slices.ContainsFunc(a.Grants, func(g policy.RecordGrant) bool { return slices.Contains(r.Grantees, g.To) })
}

func (p *pure) list(u id.User) []id.Account {
	if out, ok := p.lists[u]; ok {
		return out
	}
	s := p.subjects[u]
	reach := policy.ReachOf(s, policy.ModAccount, policy.View)
	var found []*policytest.Account
	for i := range p.world.Accounts {
		a := &p.world.Accounts[i]
		if r := p.resources[a.ID]; reached(&reach, &r) && policy.Decide(s, policy.ModAccount, policy.View, r).Allowed {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(x, y *policytest.Account) int {
		return -cmp.Or(x.Updated.Compare(y.Updated), cmp.Compare(x.ID, y.ID))
	})
	var out []id.Account
	for _, a := range found {
		out = append(out, a.ID)
	}
	p.lists[u] = out
	return out
}

func (p *pure) Page(_ context.Context, u id.User, after string, limit int) ([]policytest.Listed, string, error) {
	ids, next := p.page(u, after, limit)
	return idsAlone(ids), next, nil
}

func (p *pure) page(u id.User, after string, limit int) (ids []id.Account, next string) {
	from, _ := strconv.Atoi(after)
	all := p.list(u)[from:]
	if len(all) <= limit {
		return all, ""
	}
	return all[:limit], strconv.Itoa(from + limit)
}

func idsAlone(ids []id.Account) []policytest.Listed {
	out := make([]policytest.Listed, len(ids))
	for i, a := range ids {
		out[i].ID = a
	}
	return out
}

func (p *pure) Count(_ context.Context, u id.User) (int, error) { return len(p.list(u)), nil }

func (p *pure) Field(_ context.Context, u id.User, m policy.Module, a policy.Action, field string) (policy.Access, error) {
	return p.subjects[u].Field(m, a, field), nil
}

func (p *pure) WhoCanSee(ctx context.Context, a id.Account) ([]id.User, error) {
	out := []id.User{}
	for _, u := range p.compiled.Users() {
		if ok, _ := p.Check(ctx, policytest.Question{User: u, Module: policy.ModAccount, Action: policy.View, Account: a}); ok {
			out = append(out, u)
		}
	}
	return out, nil
}
