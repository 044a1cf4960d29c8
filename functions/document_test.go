package functions_test

import (
	"net/http"
	"testing"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/functions/docs"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/platform"
)

// TestDocumentIsOfTheRoutes: the document that is served is the one that the routes give, to the byte.
func TestDocumentIsOfTheRoutes(t *testing.T) {
	want, err := edge.Document(functions.Info, functions.All(&platform.Platform{}))
	if err != nil {
		t.Fatal(err)
	}
	d := edgetest.Deploy(t)
	a := edgetest.Serve(t, d.Platform, docs.Routes()).Anonymous().Get("/v1/openapi.json").Want(t, http.StatusOK, "")
	if string(a.Body) != string(want) {
		t.Error("the document that lies in functions/docs is not of these routes; run make generate")
	}
}
