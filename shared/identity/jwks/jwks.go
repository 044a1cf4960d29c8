// Package jwks reads the public keys that an identity provider signs tokens with from where it publishes them. It is all that a process
// needs of the provider to know who asks: it holds no credentials and calls nothing else.
package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

// maxSet is the most bytes of a key set that are read.
const maxSet = 64 << 10

// Set is a published key set.
type Set struct {
	issuer identity.Issuer
	url    string
	client *http.Client
}

// New returns the key set at the URL, of the issuer.
func New(i identity.Issuer, url string, c *http.Client) *Set {
	return &Set{issuer: i, url: url, client: c}
}

// Issuer is what a verifier must pin.
func (s *Set) Issuer() identity.Issuer { return s.issuer }

// JWKS fetches the keys. Whatever goes wrong is Unavailable identity_unavailable.
func (s *Set) JWKS(ctx context.Context) ([]identity.Key, error) {
	keys, err := s.fetch(ctx)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "identity_unavailable").Because(err)
	}
	return keys, nil
}

func (s *Set) fetch(ctx context.Context) (_ []identity.Key, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	a, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Body.Close()) }()
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("jwks: %s answered %d", s.url, a.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(a.Body, maxSet+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxSet {
		return nil, fmt.Errorf("jwks: %s answered more than %d bytes", s.url, maxSet)
	}
	var set struct {
		Keys []identity.Key `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, err
	}
	return set.Keys, nil
}
