// Package withtokens names Cognito's published keys as what a function's tokens are verified by. It asks Cognito for nothing else.
package withtokens

import (
	"net/http"
	"strings"
	"time"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/jwks"
)

// Part verifies the tokens of the pool's client.
func Part() lambda.Part {
	return lambda.Part{
		Vars: []lambda.Var{lambda.Pool, lambda.Client, lambda.Issuer},
		Open: func(d *lambda.Deployment) error {
			issuer := Issuer(d.Config)
			from := issuer.URL
			if e := d.Config.Endpoint("COGNITO_IDENTITY_PROVIDER"); e != nil {
				from = strings.TrimRight(*e, "/") + "/" + d.Config.Pool
			}
			d.Signer = jwks.New(issuer, from+"/.well-known/jwks.json", &http.Client{Timeout: 5 * time.Second})
			return nil
		},
	}
}

// Issuer is the pool as its tokens name it.
func Issuer(c *lambda.Config) identity.Issuer {
	if c.Issuer != "" {
		return identity.Issuer{URL: c.Issuer, ClientID: c.Client}
	}
	region, _, _ := strings.Cut(c.Pool, "_")
	host := "https://cognito-idp." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		host += ".cn"
	}
	return identity.Issuer{URL: host + "/" + c.Pool, ClientID: c.Client}
}
