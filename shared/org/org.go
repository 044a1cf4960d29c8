// Package org keeps what a tenant says of itself: the company and how to reach it, the settings that its administrators choose, and the
// structure that users sit in, departments in a tree and posts in departments. It owns their rules and their stored form.
//
// Departments and posts lie in one partition with the users' places, so that one query reads a tenant's organisation; package access
// reads their rows to know scopes and reporting lines. Every change of the structure raises the tenant's row on the version that the
// subject was read with. So of two changes that both rely on the structure one runs again: siblings keep different names, the tree has no
// cycle, nothing is deleted that another change has just come to use.
//
// Rights. Company and settings belong to the module tenant, departments and posts to org. Nobody puts a role on a post that they do not
// hold as widely themselves.
//
// The package refuses to know HTTP, who sits where (access tells), what a role is (policy tells), and how a change is committed: every
// operation stages into a change.Set and has no other effect, so it may be run again.
package org

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// The limits of an organisation. Every change reads all of it, and so does every process once a version.
const (
	MaxDepth       = 32   // of the department tree
	MaxDepartments = 2000 // of a tenant
	MaxPosts       = 5000 // of a tenant
	MaxRoles       = 20   // of a post
	MaxName        = 100  // code points of a department's or a post's name
	MaxText        = 2000 // code points of responsibilities
)

// Store keeps the organisations of all tenants. Safe for concurrent use.
type Store struct {
	table  table.Table
	crypt  *crypt.Crypt
	access *access.Access
}

// New returns the organisations that lie in the table, sealed by k.
func New(t table.Table, k *crypt.Crypt, a *access.Access) *Store {
	return &Store{table: t, crypt: k, access: a}
}

// raise stages the tenant's row with a new version of the organisation.
func raise(c *change.Set, who *policy.Subject) error {
	return access.Raise(c, who.Org, who.OrgVersion, func(t *principal.Tenant) { t.OrgVer++ })
}

// record stages the event of a change, with before and after sealed under the tenant's key.
func (s *Store) record(ctx context.Context, c *change.Set, t id.Tenant, target string, fields []string, before, after any) error {
	tk, err := s.crypt.Tenant(ctx, t)
	if err != nil {
		return err
	}
	e := audit.Event{Target: target, Fields: fields}
	if err := e.Images(tk, before, after); err != nil {
		return err
	}
	c.Record(e)
	return nil
}

// putDoc stages a document on the version it was read at; 0 is a new one.
func putDoc(c *change.Set, k table.Key, version int64, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	c.Put(table.Item{Key: k, Doc: b}, at(version), nil)
	return nil
}

// at is the condition that an item is still as it was read.
func at(version int64) table.Cond {
	if version == 0 {
		return table.Absent
	}
	return table.VersionIs(version)
}

// rows reads all items of a partition whose sort keys start with the prefix.
func (s *Store) rows(ctx context.Context, pk, prefix string) ([]table.Item, error) {
	var all []table.Item
	for q := (table.Query{PK: pk, Prefix: prefix, Limit: 1000}); ; {
		page, err := s.table.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if q.Cursor = page.Cursor; page.Cursor == "" {
			return all, nil
		}
	}
}

// page reads the items of a partition whose sort keys start with the prefix and come after it with the id, as far as keep lets them.
func (s *Store) page(ctx context.Context, pk, prefix, after string, limit int, keep func(table.Item) (bool, error)) (next string, err error) {
	q := table.Query{PK: pk, From: prefix, To: prefix + "\x7f", Limit: min(limit+1, 1000)}
	if after != "" {
		q.From = prefix + after + "\x00" // the next possible key
	}
	kept, last := 0, ""
	for {
		p, err := s.table.Query(ctx, q)
		if err != nil {
			return "", err
		}
		for _, it := range p.Items {
			if kept == limit {
				return last, nil
			}
			ok, err := keep(it)
			if err != nil {
				return "", err
			}
			if ok {
				kept, last = kept+1, it.SK[len(prefix):]
			}
		}
		if q.Cursor = p.Cursor; p.Cursor == "" {
			return "", nil
		}
	}
}

func notFound() error { return fault.New(fault.NotFound, "not_found") }

// words judges a text member of a patch and writes it.
func words(to *string, f patch.Field[string], pointer string, r plain.Rule) []fault.Field {
	if !f.Set {
		return nil
	}
	s, bad := plain.Check(pointer, f.Value, r)
	if bad != nil {
		return []fault.Field{*bad}
	}
	*to = s
	return nil
}

func tooMany(pointer string, n, limit int) []fault.Field {
	if n <= limit {
		return nil
	}
	return []fault.Field{fault.At(pointer, "too_many", "max", strconv.Itoa(limit))}
}

// under moves the pointers of a leaf's fault to the place where the value stood.
func under(pointer string, err error) []fault.Field {
	f := fault.Of(err)
	if len(f.Fields) == 0 {
		return []fault.Field{{Pointer: pointer, Code: f.Code, Args: f.Args}}
	}
	out := slices.Clone(f.Fields)
	for i := range out {
		out[i].Pointer = pointer + out[i].Pointer
	}
	return out
}

// moment is the time of a change as it is kept: milliseconds, and never before the last one.
func moment(now, last time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if now.Before(last) {
		return last
	}
	return now
}
