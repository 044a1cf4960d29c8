// Package docs serves the description of the API: the OpenAPI document, and a page that shows it. The document and the page are generated from
// the routes (make generate) and lie in the package packed, so that it links no route but its own. The page and all that it loads come from this
// process; no other host is asked.
package docs

import (
	"context"
	_ "embed"
	"net/http"

	"github.com/steward-crm/steward/shared/edge"
)

// The generated files. Policy is the content security policy under which the page works.
var (
	//go:embed openapi.json.gz
	document []byte
	//go:embed page.html.gz
	page []byte
	//go:embed page.policy
	policy string
)

// fresh has clients ask each time whether what they hold is still so.
const fresh = "no-cache"

// Routes are those of the description of the API.
func Routes() []edge.Route {
	why := edge.Public("the description of the API is no secret")
	described, shown, parts := edge.NewFixed("application/json", document), edge.NewFixed("text/html; charset=utf-8", page), newParts()
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "docs.openapi", Method: http.MethodGet, Path: "/v1/openapi.json", Access: why, Produces: "application/json",
			Summary: "Gives the OpenAPI 3.1 document of the API.",
		}, func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
			return &edge.Reply[edge.Bytes]{Body: edge.Bytes{Fixed: described}, Header: map[string]string{"Cache-Control": fresh}}, nil
		}),
		edge.Handle(edge.Route{
			Operation: "docs.page", Method: http.MethodGet, Path: "/docs", Access: why, Produces: "text/html",
			Summary: "Shows the OpenAPI document as a page.",
		}, func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
			return &edge.Reply[edge.Bytes]{Body: edge.Bytes{Fixed: shown}, Header: map[string]string{
				"Cache-Control": fresh, "Content-Security-Policy": policy,
			}}, nil
		}),
		edge.Handle(edge.Route{
			Operation: "docs.asset", Method: http.MethodGet, Path: "/docs/{file}", Access: why, Produces: "*/*",
			Summary: "Gives a part of the page: a script, a style, a picture.",
		}, func(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
			part, err := parts.get(edge.PathText(r, "file"))
			if err != nil {
				return nil, err
			}
			return &edge.Reply[edge.Bytes]{Body: part, Header: map[string]string{"Cache-Control": "public, max-age=3600"}}, nil
		}),
	}
}
