package steward

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// names are the ids of everybody and everything in a store that was loaded. Its file is written last: a folder without it is not used.
type names struct {
	Tenant      id.Tenant
	Users       []id.User
	Departments []id.Department
	Roles       []id.Role
	At          time.Time // when the counters were at the end of the feed
}

// stale is after how long the counters count anew: they take it that changes were missed.
const stale = 12 * time.Hour

func (e *Engine) namesFile() string { return filepath.Join(e.dir, "loaded.json") }

// house chooses the folder: a temporary one, or that of this world below Keep.
func (e *Engine) house() (err error) {
	if e.Keep == "" {
		e.dir, err = os.MkdirTemp("", "steward-bench-")
		return err
	}
	h := sha256.New()
	for _, x := range []any{e.w.Parents, e.w.Accounts} {
		if err := binary.Write(h, binary.LittleEndian, x); err != nil {
			return err
		}
	}
	fmt.Fprint(h, e.w.Users, e.w.Roles)
	e.dir = filepath.Join(e.Keep, fmt.Sprintf("%d-%x", len(e.w.Accounts), h.Sum(nil)[:6]))
	if _, err := os.Stat(e.namesFile()); err == nil {
		e.kept = true
		return nil
	}
	if err := os.RemoveAll(e.dir); err != nil { // of a load that was broken off
		return err
	}
	return os.MkdirAll(e.dir, 0o700)
}

// remember writes what the next run needs to know.
func (e *Engine) remember(context.Context) error {
	if e.Keep == "" {
		return nil
	}
	b, err := json.Marshal(names{e.tenant.ID, e.users, e.departments, e.roles, time.Now()})
	if err != nil {
		return err
	}
	return os.WriteFile(e.namesFile(), b, 0o600)
}

// recall takes the ids of an earlier run, puts the roles back that it changed, and has the counters count again if need be.
func (e *Engine) recall(ctx context.Context) error {
	b, err := os.ReadFile(e.namesFile())
	if err != nil {
		return err
	}
	var n names
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	e.users, e.departments, e.roles = n.Users, n.Departments, n.Roles
	e.tenant.ID = n.Tenant
	if e.tenant, _, err = e.row(ctx); err != nil {
		return err
	}
	e.tenant.AuthzVer++
	w := batch{table: e.store, ids: e.ids}
	w.put(table.Item{Key: key.Tenant(n.Tenant), Index: map[table.Index]table.IndexKey{table.G1: key.Tenants(n.Tenant)}}, e.tenant)
	for i, r := range e.roles {
		w.put(table.Item{Key: key.Role(n.Tenant, r)}, e.role(r, e.w.Roles[i]))
	}
	if err := w.commit(ctx); err != nil {
		return err
	}
	e.settle()
	if time.Since(n.At) < stale { // what the feed has since is read with every count
		return nil
	}
	if err := e.tally(ctx); err != nil {
		return err
	}
	return e.remember(ctx)
}
