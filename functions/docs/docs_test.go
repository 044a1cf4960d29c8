package docs_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/steward-crm/steward/functions/docs"
	"github.com/steward-crm/steward/functions/health"
	"github.com/steward-crm/steward/shared/edge/edgetest"
)

func serve(t *testing.T) edgetest.Client {
	t.Helper()
	d := edgetest.Deploy(t)
	return edgetest.Serve(t, d.Platform, append(health.Routes(), docs.Routes()...)).Anonymous()
}

// TestDocument: it is one of OpenAPI 3.1, and names itself. That it is of all routes is functions.TestDocumentIsOfTheRoutes.
func TestDocument(t *testing.T) {
	a := serve(t).Get("/v1/openapi.json").Want(t, http.StatusOK, "")
	doc, err := openapi3.NewLoader().LoadFromData(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/v1/accounts", "/v1/openapi.json", "/docs", "/docs/{file}"} {
		if doc.Paths.Find(path) == nil {
			t.Errorf("the document lacks %s", path)
		}
	}
	if tag := a.Header.Get("Etag"); tag == "" || a.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%v", a.Header)
	} else {
		serve(t).With("If-None-Match", tag).Get("/v1/openapi.json").Want(t, http.StatusNotModified, "")
	}
}

var (
	loaded = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	inline = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

func TestPageLoadsOnlyFromHere(t *testing.T) {
	c := serve(t)
	a := c.With("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8").Get("/docs").Want(t, http.StatusOK, "")
	parts := loaded.FindAllStringSubmatch(string(a.Body), -1)
	if len(parts) < 4 {
		t.Fatalf("the page loads %d parts only\n%s", len(parts), a.Body)
	}
	for _, m := range parts {
		if !strings.HasPrefix(m[1], "/docs/") {
			t.Errorf("the page loads %s from elsewhere", m[1])
			continue
		}
		part := c.Get(m[1]).Want(t, http.StatusOK, "")
		if again := c.With("Accept-Encoding", "gzip").Get(m[1]); strings.HasSuffix(m[1], ".js") && (again.Header.Get("Content-Encoding") != "gzip" || len(again.Body) > len(part.Body)/2) {
			t.Errorf("%s: %d bytes of %d to who takes gzip", m[1], len(again.Body), len(part.Body))
		}
		if len(part.Body) < 100 || part.Header.Get("Content-Type") == "" || part.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d bytes, headers %v", m[1], len(part.Body), part.Header)
		}
	}
	csp := a.Header.Get("Content-Security-Policy")
	for _, m := range inline.FindAllSubmatch(a.Body, -1) {
		h := sha256.Sum256(m[1])
		if !strings.Contains(csp, "'sha256-"+base64.StdEncoding.EncodeToString(h[:])+"'") {
			t.Errorf("the policy does not allow %s", m[1])
		}
	}
	if strings.Count(csp, "'sha256-") != strings.Count(string(a.Body), "<script>") || strings.Contains(csp, "script-src 'self' 'unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("policy %s", csp)
	}
}

func TestPartsThatAreNone(t *testing.T) {
	c := serve(t)
	for _, path := range []string{"/docs/", "/docs/..", "/docs/%2e%2e", "/docs/embed.go", "/docs/nothing.js", "/docs/swagger-ui.css.gz", "/docs/oauth2-redirect.html", "/docs/.js", "/docs/a%2fb.js"} {
		c.Get(path).Want(t, http.StatusNotFound, "not_found")
	}
}

func TestHealth(t *testing.T) {
	a := serve(t).Get("/healthz").Want(t, http.StatusOK, "")
	if string(a.Body) != `{"status":"ok"}` {
		t.Errorf("%s", a.Body)
	}
}
