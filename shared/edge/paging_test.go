package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
)

type hunted struct {
	Colour string         `json:"colour,omitzero"`
	Where  jsontext.Value `json:"where,omitzero"`
	edge.Paging
}

// hunts are a list of three names that is asked for by a body; a second operation at another path is the same.
func hunts(ran *int) []edge.Route {
	h := func(_ context.Context, r *edge.Request[hunted]) (*edge.Reply[edge.List[string]], error) {
		*ran++
		all := []string{"a", "b", "c"}
		if r.Page.After != "" {
			all = all[slices.Index(all, r.Page.After)+1:]
		}
		out := &edge.Reply[edge.List[string]]{Body: edge.List[string]{Items: all}}
		if r.Page.Limit < len(all) {
			out.Body.Items, out.Next = all[:r.Page.Limit], all[r.Page.Limit-1]
		}
		if r.Page.Count {
			out.Body.Count = &edge.Count{Value: 3, Exact: true}
		}
		return out, nil
	}
	route := func(name string) edge.Route {
		return edge.Handle(edge.Route{
			Operation: "things." + name, Method: http.MethodPost, Path: "/v1/things/" + name, Access: edge.May(modThing, policy.View), Summary: "Finds names.",
		}, h)
	}
	return []edge.Route{route("hunt"), route("seek")}
}

func newHunt(t *testing.T) (d *edgetest.Deployment, api *edgetest.Server, boss edgetest.Who, ran *int) {
	d, ran = edgetest.Deploy(t), new(int)
	return d, edgetest.Serve(t, d.Platform, hunts(ran)), d.User(t, d.Tenant(t), everyThing...), ran
}

// TestPagesByBody: a POST takes limit, cursor and count from its body; the pages of any size are the whole.
func TestPagesByBody(t *testing.T) {
	d, api, boss, ran := newHunt(t)
	for size := 1; size <= 4; size++ {
		var names []string
		body := map[string]any{"limit": size, "where": map[string]any{"x": 1}, "count": true}
		for {
			var list edge.List[string]
			api.As(boss).Post("/v1/things/hunt", body).Want(t, http.StatusOK, "").Read(t, &list)
			names = append(names, list.Items...)
			if list.Count == nil || *list.Count != (edge.Count{Value: 3, Exact: true}) {
				t.Errorf("counted %+v", list.Count)
			}
			if list.NextCursor == "" {
				break
			}
			body["cursor"] = list.NextCursor
		}
		if got := strings.Join(names, ","); got != "a,b,c" {
			t.Errorf("pages of %d: %s", size, got)
		}
	}
	if a := api.As(boss).Post("/v1/things/hunt", map[string]any{}); string(a.Body) != `{"items":["a","b","c"]}` || a.ETag() != "" {
		t.Errorf("without anything: %s", a.Body)
	}
	// It reads, so a key makes nothing be kept of it: rights and data may have changed when it is asked again.
	*ran = 0
	for range 2 {
		a := api.As(boss).Once("key").Post("/v1/things/hunt", map[string]any{}).Want(t, http.StatusOK, "")
		if a.Header.Get("Idempotency-Replayed") != "" {
			t.Error("an old answer was replayed")
		}
	}
	clerk := d.User(t, boss.Tenant)
	store := edgetest.Dump(t, d.Table)
	api.As(clerk).Post("/v1/things/hunt", map[string]any{}).Want(t, http.StatusForbidden, "permission_denied")
	if after := edgetest.Dump(t, d.Table); after != store || *ran != 2 {
		t.Errorf("the store changed, or %d runs", *ran)
	}
}

// TestPagesByBodyRefused is entry 27 for bodies.
func TestPagesByBodyRefused(t *testing.T) {
	_, api, boss, ran := newHunt(t)
	for _, row := range []struct {
		body, code, pointer string
		status              int
	}{
		{`{"limit":0}`, "invalid_page_size", "/limit", 400},
		{`{"limit":-1}`, "invalid_page_size", "/limit", 400},
		{`{"limit":101}`, "invalid_page_size", "/limit", 400},
		{`{"limit":1e1}`, "invalid_page_size", "/limit", 400},
		{`{"limit":1.0}`, "invalid_page_size", "/limit", 400},
		{`{"limit":1000000000}`, "invalid_page_size", "/limit", 400},
		{`{"limit":99999999999999999999}`, "invalid_page_size", "/limit", 400},
		{`{"limit":"5"}`, "invalid_page_size", "/limit", 400},
		{`{"limit":{"a":[1]}}`, "invalid_page_size", "/limit", 400},
		{`{"cursor":""}`, "invalid_cursor", "/cursor", 400},
		{`{"cursor":"abc"}`, "invalid_cursor", "/cursor", 400},
		{`{"cursor":"` + strings.Repeat("A", 4000) + `"}`, "invalid_cursor", "/cursor", 400},
		{`{"cursor":1}`, "wrong_type", "/cursor", 422},
		{`{"count":"yes"}`, "wrong_type", "/count", 422},
		{`{"limti":5}`, "unknown_field", "/limti", 400},
		{`{"Limit":5}`, "unknown_field", "/Limit", 400},
	} {
		a := api.As(boss).Post("/v1/things/hunt", row.body)
		a.Want(t, row.status, row.code).Field(t, row.pointer, row.code)
	}
	api.As(boss).Post("/v1/things/hunt?limit=1", map[string]any{}).Want(t, http.StatusBadRequest, "unknown_parameter")
	if *ran != 0 {
		t.Error("an operation ran")
	}
}

