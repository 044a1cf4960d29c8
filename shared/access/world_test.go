package access_test

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// world is one tenant in a local table, with the rows that the nouns would write. Calls of the table are counted, and may be met by before.
type world struct {
	testing.TB
	table  *local.Store
	access *access.Access
	ids    *id.Source
	tenant id.Tenant

	mu     sync.Mutex
	calls  map[string]int
	before func(local.Call) error
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, calls: map[string]int{}}
	now := func() time.Time { return noon }
	w.table = localtest.OpenFaulty(t, now, &local.Faults{Before: w.seen})
	w.access = access.New(w.table, now)
	w.ids = id.NewSource(now, rand.NewChaCha8(sha256.Sum256([]byte(t.Name()))))
	w.tenant = id.New[id.Tenant](w.ids)
	w.put(key.Tenant(w.tenant), principal.Tenant{ID: w.tenant, Status: principal.TenantActive, AuthzVer: 1, OrgVer: 1})
	return w
}

func (w *world) seen(c local.Call) error {
	w.mu.Lock()
	w.calls[c.Op]++
	f := w.before
	w.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(c)
}

// meet sets what meets each call, and forgets the counts.
func (w *world) meet(f func(local.Call) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = f
	clear(w.calls)
}

func (w *world) count(op string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[op]
}

func (w *world) item(k table.Key, doc any) table.Write {
	w.Helper()
	b, err := json.Marshal(doc)
	if err != nil {
		w.Fatal(err)
	}
	return table.Put(table.Item{Key: k, Doc: b}, table.Always)
}

func (w *world) commit(writes ...table.Write) {
	w.Helper()
	if err := w.table.Commit(context.Background(), w.ids.ULID(), writes...); err != nil {
		w.Fatal(err)
	}
}

func (w *world) put(k table.Key, doc any) { w.Helper(); w.commit(w.item(k, doc)) }

// row is the tenant's row and its version.
func (w *world) row() (principal.Tenant, int64) {
	w.Helper()
	items, err := w.table.Get(context.Background(), key.Tenant(w.tenant))
	if err != nil || len(items) != 1 {
		w.Fatal(err)
	}
	var row principal.Tenant
	if err := json.Unmarshal(items[0].Doc, &row); err != nil {
		w.Fatal(err)
	}
	return row, items[0].Version
}

// raised commits the writes together with the raised versions, as every change of roles or organisation does.
func (w *world) raised(writes ...table.Write) {
	w.Helper()
	row, _ := w.row()
	row.AuthzVer, row.OrgVer = row.AuthzVer+1, row.OrgVer+1
	w.commit(append(writes, w.item(key.Tenant(w.tenant), row))...)
}

// seat are the two rows of a user.
func (w *world) seat(s principal.Standing) []table.Write {
	w.Helper()
	return []table.Write{w.item(key.User(w.tenant, s.User), s), w.item(key.Place(w.tenant, s.User), s.Place)}
}

func (w *world) user(s principal.Standing) id.User {
	w.Helper()
	if s.User == "" {
		s.User = id.New[id.User](w.ids)
	}
	if s.Status == "" {
		s.Status = principal.UserActive
	}
	s.Active = s.Status == principal.UserActive
	w.raised(w.seat(s)...)
	return s.User
}

func (w *world) role(grants ...policy.Grant) id.Role {
	w.Helper()
	r := policy.Role{ID: id.New[id.Role](w.ids), Level: policy.Admin, Grants: grants}
	w.raised(w.item(key.Role(w.tenant, r.ID), r))
	return r.ID
}

func (w *world) department(parent id.Department) id.Department {
	w.Helper()
	d := access.Department{ID: id.New[id.Department](w.ids), Parent: parent}
	w.raised(w.item(key.Department(w.tenant, d.ID), d))
	return d.ID
}

func (w *world) post(d id.Department, roles ...id.Role) id.Post {
	w.Helper()
	p := access.Post{ID: id.New[id.Post](w.ids), Department: d, Roles: roles}
	w.raised(w.item(key.Post(w.tenant, p.ID), p))
	return p.ID
}

func (w *world) claims(u id.User) identity.Claims {
	return identity.Claims{Name: identity.NameOf(w.tenant, u), Session: "s1", AuthTime: noon.Add(-time.Minute)}
}

// subject asks for the user, who must be let in.
func (w *world) subject(u id.User) *policy.Subject {
	w.Helper()
	s, err := w.access.Subject(context.Background(), w.claims(u), principal.Principal{RequestID: "req_1", Operation: "test"})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) allowed(u id.User, a policy.Action, r policy.Resource) bool {
	w.Helper()
	r.Tenant = w.tenant
	return policy.Decide(w.subject(u), policy.ModAccount, a, r).Allowed
}

func grant(a policy.Action, s policy.Scope) policy.Grant {
	return policy.Grant{Module: policy.ModAccount, Action: a, Scope: s}
}
