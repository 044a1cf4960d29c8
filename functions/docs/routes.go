// Package docs serves the description of the API: the OpenAPI document that the routes give, and a page that shows it. The page and all
// that it loads come from this process; no other host is asked.
package docs

import (
	"context"
	"net/http"
	"sync"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
)

// Info is the head of the document.
var Info = edge.Info{
	Title:   "Steward",
	Version: "v1",
	Description: "The account desk of a CRM: users, customers, roles and who is responsible for whom. " +
		"JSON in UTF-8, camelCase, times in RFC 3339 UTC, ids with a prefix. Bodies are read strictly: unknown, duplicate or misspelt members are refused. " +
		"Refusals are problem documents (RFC 9457) with a stable code.",
}

// Routes are those of the description of the others and of itself. The document is made when it is first asked for.
func Routes(others []edge.Route) []edge.Route {
	why := edge.Public("the description of the API is no secret")
	all := make([]edge.Route, len(others), len(others)+3)
	copy(all, others)
	document := sync.OnceValues(func() ([]byte, error) { return edge.Document(Info, all) })
	viewer := newViewer()
	own := []edge.Route{
		edge.Handle(edge.Route{
			Operation: "docs.openapi", Method: http.MethodGet, Path: "/v1/openapi.json", Access: why, Produces: "application/json",
			Summary: "Gives the OpenAPI 3.1 document of the API.",
		}, func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
			b, err := document()
			return &edge.Reply[edge.Bytes]{Body: edge.Bytes{Type: "application/json", Data: b}}, err
		}),
		edge.Handle(edge.Route{
			Operation: "docs.page", Method: http.MethodGet, Path: "/docs", Access: why, Produces: "text/html",
			Summary: "Shows the OpenAPI document as a page.",
		}, func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
			page, policy, err := viewer.page()
			if err != nil {
				return nil, err
			}
			return &edge.Reply[edge.Bytes]{
				Body: page, Header: map[string]string{"Content-Security-Policy": policy},
			}, nil
		}),
		edge.Handle(edge.Route{
			Operation: "docs.asset", Method: http.MethodGet, Path: "/docs/{file}", Access: why, Produces: "*/*",
			Summary: "Gives a part of the page: a script, a style, a picture.",
		}, func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
			part, ok := viewer.asset(edge.PathText(r, "file"))
			if !ok {
				return nil, fault.New(fault.NotFound, "not_found")
			}
			return &edge.Reply[edge.Bytes]{Body: part, Header: map[string]string{"Cache-Control": "public, max-age=3600"}}, nil
		}),
	}
	all = append(all, own...)
	return own
}
