package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/jwks"
)

// authorizer judges tokens as a JWT authorizer of API Gateway does, after its developer guide: signed with RS256 by a published key of the issuer,
// in time, and for the audience, which it looks for in client_id where there is no aud. It knows nothing of sessions that were ended and of who is
// still active: functions ask that.
type authorizer struct {
	parser   *jwt.Parser
	audience []string
	keys     *jwks.Set

	mu    sync.Mutex
	known map[string]*rsa.PublicKey // by kid
}

// newAuthorizer judges by the template's authorizer; the pool's keys are at the URL.
func newAuthorizer(a deployed.Authorizer, url string) *authorizer {
	return &authorizer{
		parser:   jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(a.Issuer), jwt.WithExpirationRequired(), jwt.WithIssuedAt()),
		audience: a.Audience,
		keys:     jwks.New(identity.Issuer{URL: a.Issuer}, url, &http.Client{Timeout: 5 * time.Second}),
		known:    map[string]*rsa.PublicKey{},
	}
}

// claims are those of the request's token, as functions get them: all of them text. An error refuses the request.
func (a *authorizer) claims(r *http.Request) (map[string]string, error) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	all := jwt.MapClaims{}
	_, err := a.parser.ParseWithClaims(token, all, func(t *jwt.Token) (any, error) { return a.key(r.Context(), fmt.Sprint(t.Header["kid"])) })
	if err != nil {
		return nil, err
	}
	whom, err := all.GetAudience()
	if id, ok := all["client_id"].(string); len(whom) == 0 && ok {
		whom = jwt.ClaimStrings{id}
	}
	if err != nil || !slices.ContainsFunc(whom, func(w string) bool { return slices.Contains(a.audience, w) }) {
		return nil, errors.Join(err, errors.New("the token is for others"))
	}
	out := map[string]string{}
	for name, v := range all {
		if n, ok := v.(float64); ok {
			v = int64(n)
		}
		out[name] = fmt.Sprint(v)
	}
	return out, nil
}

// key gives the published key. What was published once is kept, as API Gateway does.
func (a *authorizer) key(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k, ok := a.known[kid]; ok {
		return k, nil
	}
	all, err := a.keys.JWKS(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		pk, err := k.RSA()
		if err != nil {
			return nil, err
		}
		a.known[k.ID] = pk
	}
	if a.known[kid] == nil {
		return nil, errors.New("no such key")
	}
	return a.known[kid], nil
}
