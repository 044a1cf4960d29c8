// Package tenant keeps the life of a tenant: how one comes to be, what its plan allows, and how it is suspended, resumed and cancelled. All
// of it happens at the word of the SaaS that sells Steward, which speaks by signed webhooks; no user of a tenant can do any of it.
//
// An event is received once: its webhook id is kept for 30 days with the reply, so a second delivery changes nothing and is answered the
// same. tenant.created reserves the slug and the external id and stages the onboarding, a saga that a job runs: tenant → key → roles →
// company → administrator → invitation → active. Each step is one commit, recorded in the job, and has a way back: an onboarding that
// cannot be finished is undone in reverse and leaves its record, which says why, and the audit. Other events that arrive before their
// tenant is active are held and replayed in the order of their timestamps; among events of one matter the latest timestamp wins, in
// whatever order they arrive.
//
// Personal data. The company and the administrator of an onboarding, and held events, are sealed under a key of the system's own until
// they have reached their place under the tenant's key; then they are removed. What cannot be read is kept as a dead letter: where and
// what was wrong, and nothing of what was said.
//
// The package refuses to know HTTP, signatures, and how roles, companies and users are kept: it asks for what it needs by interfaces.
package tenant

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// System is the reserved tenant of the system itself. It has a key, under which waits what no tenant's key can seal yet, and an audit,
// which records webhooks that concern no tenant. It has no row, so nobody can sign in to it.
const System id.Tenant = "tnt_00000000000000000000000000"

// Kept is how long the id of a webhook, a held event and a dead letter are kept.
const Kept = 30 * 24 * time.Hour

// JobOnboard is the kind of the job that runs an onboarding.
const JobOnboard = "tenants.onboard"

// Jobs stages work and asks how it went. Package job has it.
type Jobs interface {
	Stage(c *change.Set, t id.Tenant, kind string, payload any, due time.Time) (id.Job, error)
	// Withdraw stages the removal of a job; Unavailable while it runs.
	Withdraw(ctx context.Context, c *change.Set, t id.Tenant, j id.Job) error
	// Outcome reports whether the job has ended, and the code of the fault it failed with.
	Outcome(ctx context.Context, t id.Tenant, j id.Job) (ended bool, code string, err error)
}

// Roles makes the predefined roles of a tenant and gives their ids by template. Package role has it.
type Roles interface {
	StagePredefined(ctx context.Context, c *change.Set, t id.Tenant) (map[string]id.Role, error)
}

// Companies keeps the company of a tenant. Wiring translates to package org.
type Companies interface {
	PutCompany(ctx context.Context, c *change.Set, t id.Tenant, d Company) error
}

// Admins invites the first administrator, with the role; it raises the tenant's row, which was read at the version. Wiring translates to
// package user.
type Admins interface {
	Invite(ctx context.Context, c *change.Set, row principal.Tenant, version int64, a Admin, role id.Role, locale string) (id.User, error)
}

// Store keeps tenants and their onboardings. Safe for concurrent use.
type Store struct {
	table     table.Table
	crypt     *crypt.Crypt
	identity  identity.Identity
	ids       *id.Source
	jobs      Jobs
	roles     Roles
	companies Companies
	admins    Admins
}

// Needs is what a Store stands on.
type Needs struct {
	Table     table.Table
	Crypt     *crypt.Crypt
	Identity  identity.Identity // to remove the administrator's identity when an onboarding is undone
	IDs       *id.Source
	Jobs      Jobs
	Roles     Roles
	Companies Companies
	Admins    Admins
}

// New returns a store over what it needs.
func New(n Needs) *Store {
	return &Store{n.Table, n.Crypt, n.Identity, n.IDs, n.Jobs, n.Roles, n.Companies, n.Admins}
}

// link is the document of key.External: which tenant an external id names, and how far its events have been followed. An external id
// names one tenant for ever, unless its onboarding failed.
type link struct {
	Tenant     id.Tenant     `json:"tenantId"`
	Onboarding id.Onboarding `json:"onboardingId"`
	Digest     []byte        `json:"digest"`             // keyed, of what tenant.created said
	UpdatedAt  time.Time     `json:"updatedAt,omitzero"` // timestamp of the last tenant.updated
	StatusAt   time.Time     `json:"statusAt,omitzero"`  // timestamp of the last suspended, resumed or cancelled

	version int64
}

// place is the document of key.Slug. Sign-in reads it.
type place struct {
	Tenant id.Tenant `json:"tenantId"`
}

// follow reads the link of an external id; nil when the id is unknown.
func (s *Store) follow(ctx context.Context, external string) (*link, error) {
	items, err := s.table.Get(ctx, key.External(external))
	if err != nil || len(items) == 0 {
		return nil, err
	}
	l := &link{version: items[0].Version}
	return l, decode(items[0].Doc, l)
}

// row reads a tenant's row with its version; version 0 when there is none.
func (s *Store) row(ctx context.Context, t id.Tenant) (principal.Tenant, int64, error) {
	var row principal.Tenant
	items, err := s.table.Get(ctx, key.Tenant(t))
	if err != nil || len(items) == 0 {
		return row, 0, err
	}
	return row, items[0].Version, decode(items[0].Doc, &row)
}

// vault gives the system's key, which is made at its first use. Locked means that there is none yet, or none in force; and one that
// another made at this moment may not be seen at once, because loads of a key are shared.
func (s *Store) vault(ctx context.Context) (k *crypt.TenantKey, err error) {
	for range 3 {
		if k, err = s.crypt.Tenant(ctx, System); !fault.IsKind(err, fault.Locked) {
			return k, err
		}
		if err := s.makeVault(ctx); err != nil {
			return nil, err
		}
	}
	return nil, err
}

func (s *Store) makeVault(ctx context.Context) error {
	items, err := s.table.Get(ctx, key.TenantKeyHead(System))
	if err != nil || len(items) > 0 {
		return err
	}
	made, err := s.crypt.NewTenant(ctx, System)
	if err != nil {
		return err
	}
	writes := make([]table.Write, len(made))
	for i, it := range made {
		writes[i] = table.Put(it, table.Absent)
	}
	err = s.table.Commit(ctx, s.ids.ULID(), writes...)
	if _, raced := errors.AsType[*table.ConditionFailed](err); raced {
		return nil
	}
	return err
}

// put stages a document.
func put(c *change.Set, it table.Item, doc any, cond table.Cond) error {
	b, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		return internal(err)
	}
	it.Doc = b
	c.Put(it, cond, nil)
	return nil
}

func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return internal(err)
	}
	return nil
}

func internal(err error) error { return fault.New(fault.Internal, "internal").Because(err) }
