package edge_test

import (
	"bytes"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/edge"
)

func TestDocument(t *testing.T) {
	w := newWorld(t)
	info := edge.Info{Title: "Things", Version: "v1", Description: "A test."}
	b, err := edge.Document(info, w.routes())
	if err != nil {
		t.Fatal(err)
	}
	again, err := edge.Document(info, w.routes())
	if err != nil || !bytes.Equal(b, again) {
		t.Fatalf("the same routes gave other bytes: %v", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string           `json:"operationId"`
			Security    []map[string]any `json:"security"`
			Parameters  []struct {
				Name     string `json:"name"`
				Required bool   `json:"required"`
			} `json:"parameters"`
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Required   []string       `json:"required"`
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	operations := 0
	for _, r := range w.routes() {
		for _, op := range d.Paths[r.Path] {
			if op.OperationID == r.Operation {
				operations++
			}
		}
	}
	if operations != len(w.routes()) {
		t.Errorf("%d operations in the document, %d routes", operations, len(w.routes()))
	}
	draft := d.Components.Schemas["Edge_testDraft"]
	if len(draft.Required) != 1 || draft.Required[0] != "name" {
		t.Errorf("a draft requires %v, want its name alone", draft.Required)
	}
}
