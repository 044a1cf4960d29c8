package edgetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/id"
	identitylocal "github.com/steward-crm/steward/shared/identity/local"
	"github.com/steward-crm/steward/shared/key"
	keyslocal "github.com/steward-crm/steward/shared/keys/local"
	notifylocal "github.com/steward-crm/steward/shared/notify/local"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// Deployment is a platform with the laptop's adapters in the test's own folder.
type Deployment struct {
	*platform.Platform
	Clock  *clocktest.Clock
	Store  *tablelocal.Store
	Master *keyslocal.Keys
	Outbox *notifylocal.Outbox
	Faults *tablelocal.Faults
	Logged *Log // what was logged: one JSON document a line
}

// Log is a log that can be read while it is written.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String gives all that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// signingKey is one for all deployments of a test run: making one takes longer than most tests.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("edgetest: " + err.Error())
	}
	return k
})

// Deploy opens a deployment; the test's end closes it. Its clock starts on 2 March 2026 and stands still. An operation that asks the table or
// the keys for what its function on AWS has no right to fails the test.
func Deploy(t testing.TB) *Deployment {
	t.Helper()
	d := &Deployment{
		Clock:  clocktest.At(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)),
		Faults: &tablelocal.Faults{}, Logged: &Log{},
	}
	dir, now := t.TempDir(), d.Clock.Now
	store, err := tablelocal.Open(filepath.Join(dir, "steward.db"), tablelocal.Options{Now: now, NoSync: true, Faults: d.Faults})
	closing(t, err, store)
	master, err := keyslocal.Open(filepath.Join(dir, "keys.json"), now, rand.Reader)
	if err != nil {
		t.Fatalf("edgetest: %v", err)
	}
	provider, err := identitylocal.Open(filepath.Join(dir, "identity.db"), identitylocal.Options{
		Now: now, Random: rand.Reader, Key: master.Local("identity"), Cost: identitylocal.Cheap,
		SigningKey: signingKey(), NoSync: true,
	})
	closing(t, err, provider)
	box, err := notifylocal.Open(filepath.Join(dir, "outbox.jsonl"))
	closing(t, err, box)
	d.Store, d.Master, d.Outbox = store, master, box
	secret := sha256.Sum256([]byte(t.Name()))
	d.Platform = &platform.Platform{
		Table: guardedTable{store, t}, Feed: store, Identity: provider, Keys: guardedKeys{master, t}, Notify: box,
		Crypt: crypt.New(guardedKeys{master, t}, guardedTable{store, t}, now, rand.Reader), Now: now, IDs: id.NewSource(now, rand.Reader), Random: rand.Reader,
		Log:     slog.New(slog.NewJSONHandler(d.Logged, nil)),
		Webhook: func() [][]byte { return [][]byte{secret[:]} },
		BaseURL: "https://steward.example",
	}
	return d
}

func closing(t testing.TB, err error, c io.Closer) {
	t.Helper()
	if err != nil {
		t.Fatalf("edgetest: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("edgetest: closing: %v", err)
		}
	})
}

// Tenant makes an active tenant with its key and nothing else: the rows that edge and access read. An edit changes the row before it is
// written.
func (d *Deployment) Tenant(t testing.TB, edits ...func(*principal.Tenant)) id.Tenant {
	t.Helper()
	row := principal.Tenant{
		ID: id.New[id.Tenant](d.IDs), Status: principal.TenantActive, Plan: "standard", AuthzVer: 1, OrgVer: 1, CfgVer: 1, Shards: 1, Strays: true,
		UserLimit: 1000, CreatedAt: d.Now(),
		Settings: principal.Settings{Locale: "en", Region: "CN", PasswordMinLength: 12},
	}
	row.Slug = strings.ToLower(string(row.ID[len(row.ID)-10:]))
	for _, edit := range edits {
		edit(&row)
	}
	keys, err := d.Crypt.NewTenant(t.Context(), row.ID)
	if err != nil {
		t.Fatalf("edgetest: %v", err)
	}
	writes := []table.Write{d.put(t, table.Item{Key: key.Tenant(row.ID), Index: map[table.Index]table.IndexKey{table.G1: key.Tenants(row.ID)}}, row)}
	for _, k := range keys {
		writes = append(writes, table.Put(k, table.Absent))
	}
	d.Commit(t, writes...)
	return row.ID
}

