package edge_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
)

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func fixedRoute(f *edge.Fixed) edge.Route {
	return edge.Handle(edge.Route{
		Operation: "r.get", Method: http.MethodGet, Path: "/v1/r", Access: edge.Public("test"), Summary: "x", Produces: "text/plain",
	}, func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.Bytes], error) {
		return &edge.Reply[edge.Bytes]{Body: edge.Bytes{Fixed: f}}, nil
	})
}

// TestFixed: who takes gzip gets the bytes as they lie, others get them unpacked, and who names what they hold gets nothing anew.
func TestFixed(t *testing.T) {
	text := strings.Repeat("the same again, ", 100)
	gz := packed(t, text)
	d := edgetest.Deploy(t)
	c := edgetest.Serve(t, d.Platform, []edge.Route{fixedRoute(edge.NewFixed("text/plain", gz))}).Anonymous()
	tag := c.Get("/v1/r").Want(t, http.StatusOK, "").Header.Get("Etag")
	if other := edgetest.Serve(t, d.Platform, []edge.Route{fixedRoute(edge.NewFixed("text/plain", packed(t, text+"!")))}).Anonymous().Get("/v1/r").Header.Get("Etag"); !strings.HasPrefix(tag, `W/"`) || other == tag {
		t.Errorf("ETag %s, and of another text %s", tag, other)
	}
	for _, row := range []struct {
		accept, match string
		status        int
		encoding      string
	}{
		{"gzip", "", 200, "gzip"},
		{"br, gzip;q=0.5", "", 200, "gzip"},
		{"GZIP", "", 200, "gzip"},
		{"x-gzip", "", 200, "gzip"},
		{"*", "", 200, "gzip"},
		{"gzip, *;q=0", "", 200, "gzip"},
		{"", "", 200, ""},
		{"br", "", 200, ""},
		{"identity", "", 200, ""},
		{"gzip;q=0", "", 200, ""},
		{"gzip; q=0.000, br", "", 200, ""},
		{"gzip;q=0, *", "", 200, ""},
		{"*, gzip;q=0", "", 200, ""},
		{"*;q=0", "", 200, ""},
		{"gzip", tag, 304, ""},
		{"", tag, 304, ""},
		{"", `"x", ` + tag, 304, ""},
		{"", strings.TrimPrefix(tag, "W/"), 304, ""},
		{"", "*", 304, ""},
		{"", `W/"0000"`, 200, ""},
	} {
		with := c
		if row.accept != "" {
			with = with.With("Accept-Encoding", row.accept)
		}
		if row.match != "" {
			with = with.With("If-None-Match", row.match)
		}
		a := with.Get("/v1/r")
		want := text
		switch {
		case row.status == http.StatusNotModified:
			want = ""
		case row.encoding != "":
			want = string(gz)
		}
		if a.Status != row.status || a.Header.Get("Content-Encoding") != row.encoding || string(a.Body) != want || a.Header.Get("Etag") != tag || a.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("accepting %q, holding %q: %d, %d bytes, %v", row.accept, row.match, a.Status, len(a.Body), a.Header)
		}
		if row.status == http.StatusOK && a.Header.Get("Content-Length") != strconv.Itoa(len(want)) {
			t.Errorf("accepting %q: %s bytes, it says", row.accept, a.Header.Get("Content-Length"))
		}
	}
	if a := c.Do(http.MethodHead, "/v1/r", nil); a.Status != http.StatusOK || len(a.Body) != 0 || a.Header.Get("Content-Length") != strconv.Itoa(len(text)) {
		t.Errorf("HEAD: %d %v", a.Status, a.Header)
	}
}

// TestFixedThatIsBroken: what cannot be unpacked is an error of ours, with no trace of the answer that it is not.
func TestFixedThatIsBroken(t *testing.T) {
	d := edgetest.Deploy(t)
	for name, gz := range map[string][]byte{"nothing": nil, "no gzip": []byte("no gzip at all"), "cut off": packed(t, "text")[:15]} {
		a := edgetest.Serve(t, d.Platform, []edge.Route{fixedRoute(edge.NewFixed("text/plain", gz))}).Anonymous().Get("/v1/r").Want(t, http.StatusInternalServerError, "internal")
		if a.Header.Get("Etag") != "" {
			t.Errorf("%s: %v", name, a.Header)
		}
	}
}
