package steward

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/bench/workload"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// shards is what a tenant of this size has.
const shards = 4

// standing is a user's document, as far as anybody here reads it.
type standing struct {
	principal.Standing
	Tenant id.Tenant `json:"tenantId"`
}

// organise writes the rows that access reads: the tenant with its key, departments, roles, users and their places.
func (e *Engine) organise(ctx context.Context) error {
	e.tenant = principal.Tenant{
		ID: id.New[id.Tenant](e.ids), Slug: "bench", Status: principal.TenantActive, Plan: "standard", AuthzVer: 1, OrgVer: 1, CfgVer: 1,
		Shards: shards, Strays: true, Users: len(e.w.Users), UserLimit: len(e.w.Users), CreatedAt: time.Now(),
		Settings: principal.Settings{Locale: "en", Region: "CN", PasswordMinLength: 12},
	}
	keys, err := e.crypt.NewTenant(ctx, e.tenant.ID)
	if err != nil {
		return err
	}
	b := batch{table: e.store, ids: e.ids}
	for _, it := range keys {
		b.add(table.Put(it, table.Absent))
	}
	b.put(table.Item{Key: key.Tenant(e.tenant.ID), Index: map[table.Index]table.IndexKey{table.G1: key.Tenants(e.tenant.ID)}}, e.tenant)
	for _, parent := range e.w.Parents {
		d := access.Department{ID: id.New[id.Department](e.ids)}
		if parent != workload.Nowhere {
			d.Parent = e.departments[parent]
		}
		e.departments = append(e.departments, d.ID)
		b.put(table.Item{Key: key.Department(e.tenant.ID, d.ID)}, d)
	}
	for _, r := range e.w.Roles {
		role := e.role(id.New[id.Role](e.ids), r)
		e.roles = append(e.roles, role.ID)
		b.put(table.Item{Key: key.Role(e.tenant.ID, role.ID)}, role)
	}
	for range e.w.Users {
		e.users = append(e.users, id.New[id.User](e.ids))
	}
	for i, x := range e.w.Users {
		p := principal.Place{User: e.users[i], Department: e.departments[x.Department], Active: true}
		if x.Manager != workload.Nobody {
			p.Manager = e.users[x.Manager]
		}
		for _, r := range x.Roles {
			p.Roles = append(p.Roles, e.roles[r])
		}
		b.put(table.Item{Key: key.User(e.tenant.ID, p.User)}, standing{principal.Standing{Place: p, Status: principal.UserActive}, e.tenant.ID})
		b.put(table.Item{Key: key.Place(e.tenant.ID, p.User)}, p)
	}
	e.settle()
	return b.commit(ctx)
}

// settle notes where users sit and how grants name them and the departments.
func (e *Engine) settle() {
	e.places = make(map[id.User]workload.DepartmentID, len(e.users))
	for i, u := range e.users {
		e.places[u] = e.w.Users[i].Department
		e.members = append(e.members, policy.ToUser(u))
	}
	for _, d := range e.departments {
		e.shares = append(e.shares, policy.ToDepartment(d, false))
	}
}

// role is the document of a role.
func (e *Engine) role(r id.Role, x workload.Role) policy.Role {
	out := policy.Role{ID: r, Name: x.Name, Level: policy.Level(x.Level), Version: 1}
	for a, s := range x.Scopes {
		if s != workload.None {
			out.Grants = append(out.Grants, policy.Grant{Module: policy.ModAccount, Action: actions[a], Scope: scopes[s]})
		}
	}
	for f, name := range workload.Fields {
		out.Fields = append(out.Fields, policy.FieldRule{Module: policy.ModAccount, Field: name, Access: policy.Access(x.Access[f])})
	}
	return out
}

// Owner answers as the user noun does: the benchmark's users are all there and active.
func (e *Engine) Owner(_ context.Context, _ id.Tenant, u id.User) (id.Department, error) {
	if at, ok := e.places[u]; ok {
		return e.departments[at], nil
	}
	return "", fault.New(fault.Invalid, "invalid_owner")
}

// batch gathers writes and commits many at once.
type batch struct {
	table  table.Table
	ids    *id.Source
	writes []table.Write
	failed error
}

func (b *batch) add(w table.Write) { b.writes = append(b.writes, w) }

func (b *batch) put(it table.Item, doc any) {
	var err error
	if it.Doc, err = json.Marshal(doc); err != nil && b.failed == nil {
		b.failed = fmt.Errorf("%s: %w", it.SK, err)
	}
	b.add(table.Put(it, table.Always))
}

// commit commits them, as many at a time as may be.
func (b *batch) commit(ctx context.Context) error {
	if b.failed != nil {
		return b.failed
	}
	for part := range slices.Chunk(b.writes, table.MaxWrites) {
		if err := b.table.Commit(ctx, b.ids.ULID(), part...); err != nil {
			return err
		}
	}
	return nil
}
