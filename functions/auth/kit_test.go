package auth_test

import (
	"context"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/steward-crm/steward/functions/auth"
	"github.com/steward-crm/steward/functions/me"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func routes(w *signintest.World) []edge.Route {
	return append(append(auth.Routes(w.Platform), me.Routes(w.Platform)...), users.Routes(w.Platform)...)
}

// reads is what a request cost, as far as time could tell.
type reads struct{ gets, keys, queries, commits, hashes int }

func (r *reads) since(b reads) reads {
	return reads{r.gets - b.gets, r.keys - b.keys, r.queries - b.queries, r.commits - b.commits, r.hashes - b.hashes}
}

// counted opens a world whose store and provider count what is asked of them.
func counted(t *testing.T) (*signintest.World, *reads) {
	t.Helper()
	w := signintest.New(t)
	r := &reads{}
	p := *w.Platform
	p.Table, p.Identity = &countedTable{w.Table, r}, &countedIdentity{w.Identity, r}
	return w.Over(t, &p), r
}

type countedTable struct {
	table.Table
	r *reads
}

func (c *countedTable) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	c.r.gets++
	c.r.keys += len(keys)
	return c.Table.Get(ctx, keys...)
}

func (c *countedTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	c.r.queries++
	return c.Table.Query(ctx, q)
}

func (c *countedTable) Commit(ctx context.Context, token string, writes ...table.Write) error {
	c.r.commits++
	return c.Table.Commit(ctx, token, writes...)
}

type countedIdentity struct {
	identity.Identity
	r *reads
}

func (c *countedIdentity) Authenticate(ctx context.Context, n identity.Name, password string) (identity.Outcome, error) {
	c.r.hashes++
	return c.Identity.Authenticate(ctx, n, password)
}

// deaf is a provider that takes no passwords.
type deaf struct{ identity.Identity }

func (deaf) SetPassword(context.Context, identity.Name, string) error {
	return fault.New(fault.Unavailable, "identity_unavailable")
}

// silent is a notifier that sends nothing until it heals.
type silent struct {
	notify.Notify
	well atomic.Bool
}

func (s *silent) heals() { s.well.Store(true) }

func (s *silent) Send(ctx context.Context, m notify.Message) error {
	if !s.well.Load() {
		return fault.New(fault.Unavailable, "notify_unavailable")
	}
	return s.Notify.Send(ctx, m)
}
