package user

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Reconcile walks identities and rows both ways and brings every pair in line: an identity without a row is deleted, a row without its
// identity gets one, and a lock or an address that differs follows the row. It is the net under the jobs: what a lost job left
// behind is gone after one walk and the jobs users.invite that it starts. A user who cannot be brought in line does not keep the others from it; the errors come together.
func (d *Desk) Reconcile(ctx context.Context) error {
	return errors.Join(d.reconcileIdentities(ctx), d.reconcileRows(ctx))
}

func (d *Desk) reconcileIdentities(ctx context.Context) error {
	var failed []error
	for after := ""; ; {
		page, next, err := d.identity.ListUsers(ctx, after)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, there := range page {
			if t, u, ours := there.Name.Split(); ours {
				failed = append(failed, d.walk(ctx, t, u))
			}
		}
		if after = next; next == "" {
			return errors.Join(failed...)
		}
	}
}

func (d *Desk) reconcileRows(ctx context.Context) error {
	var failed []error
	tenants := table.Query{Index: table.G1, PK: key.Tenants("").PK, Limit: table.MaxGet}
	err := d.users.each(ctx, tenants, func(it table.Item) error {
		t, _ := key.TenantOf(it.PK)
		row, _, err := d.users.tenant(ctx, t)
		if err != nil || row.Status == principal.TenantProvisioning { // its onboarding is still at work
			return err
		}
		users := table.Query{Index: table.G1, PK: key.UsersByName(t, "", "").PK, Limit: table.MaxGet}
		return d.users.each(ctx, users, func(it table.Item) error {
			failed = append(failed, d.reconcileRow(ctx, t, it.Key))
			return nil
		})
	})
	return errors.Join(append(failed, err)...)
}

func (d *Desk) reconcileRow(ctx context.Context, t id.Tenant, k table.Key) error {
	items, err := d.users.table.Get(ctx, k)
	if err != nil || len(items) == 0 {
		return err
	}
	row, err := read(items[0])
	if err != nil {
		return err
	}
	_, err = d.identity.GetUser(ctx, identity.NameOf(t, row.User))
	if fault.Is(err, "user_unknown") {
		return d.walk(ctx, t, row.User)
	}
	return err
}

// walk is Sync without a job of its own: what it leaves to another is started by itself, and again by the next walk as long as it was not done.
func (d *Desk) walk(ctx context.Context, t id.Tenant, u id.User) error {
	return d.Sync(ctx, t, SyncPayload{User: u}, SyncState{}, func(ctx context.Context, _ any, kind string, payload any) error {
		return d.users.jobs.Start(ctx, t, kind, payload)
	})
}

// each calls do for every item of a query.
func (s *Store) each(ctx context.Context, q table.Query, do func(table.Item) error) error {
	for {
		page, err := s.table.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			if err := do(it); err != nil {
				return err
			}
		}
		if q.Cursor = page.Cursor; page.Cursor == "" {
			return nil
		}
	}
}

// sweep removes what else lies in a deleted user's partition: codes, fingerprints of passwords, ended sessions.
func (s *Store) sweep(ctx context.Context, t id.Tenant, u id.User) error {
	mine := key.User(t, u)
	for {
		page, err := s.table.Query(ctx, table.Query{PK: mine.PK, Limit: table.MaxWrites})
		if err != nil {
			return err
		}
		var gone []table.Write
		token := sha256.New()
		token.Write([]byte(mine.PK))
		for _, it := range page.Items {
			if it.Key != mine {
				gone = append(gone, table.Delete(it.Key, table.Always))
				token.Write([]byte(it.SK + "\x00"))
			}
		}
		if len(gone) == 0 {
			return nil
		}
		if err := s.table.Commit(ctx, hex.EncodeToString(token.Sum(nil)[:16]), gone...); err != nil {
			return err
		}
	}
}
