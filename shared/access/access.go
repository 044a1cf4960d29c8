// Package access reads the rows that decide who may do what, and compiles them: from a verified token to a policy.Subject, and from a
// tenant's organisation partition to the graph that guards ask ("is this a cycle", "who is the last administrator"). It lies below the
// nouns: they write those rows, access reads them.
package access

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Access loads subjects. Its caches hold compiled roles and organisations by version, bounded; never a decision.
type Access struct {
	table     table.Table
	now       func() time.Time
	snapshots *snapshots
}

// New returns an Access over the table.
func New(t table.Table, now func() time.Time) *Access {
	return &Access{table: t, now: now, snapshots: newSnapshots(maxTenants, maxRows)}
}

// Subject authorises a verified token: one strong Get of tenant, user and revocation, then the snapshot of roles and organisation by
// version. base carries locale, source, request id, operation and time; Subject adds tenant, user and session. Faults: Unauthenticated
// token_invalid (no such user, revoked session, signed in before SessionsAfter), Unauthenticated account_inactive, Denied
// tenant_suspended (any tenant that is not active).
func (a *Access) Subject(ctx context.Context, c identity.Claims, base principal.Principal) (*policy.Subject, error) {
	t, u, ok := c.Name.Split()
	if !ok || c.Session == "" {
		return nil, tokenInvalid()
	}
	for range tries {
		s, err := a.rows(ctx, t, u, c)
		if err != nil {
			return nil, err
		}
		snap, err := a.snapshot(ctx, s.Org)
		if err != nil {
			return nil, err
		}
		if !snap.agrees(s.Self.Place) {
			continue
		}
		s.Rights = snap.rights(s.Self.Place, s.SelfVersion)
		s.Principal = base
		s.Tenant, s.User, s.Session = s.Org.ID, s.Self.User, c.Session // equal to t and u; one text in one place compares at once
		return s, nil
	}
	return nil, fault.New(fault.Unavailable, "busy").After(time.Second)
}

// tries bounds how often rows are read again that were caught in the middle of a change.
const tries = 3

// rows reads what may end a session at any time, and judges it.
func (a *Access) rows(ctx context.Context, t id.Tenant, u id.User, c identity.Claims) (*policy.Subject, error) {
	revoked := key.RevokedSession(t, u, c.Session)
	items, err := a.table.Get(ctx, key.Tenant(t), key.User(t, u), revoked)
	if err != nil {
		return nil, err
	}
	s := &policy.Subject{}
	for _, it := range items {
		switch it.Key {
		case key.Tenant(t):
			err, s.OrgVersion = json.Unmarshal(it.Doc, &s.Org), it.Version
		case key.User(t, u):
			err, s.SelfVersion = json.Unmarshal(it.Doc, &s.Self), it.Version
		case revoked:
			return nil, tokenInvalid()
		}
		if err != nil {
			return nil, fault.New(fault.Internal, "internal").Because(err)
		}
	}
	switch {
	case s.Self.User != u || s.Org.ID != t || // no such row
		s.Self.Status == principal.UserDeleted:
		return nil, tokenInvalid()
	case s.Self.Status != principal.UserActive:
		return nil, fault.New(fault.Unauthenticated, "account_inactive")
	case s.Self.Ended(c.Session, c.AuthTime):
		return nil, tokenInvalid()
	case s.Org.Status != principal.TenantActive:
		return nil, fault.New(fault.Denied, "tenant_suspended")
	}
	return s, nil
}

func tokenInvalid() error { return fault.New(fault.Unauthenticated, "token_invalid") }

// Raise stages the tenant's row with an edit, on the version that was read, so that two changes that both rely on the organisation or the
// roles cannot both commit: the second finds the premise moved and runs again. The edit raises AuthzVer, OrgVer or both, whichever it
// changes; snapshots are kept by them, and what the Set does to roles and organisation is told to those who keep one. At most one Raise in a Set.
func Raise(c *change.Set, row principal.Tenant, version int64, edit func(*principal.Tenant)) error {
	row.Settings.RequiredAccountFields = slices.Clone(row.Settings.RequiredAccountFields)
	row.Settings.ModulesOff = slices.Clone(row.Settings.ModulesOff)
	row.Settings.Defaults = maps.Clone(row.Settings.Defaults)
	row.Settings.Separation = slices.Clone(row.Settings.Separation)
	before := versionOf(row)
	edit(&row)
	journal(c, before, versionOf(row))
	doc, err := json.Marshal(row)
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	c.Put(table.Item{
		Key:   key.Tenant(row.ID),
		Index: map[table.Index]table.IndexKey{table.G1: key.Tenants(row.ID)},
		Doc:   doc,
	}, table.VersionIs(version), nil)
	return nil
}

// RaiseRights is Raise for a change of who may do what: roles, categories, marks of grantees. It is in force on the next request.
func RaiseRights(c *change.Set, who *policy.Subject) error {
	return Raise(c, who.Org, who.OrgVersion, func(t *principal.Tenant) { t.AuthzVer++ })
}
