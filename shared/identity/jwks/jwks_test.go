package jwks_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/jwks"
)

// TestJWKS: a key set is read whole; whatever is none is Unavailable identity_unavailable, for the caller to ask again.
func TestJWKS(t *testing.T) {
	const set = `{"keys":[{"kid":"a","kty":"RSA","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB","x5c":["more"]}]}`
	for name, c := range map[string]struct {
		status int
		body   string
		keys   int // -1: refused
	}{
		"a set":             {http.StatusOK, set, 1},
		"an empty set":      {http.StatusOK, `{"keys":[]}`, 0},
		"not there":         {http.StatusNotFound, set, -1},
		"out of order":      {http.StatusInternalServerError, "", -1},
		"a page":            {http.StatusOK, "<html>", -1},
		"more than is read": {http.StatusOK, `{"keys":[],"x":"` + strings.Repeat("x", 64<<10) + `"}`, -1},
	} {
		far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		s := jwks.New(identity.Issuer{URL: "https://issuer", ClientID: "client"}, far.URL+"/.well-known/jwks.json", far.Client())
		keys, err := s.JWKS(t.Context())
		far.Close()
		if c.keys < 0 != fault.Is(err, "identity_unavailable") || err == nil && len(keys) != c.keys {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
		if _, err := s.JWKS(t.Context()); !fault.Is(err, "identity_unavailable") {
			t.Errorf("%s, and then nobody answers: %v", name, err)
		}
		if s.Issuer() != (identity.Issuer{URL: "https://issuer", ClientID: "client"}) {
			t.Errorf("issuer %v", s.Issuer())
		}
	}
}
