package lambda_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/accounts"
	"github.com/steward-crm/steward/functions/categories"
	"github.com/steward-crm/steward/functions/roles"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
)

// world is an API over the laptop's adapters, spoken to in API Gateway's events.
type world struct {
	*edgetest.Deployment
	api  http.Handler
	boss edgetest.Who
}

func newWorld(t testing.TB) *world {
	t.Helper()
	d := edgetest.Deploy(t)
	w := &world{Deployment: d, api: serve(t, d)}
	var all []policy.Grant
	for _, mod := range []policy.Module{policy.ModRole, policy.ModCategory, policy.ModAccount, policy.ModContact} {
		for _, act := range policy.Actions {
			if policy.Declared(mod, act) {
				all = append(all, policy.Grant{Module: mod, Action: act, Scope: policy.All})
			}
		}
	}
	w.boss = d.User(t, d.Tenant(t), all...)
	return w
}

// serve is one process of the API.
func serve(t testing.TB, d *edgetest.Deployment) http.Handler {
	t.Helper()
	var routes []edge.Route
	for _, of := range []func(*platform.Platform) []edge.Route{accounts.Routes, categories.Routes, roles.Routes} {
		routes = append(routes, of(d.Platform)...)
	}
	return edgetest.Serve(t, d.Platform, routes)
}

type event struct {
	method, path, query, body string
	header                    map[string]string
}

func (e event) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": e.path, "rawQueryString": e.query, "headers": e.header, "body": e.body,
		"requestContext": map[string]any{"requestId": "g-1", "http": map[string]string{"method": e.method, "sourceIp": "192.0.2.1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) invoke(t testing.TB, e event) answered { return invoke(t, lambda.Serve(w.api), e) }

func invoke(t testing.TB, h lambda.Handler, e event) (a answered) {
	t.Helper()
	b, err := h(t.Context(), e.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func codeOf(t testing.TB, body string) string {
	t.Helper()
	var p edge.Problem
	if body != "" {
		_ = json.Unmarshal([]byte(body), &p) // what is no problem has no code
	}
	return p.Code
}

// local is the deployment as a part.
func local(d *edgetest.Deployment) lambda.Part {
	return lambda.Part{Open: func(x *lambda.Deployment) error {
		x.Platform, x.Signer = d.Platform, d.Identity
		return nil
	}}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// nothing is a handler that does nothing.
func nothing(*lambda.Deployment) (lambda.Handler, error) {
	return func(context.Context, []byte) ([]byte, error) { return nil, nil }, nil
}
