package edge_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/sealed"
)

type kept struct {
	Name  string      `json:"name"`
	Email sealed.Text `json:"email,omitzero"`
	Phone sealed.Text `json:"phone,omitzero"`
}

// TestDescribed: a type that describes itself stands in the document once, in its own words, and a list may be Locked.
func TestDescribed(t *testing.T) {
	h := func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[kept]], error) { return nil, nil }
	b, err := edge.Document(edge.Info{Title: "Kept", Version: "1"}, []edge.Route{edge.Handle(edge.Route{
		Operation: "kept.list", Method: http.MethodGet, Path: "/v1/kept", Access: edge.May(modThing, policy.View), List: true, Summary: "Lists.",
	}, h)})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if doc.Paths.Find("/v1/kept").Get.Responses.Value("423") == nil {
		t.Error("the list does not say that it may be locked")
	}
	const ref = "#/components/schemas/SealedText"
	for _, f := range []string{"email", "phone"} {
		if got := doc.Components.Schemas["Edge_testKept"].Value.Properties[f].Ref; got != ref {
			t.Errorf("%s is %q, want %q", f, got, ref)
		}
	}
	text := doc.Components.Schemas["SealedText"].Value
	for _, row := range []struct {
		v  any
		ok bool
	}{
		{"a@b.example", true},
		{map[string]any{"locked": true}, true},
		{map[string]any{"locked": false}, false},
		{map[string]any{}, false},
		{map[string]any{"locked": true, "more": 1}, false},
		{1.0, false},
		{nil, false},
	} {
		if err := text.VisitJSON(row.v, openapi3.EnableJSONSchema2020()); (err == nil) != row.ok {
			t.Errorf("%v: %v", row.v, err)
		}
	}
}
