package edge

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// Info is the head of the document.
type Info struct {
	Title, Version, Description string
}

type dict = map[string]any

// Document gives the OpenAPI 3.1 document of the routes, made from their types: the same routes give the same bytes. A member of a body is
// required unless it is tagged omitempty or omitzero.
func Document(info Info, routes []Route) ([]byte, error) {
	routes = slices.SortedFunc(slices.Values(routes), func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	if _, err := newRouter(routes); err != nil {
		return nil, err
	}
	s := schemas{}
	paths, tags := dict{}, map[string]bool{}
	for _, r := range routes {
		at, ok := paths[r.Path].(dict)
		if !ok {
			at = dict{}
			paths[r.Path] = at
		}
		at[strings.ToLower(r.Method)] = operation(&r, &s)
		tags[r.resource()] = true
	}
	s.add("Problem", shapeOf(problemType))
	named := make([]dict, 0, len(tags))
	for _, t := range sortedKeys(tags) {
		named = append(named, dict{"name": t})
	}
	doc := dict{
		"openapi": "3.1.0",
		"info":    dict{"title": info.Title, "version": info.Version, "description": info.Description},
		"servers": []dict{{"url": "/"}},
		"tags":    named,
		"paths":   paths,
		"components": dict{
			"schemas":   s.done(),
			"responses": problems(),
			"securitySchemes": dict{"token": dict{
				"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The accessToken that a sign-in answers. On AWS the gateway refuses a token that is missing, forged or expired by itself: 401 with {\"message\": \"Unauthorized\"}, without a code.",
			}},
		},
	}
	return json.Marshal(doc, json.Deterministic(true))
}

// resource is the part of the operation before its verb.
func (r *Route) resource() string {
	name, _, _ := strings.Cut(r.Operation, ".")
	return name
}

func operation(r *Route, s *schemas) dict {
	op := dict{
		"operationId":  r.Operation,
		"summary":      r.Summary,
		"tags":         []string{r.resource()},
		"x-permission": r.Access.String(),
		"responses":    responses(r, s),
	}
	switch r.Access.kind {
	case accessPublic:
		op["security"], op["description"] = []dict{}, "Public: "+r.Access.reason+"."
	case accessSelf:
		op["security"], op["description"] = []dict{{"token": []string{}}}, "For every active user."
	default:
		op["security"] = []dict{{"token": []string{}}}
		op["description"] = fmt.Sprintf("Needs a role that grants %s on %s.", r.Access.action, r.Access.module)
	}
	if p := parametersOf(r); len(p) > 0 {
		op["parameters"] = p
	}
	switch {
	case r.Raw:
		op["requestBody"] = dict{"required": true, "content": dict{"application/json": dict{"schema": dict{}}}}
	case r.in != noneType:
		body := dict{"schema": s.of(shapeOf(r.in))}
		content := dict{"application/json": body}
		if r.Method == http.MethodPatch {
			content["application/merge-patch+json"] = body
		}
		op["requestBody"] = dict{"required": true, "content": content}
	}
	return op
}

func parametersOf(r *Route) []dict {
	var out []dict
	for seg := range strings.SplitSeq(r.Path, "/") {
		if isParam(seg) {
			out = append(out, dict{
				"name": seg[1 : len(seg)-1], "in": "path", "required": true, "schema": dict{"type": "string", "minLength": 1, "maxLength": 255},
			})
		}
	}
	for _, q := range r.parameters() {
		schema := dict{"type": "string"}
		switch {
		case q.Name == limitParam.Name:
			schema = PageSize(0).OpenAPISchema()
			delete(schema, "description")
		case slices.Equal(q.Enum, []string{"true", "false"}):
			schema = dict{"type": "boolean", "default": false}
		case q.Enum != nil:
			schema["enum"] = q.Enum
		}
		p := dict{"name": q.Name, "in": "query", "schema": schema}
		if q.Description != "" {
			p["description"] = q.Description
		}
		out = append(out, p)
	}
	if r.Access.kind == accessPublic {
		return out
	}
	if r.NeedsMatch() || r.Method == http.MethodPost && !r.pages {
		out = append(out, dict{
			"name": "If-Match", "in": "header", "required": r.NeedsMatch(), "schema": dict{"type": "string"},
			"description": "The ETag of the version that the change is meant for, or *.",
		})
	}
	if r.Preview != nil && r.Foretells == "" {
		out = append(out, dict{
			"name": headerPreview, "in": "header", "schema": dict{"type": "string", "minLength": 64, "maxLength": 64},
			"description": "The hash of the preview that the change was decided on: refused when what it rested on has moved.",
		})
	}
	if r.replays() {
		out = append(out, dict{
			"name": "Idempotency-Key", "in": "header", "schema": dict{"type": "string", "minLength": 1, "maxLength": 255},
			"description": "For 24 hours, the same request with the same key has one effect and one reply.",
		})
	}
	return out
}

func responses(r *Route, s *schemas) dict {
	success := dict{"description": http.StatusText(r.Status)}
	switch r.out {
	case noneType:
	case bytesOut:
		success["content"] = dict{cmp.Or(r.Produces, "application/octet-stream"): dict{}}
	default:
		success["content"] = dict{"application/json": dict{"schema": s.of(shapeOf(r.out))}}
	}
	if r.Access.kind != accessPublic && r.Method != http.MethodDelete && !r.List && !r.pages {
		success["headers"] = dict{"ETag": dict{"description": "The version, where the resource has one.", "schema": dict{"type": "string"}}}
	}
	out := dict{strconv.Itoa(r.Status): success}
	for _, status := range r.refusals() {
		out[strconv.Itoa(status)] = dict{"$ref": "#/components/responses/" + responseName(status)}
	}
	return out
}

// refusals are the statuses that the route may answer besides success.
func (r *Route) refusals() []int {
	out := []int{http.StatusBadRequest, http.StatusNotAcceptable, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if r.Access.kind != accessPublic {
		out = append(out, http.StatusUnauthorized, http.StatusForbidden)
	}
	if r.Access.kind == accessMay || strings.Contains(r.Path, "{") {
		out = append(out, http.StatusNotFound)
	}
	if r.Method != http.MethodGet {
		out = append(out, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	if r.Access.kind != accessPublic && r.Method != http.MethodGet {
		out = append(out, http.StatusPreconditionFailed)
	}
	if r.Access.kind != accessPublic && (r.Method != http.MethodGet || r.List) { // a cursor takes the tenant's key
		out = append(out, http.StatusLocked)
	}
	if r.NeedsMatch() {
		out = append(out, http.StatusPreconditionRequired)
	}
	return out
}

func responseName(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

func problems() dict {
	out := dict{}
	for _, status := range statuses {
		p := dict{
			"description": http.StatusText(status),
			"content":     dict{"application/problem+json": dict{"schema": dict{"$ref": "#/components/schemas/Problem"}}},
		}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			p["headers"] = dict{"Retry-After": dict{"description": "Seconds to wait.", "schema": dict{"type": "integer"}}}
		}
		out[responseName(status)] = p
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
