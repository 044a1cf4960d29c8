package edgetest

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/steward-crm/steward/infra/stacks/rights"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/table"
)

// asked is the operation, or the worker, of which the calls are judged.
type asked struct {
	operation string
	rights.Rights
}

type askedKey struct{}

// judged hands each request on with the rights that its operation's function has on AWS.
func judged(h http.Handler, routes []edge.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route := RouteOf(routes, r.Method, r.URL.EscapedPath()); route != nil {
			if x, known := rights.Of(route); known {
				r = r.WithContext(context.WithValue(r.Context(), askedKey{}, &asked{route.Operation, x}))
			}
		}
		h.ServeHTTP(w, r)
	})
}

// AsWorker is a context in which what is asked of table and keys is judged by the rights that the worker's function has on AWS. A handler that has
// none may nothing.
func AsWorker(ctx context.Context, handler string) context.Context {
	return context.WithValue(ctx, askedKey{}, &asked{handler, rights.Workers[handler]})
}

// RouteOf gives the route of a request; one without parameters goes before one with. nil: there is none.
func RouteOf(routes []edge.Route, method, escapedPath string) (found *edge.Route) {
	path := strings.Split(escapedPath, "/")
	for i := range routes {
		want := strings.Split(routes[i].Path, "/")
		if routes[i].Method != method || len(want) != len(path) {
			continue
		}
		fits, exact := true, true
		for n, part := range want {
			param := strings.HasPrefix(part, "{")
			exact = exact && !param
			fits = fits && (param || part == path[n])
		}
		if fits && (exact || found == nil) {
			found = &routes[i]
		}
	}
	return found
}

func judge(ctx context.Context, t testing.TB, may func(*asked) bool, what, where string) {
	if a, _ := ctx.Value(askedKey{}).(*asked); a != nil && !may(a) {
		t.Errorf("%s: its function has no right to %s %s: see infra/stacks/rights", a.operation, what, where)
	}
}

// guardedTable fails the test of an operation that asks for what its function may not.
type guardedTable struct {
	table.Table
	t testing.TB
}

func (g guardedTable) Get(ctx context.Context, ks ...table.Key) ([]table.Item, error) {
	for _, k := range ks {
		judge(ctx, g.t, func(a *asked) bool { return a.Reads(k.Space, table.Base, k.PK) }, "read", k.PK)
	}
	return g.Table.Get(ctx, ks...)
}

func (g guardedTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	judge(ctx, g.t, func(a *asked) bool { return a.Reads(table.Data, q.Index, q.PK) }, "query", q.PK)
	return g.Table.Query(ctx, q)
}

func (g guardedTable) Commit(ctx context.Context, token string, writes ...table.Write) error {
	for i := range writes {
		judge(ctx, g.t, func(a *asked) bool { return a.Commits(&writes[i]) }, "write", writes[i].Item.PK)
	}
	return g.Table.Commit(ctx, token, writes...)
}

type guardedKeys struct {
	keys.Keys
	t testing.TB
}

func (g guardedKeys) GenerateDataKey(ctx context.Context, p keys.Purpose, c keys.Context) (plain, wrapped []byte, err error) {
	judge(ctx, g.t, func(a *asked) bool { return a.Wrap }, "make", "a tenant's key")
	return g.Keys.GenerateDataKey(ctx, p, c)
}

func (g guardedKeys) Decrypt(ctx context.Context, p keys.Purpose, wrapped []byte, c keys.Context) ([]byte, error) {
	judge(ctx, g.t, func(a *asked) bool { return a.Unwrap }, "open", "a tenant's key")
	return g.Keys.Decrypt(ctx, p, wrapped, c)
}

func (g guardedKeys) Mac(ctx context.Context, p keys.Purpose, message []byte) ([]byte, error) {
	judge(ctx, g.t, func(a *asked) bool { return a.Rights.Mac }, "make", "a MAC")
	return g.Keys.Mac(ctx, p, message)
}