// User makes an active user of the tenant who holds one role with the grants, or no role without grants: the rows that edge and access
// read, and no identity.
func (d *Deployment) User(t testing.TB, tenant id.Tenant, grants ...policy.Grant) Who {
	t.Helper()
	u := id.New[id.User](d.IDs)
	standing := principal.Standing{Place: principal.Place{User: u, Active: true}, Status: principal.UserActive}
	var writes []table.Write
	if len(grants) > 0 {
		r := policy.Role{ID: id.New[id.Role](d.IDs), Name: "of " + string(u), Level: policy.Admin, Grants: grants, Version: 1}
		standing.Roles = []id.Role{r.ID}
		writes = append(writes, d.put(t, table.Item{Key: key.Role(tenant, r.ID)}, r))
	}
	writes = append(writes,
		d.put(t, table.Item{Key: key.User(tenant, u)}, standing), d.put(t, table.Item{Key: key.Place(tenant, u)}, standing.Place), d.raise(t, tenant))
	d.Commit(t, writes...)
	return Who{Tenant: tenant, User: u}
}

// raise makes access see a changed organisation.
func (d *Deployment) raise(t testing.TB, tenant id.Tenant) table.Write {
	t.Helper()
	items, err := d.Table.Get(t.Context(), key.Tenant(tenant))
	if err != nil || len(items) != 1 {
		t.Fatalf("edgetest: no tenant %s: %v", tenant, err)
	}
	var row principal.Tenant
	if err := json.Unmarshal(items[0].Doc, &row); err != nil {
		t.Fatalf("edgetest: %v", err)
	}
	row.AuthzVer, row.OrgVer = row.AuthzVer+1, row.OrgVer+1
	return d.put(t, table.Item{Key: items[0].Key, Index: map[table.Index]table.IndexKey{table.G1: key.Tenants(tenant)}}, row)
}

// Edit changes a stored document, such as a user's standing, behind everyone's back.
func (d *Deployment) Edit(t testing.TB, k table.Key, edit func(doc map[string]any)) {
	t.Helper()
	items, err := d.Table.Get(t.Context(), k)
	if err != nil || len(items) != 1 {
		t.Fatalf("edgetest: no item: %v", err)
	}
	doc := map[string]any{}
	if err := json.Unmarshal(items[0].Doc, &doc); err != nil {
		t.Fatalf("edgetest: %v", err)
	}
	edit(doc)
	d.Commit(t, d.put(t, items[0], doc))
}

// Commit writes past every operation.
func (d *Deployment) Commit(t testing.TB, writes ...table.Write) {
	t.Helper()
	if err := d.Table.Commit(t.Context(), d.IDs.ULID(), writes...); err != nil {
		t.Fatalf("edgetest: %v", err)
	}
}

func (d *Deployment) put(t testing.TB, it table.Item, doc any) table.Write {
	t.Helper()
	b, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		t.Fatalf("edgetest: %v", err)
	}
	it.Doc = b
	return table.Put(it, table.Always)
}

// Dump gives every item of the data space as a line of text, in order of the keys, but for those that skip names. Two dumps that are
// equal are two stores that are byte-identical.
func Dump(t testing.TB, tb table.Table, skip ...func(table.Item) bool) string {
	t.Helper()
	var lines []string
	for it, err := range tb.Scan(context.WithoutCancel(t.Context()), 0, 1) {
		if err != nil {
			t.Fatalf("edgetest: %v", err)
		}
		if slices.ContainsFunc(skip, func(f func(table.Item) bool) bool { return f(it) }) {
			continue
		}
		b, err := json.Marshal(struct {
			PK, SK  string
			Version int64
			Index   map[table.Index]table.IndexKey
			Expires time.Time
			Doc     jsontext.Value
			Sealed  string
		}{it.PK, it.SK, it.Version, it.Index, it.Expires, it.Doc, hex.EncodeToString(it.Sealed)}, json.Deterministic(true))
		if err != nil {
			t.Fatalf("edgetest: %v", err)
		}
		lines = append(lines, string(b))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// DeniedEvent is the one kind of item that a denied request may leave: for Dump.
func DeniedEvent(it table.Item) bool {
	return strings.Contains(it.PK, "#AU#") && bytes.Contains(it.Doc, []byte(`"outcome":"denied"`))
}
