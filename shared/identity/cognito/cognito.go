// Package cognito is the identity provider on AWS: one Cognito user pool for all tenants, with one app client. It owns the calls to the pool and
// the meaning of their refusals. It knows nothing of tenants' or users' rows in the table, nor of mails: Cognito is told to send none.
//
// A password goes to Cognito as a digest of its bytes (see digest), so the pool's own sign-in page or another client cannot sign a user in. Codes
// that prove an address or reset a password are Steward's own, in package signin; of Cognito's codes only those of a second factor are used.
// When sessions end is for the table to say; a refresh token that the table holds dead may still be alive here.
//
// The end of a temporary password is kept in the custom attribute tempEnds, because the pool has one life for all of them. What the pool must be
// like is in Check.
package cognito

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

// Options of a provider. Client, Pool, ClientID and Now are required.
type Options struct {
	Client   *cognitoidentityprovider.Client
	Pool     string           // id of the user pool
	ClientID string           // of the app client
	Secret   string           // of the app client; "" when it has none
	Now      func() time.Time // judges the end of temporary passwords
	Issuer   string           // iss of the tokens; "" is the pool's address in the client's region
	HTTP     *http.Client     // fetches the keys; nil is one with a limit of 5 seconds
}

// Provider is the identity provider over a user pool. Safe for concurrent use.
type Provider struct{ o Options }

var _ identity.Identity = (*Provider)(nil)

// New returns a provider.
func New(o Options) *Provider {
	if o.Issuer == "" {
		region := o.Client.Options().Region
		domain := "amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			domain += ".cn"
		}
		o.Issuer = "https://cognito-idp." + region + "." + domain + "/" + o.Pool
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 5 * time.Second}
	}
	return &Provider{o}
}

// String and GoString keep the client's secret out of anything that prints the provider by mistake.
func (p *Provider) String() string   { return "[redacted]" }
func (p *Provider) GoString() string { return "[redacted]" }

// Issuer says what verifiers pin.
func (p *Provider) Issuer() identity.Issuer {
	return identity.Issuer{URL: p.o.Issuer, ClientID: p.o.ClientID}
}

// maxKeys is more than a key set has, in bytes.
const maxKeys = 64 << 10

// JWKS fetches the pool's keys, each time anew: the caller caches.
func (p *Provider) JWKS(ctx context.Context) ([]identity.Key, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.o.Issuer+"/.well-known/jwks.json", nil)
	if err != nil {
		return nil, unavailable(err)
	}
	res, err := p.o.HTTP.Do(r)
	if err != nil {
		return nil, unavailable(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, unavailable(fmt.Errorf("identity: the key set is answered with status %d", res.StatusCode))
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, maxKeys))
	if err != nil {
		return nil, unavailable(err)
	}
	var set struct {
		Keys []identity.Key `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, unavailable(err)
	}
	return set.Keys, nil
}

// The rule for passwords in code points. Cognito sees digests only, so the rule is held here; Steward's policy is stricter and stands in
// package password.
const (
	minPassword = 8
	maxPassword = 256
)

func acceptable(password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return fault.New(fault.Invalid, "password_refused")
	}
	return nil
}

// digest is what Cognito takes for the password. Cognito refuses spaces at the ends and control characters, and may take two spellings of one
// letter for the same; the port takes passwords byte by byte. The four signs in front meet any composition that a pool may demand. Cognito keeps
// a slow hash of it, as of any password. A change here locks everybody out.
func digest(password string) string {
	sum := sha256.Sum256([]byte("steward password\x00" + password))
	return "St1-" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// secretHash proves to Cognito that the caller knows the client's secret.
func (p *Provider) secretHash(n identity.Name, to map[string]string) map[string]string {
	if p.o.Secret != "" {
		m := hmac.New(sha256.New, []byte(p.o.Secret))
		m.Write([]byte(string(n) + p.o.ClientID))
		to["SECRET_HASH"] = base64.StdEncoding.EncodeToString(m.Sum(nil))
	}
	return to
}

// secret is the client's secret where a call takes it as it is.
func (p *Provider) secret() *string {
	if p.o.Secret == "" {
		return nil
	}
	return &p.o.Secret
}

// unasked is a challenge that the pool puts and Steward does not know: a mistake in the pool.
func unasked(challenge string) error {
	return fault.New(fault.Internal, "internal").Because(errors.New("identity: the pool asks for " + challenge))
}
