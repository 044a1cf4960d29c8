package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

// described gives the files of functions/docs: the OpenAPI document, and the page of Swagger UI that shows it with the policy under which it works.
func described() (map[string][]byte, error) {
	document, err := edge.Document(functions.Info, functions.All(&platform.Platform{}))
	if err != nil {
		return nil, err
	}
	page, err := viewer()
	if err != nil {
		return nil, err
	}
	packed, err := pack(document)
	if err != nil {
		return nil, err
	}
	shown, err := pack(page)
	return map[string][]byte{
		"functions/docs/openapi.json.gz": packed, "functions/docs/page.html.gz": shown, "functions/docs/page.policy": []byte(policy(page)),
	}, err
}

// pack depends on the bytes alone, and on the compress/flate of the Go that builds this.
func pack(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}

// viewer is the page of Swagger UI as the library renders it.
func viewer() ([]byte, error) {
	h := v5emb.NewHandlerWithConfig(swgui.Config{Title: functions.Info.Title, SwaggerJSON: "/v1/openapi.json", BasePath: "/docs/"})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/docs/", nil))
	if w.Code != http.StatusOK || w.Body.Len() == 0 {
		return nil, fmt.Errorf("the viewer gave no page: %d", w.Code)
	}
	if !bytes.Contains(w.Body.Bytes(), []byte("<script>")) {
		return nil, errors.New("the viewer's page starts nothing")
	}
	return w.Body.Bytes(), nil
}

var script = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// policy allows the page's inline parts by their hashes; everything else comes from this origin. Swagger UI writes style attributes, which no
// hash can allow.
func policy(page []byte) string {
	var hashes strings.Builder
	for _, m := range script.FindAllSubmatch(page, -1) {
		h := sha256.Sum256(m[1])
		hashes.WriteString(" 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'")
	}
	return "default-src 'none'; script-src 'self'" + hashes.String() + "; style-src 'self' 'unsafe-inline'" +
		"; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
