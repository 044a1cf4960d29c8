package docs

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"github.com/steward-crm/steward/shared/edge"
)

// viewer is Swagger UI as the library embeds it, asked in the process as if it were another server.
type viewer struct {
	handler http.Handler
	render  func() (rendered, error)
}

type rendered struct {
	body   edge.Bytes
	policy string
}

func newViewer() *viewer {
	v := &viewer{handler: v5emb.NewHandlerWithConfig(swgui.Config{
		Title: Info.Title, SwaggerJSON: "/v1/openapi.json", BasePath: "/docs/",
	})}
	v.render = sync.OnceValues(v.start)
	return v
}

// page gives the page and the content security policy under which it works.
func (v *viewer) page() (edge.Bytes, string, error) {
	r, err := v.render()
	return r.body, r.policy, err
}

var (
	script = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	file   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*\.(js|css|png)$`)
)

// start renders the page once. Its inline parts are allowed by their hashes; everything else comes from this origin. Swagger UI writes
// style attributes, which no hash can allow.
func (v *viewer) start() (rendered, error) {
	body, ok := v.ask("/docs/")
	if !ok {
		return rendered{}, errors.New("docs: the viewer gave no page")
	}
	policy := "default-src 'none'; script-src 'self'" + hashes(script, body.Data) + "; style-src 'self' 'unsafe-inline'" +
		"; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return rendered{body, policy}, nil
}

func hashes(part *regexp.Regexp, page []byte) string {
	var s strings.Builder
	for _, m := range part.FindAllSubmatch(page, -1) {
		h := sha256.Sum256(m[1])
		s.WriteString(" 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'")
	}
	return s.String()
}

// asset gives a file that the page loads.
func (v *viewer) asset(name string) (edge.Bytes, bool) {
	if !file.MatchString(name) {
		return edge.Bytes{}, false
	}
	return v.ask("/docs/" + name)
}

func (v *viewer) ask(path string) (edge.Bytes, bool) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	v.handler.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Header: http.Header{}, Body: http.NoBody})
	return edge.Bytes{Type: w.header.Get("Content-Type"), Data: w.body.Bytes()}, w.status == http.StatusOK && w.body.Len() > 0
}

// recorder keeps what a handler answers.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }
