package lambda

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

// margin is what edge leaves of an invocation's time, for the answer to be written: a function that Lambda cuts off answers nobody.
const margin = 500 * time.Millisecond

// HTTP are the operations of the API among the routes, each by its name. A process serves one of them and knows no other: what another
// path or method gets (404, 405) is API Gateway's to say.
func HTTP(routes func(*platform.Platform) []edge.Route, parts ...Part) Group {
	return Group{
		parts: parts,
		has:   func(string) bool { return true }, // to know better, all routes would have to be made twice
		names: func() (all []string) {
			for _, r := range routes(&platform.Platform{}) {
				all = append(all, r.Operation)
			}
			return all
		},
		make: func(d *Deployment, name string) (Handler, error) {
			all := routes(d.Platform)
			i := slices.IndexFunc(all, func(r edge.Route) bool { return r.Operation == name })
			if i < 0 {
				return nil, errUnknown
			}
			c := edge.Config{
				Routes: all[i : i+1], Table: d.Table, IDs: d.IDs, Now: d.Now, Log: d.Log, Crypt: d.Crypt, TLS: true,
			}
			if d.Signer != nil {
				c.Authenticator = edge.NewVerifier(d.Signer, d.Now)
			}
			if d.Table != nil {
				c.Subjects = access.New(d.Table, d.Now)
			}
			api, err := edge.New(c)
			if err != nil {
				return nil, fmt.Errorf("lambda: %w", err)
			}
			return Serve(api), nil
		},
	}
}

// Serve makes a handler of API Gateway's events of an http.Handler.
func Serve(api http.Handler) Handler {
	kept := &forms{made: map[*byte][]byte{}}
	return func(ctx context.Context, event []byte) ([]byte, error) {
		ctx, cancel := within(ctx)
		defer cancel()
		r, err := readRequest(ctx, event)
		if err != nil {
			return nil, err
		}
		w := &writer{header: http.Header{}, kept: kept}
		api.ServeHTTP(w, r)
		return w.answer()
	}
}

type gatewayID struct{}

// withRequest adds to each line what the request is called by Lambda and by the gateway.
type withRequest struct{ slog.Handler }

func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	if c, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("invocation", c.AwsRequestID))
	}
	if v, ok := ctx.Value(gatewayID{}).(string); ok && v != "" {
		r.AddAttrs(slog.String("gatewayRequestId", v))
	}
	return h.Handler.Handle(ctx, r)
}

func (h withRequest) WithAttrs(a []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(a)}
}

func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name)}
}