// TestCursorsOfBodiesElsewhere is entry 28 for bodies: a cursor is good for its user, its operation, what its body asks for and its day, however
// that is written.
func TestCursorsOfBodiesElsewhere(t *testing.T) {
	d, api, boss, _ := newHunt(t)
	const asked = `"colour":"red","where":{"a":[1,{"b":"é"}],"c":null}`
	next := func(path, body string) string {
		var list edge.List[string]
		api.As(boss).Post(path, body).Want(t, http.StatusOK, "").Read(t, &list)
		if list.NextCursor == "" {
			t.Fatal("no cursor")
		}
		return list.NextCursor
	}
	cursor := next("/v1/things/hunt", `{"limit":1,`+asked+`}`)
	with := func(rest, c string) string { return fmt.Sprintf(`{"limit":2,%s,"cursor":%q}`, rest, c) }
	for what, body := range map[string]string{
		"the same": with(asked, cursor), "another size, counted": `{"count":true,` + asked + `,"cursor":"` + cursor + `","limit":3}`,
		"another order, white space and escapes": `{ "where" : {"c":null, "a":[1, {"b":"\u00e9"}] }, "cursor":"` + cursor + `", "colour":"red"}`,
	} {
		var list edge.List[string]
		api.As(boss).Post("/v1/things/hunt", body).Want(t, http.StatusOK, "").Read(t, &list)
		if !slices.Equal(list.Items, []string{"b", "c"}) {
			t.Errorf("%s: %v", what, list.Items)
		}
	}
	colleague := d.User(t, boss.Tenant, everyThing...)
	stranger := d.User(t, d.Tenant(t), everyThing...)
	good := with(asked, cursor)
	for what, a := range map[string]*edgetest.Answer{
		"another colour":      api.As(boss).Post("/v1/things/hunt", with(strings.Replace(asked, "red", "blue", 1), cursor)),
		"another filter":      api.As(boss).Post("/v1/things/hunt", with(strings.Replace(asked, "[1,", "[2,", 1), cursor)),
		"a list turned round": api.As(boss).Post("/v1/things/hunt", with(strings.Replace(asked, `[1,{"b":"é"}]`, `[{"b":"é"},1]`, 1), cursor)),
		"nothing else":        api.As(boss).Post("/v1/things/hunt", `{"cursor":"`+cursor+`"}`),
		"another operation":   api.As(boss).Post("/v1/things/seek", good),
		"a colleague":         api.As(colleague).Post("/v1/things/hunt", good),
		"another tenant":      api.As(stranger).Post("/v1/things/hunt", good),
		"one bit changed":     api.As(boss).Post("/v1/things/hunt", with(asked, flip(cursor, len(cursor)/2))),
		"cut short":           api.As(boss).Post("/v1/things/hunt", with(asked, cursor[:len(cursor)-4])),
	} {
		if a.Status != http.StatusBadRequest || a.Code() != "invalid_cursor" {
			t.Errorf("%s: answered %d %s", what, a.Status, a.Code())
		}
	}
	d.Clock.Add(24 * time.Hour)
	api.As(boss).Post("/v1/things/hunt", good).Want(t, http.StatusOK, "")
	d.Clock.Add(time.Second)
	api.As(boss).Post("/v1/things/hunt", good).Want(t, http.StatusBadRequest, "invalid_cursor")
}

// TestPagesByBodyAreDescribed: the document has limit, cursor and count in the body and neither a key nor a version to name; and a route that
// pages so without a user, or by another method, is refused.
func TestPagesByBodyAreDescribed(t *testing.T) {
	routes := hunts(new(int))
	b, err := edge.Document(edge.Info{Title: "T", Version: "1"}, routes)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name string `json:"name"`
			} `json:"parameters"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]jsontext.Value `json:"properties"`
				Maximum    int                       `json:"maximum"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	body := doc.Components.Schemas["Edge_testHunted"].Properties
	if len(body) != 5 || body["limit"] == nil || body["cursor"] == nil || body["count"] == nil || doc.Components.Schemas["PageSize"].Maximum != 100 {
		t.Errorf("%s", b)
	}
	for _, p := range doc.Paths["/v1/things/hunt"]["post"].Parameters {
		if p.Name != "validateOnly" {
			t.Errorf("it takes %s", p.Name)
		}
	}
	if !routes[0].PagesByBody() {
		t.Error("it does not say so")
	}
	wrong := routes[0]
	wrong.Method = http.MethodPut
	if _, err := edge.Document(edge.Info{}, []edge.Route{wrong}); err == nil {
		t.Error("a PUT pages")
	}
	wrong = routes[0]
	wrong.Access = edge.Public("for all")
	if _, err := edge.Document(edge.Info{}, []edge.Route{wrong}); err == nil {
		t.Error("a list for nobody has cursors")
	}
}
