// Package health answers whether the process serves. It asks no port: a load balancer must not take a process out of service because a
// part that all processes share is slow.
package health

import (
	"context"
	"net/http"

	"github.com/steward-crm/steward/shared/edge"
)

type health struct {
	Status string `json:"status"`
}

// Routes is GET /healthz.
func Routes() []edge.Route {
	return []edge.Route{edge.Handle(edge.Route{
		Operation: "health.get", Method: http.MethodGet, Path: "/healthz",
		Access:  edge.Public("says only that the process serves"),
		Summary: "Answers ok while the process serves.",
	}, func(context.Context, *edge.Request[edge.None]) (*edge.Reply[health], error) {
		return &edge.Reply[health]{Body: health{Status: "ok"}}, nil
	})}
}
