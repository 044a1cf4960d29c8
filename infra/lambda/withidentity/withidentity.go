// Package withidentity names Cognito as a function's identity provider.
package withidentity

import (
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withaws"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
	"github.com/steward-crm/steward/shared/identity/cognito"
)

// Part calls the pool through its client. A function that verifies tokens names withtokens as well.
func Part() lambda.Part {
	return lambda.Part{
		Vars: []lambda.Var{lambda.Pool, lambda.Client, lambda.ClientSecret, lambda.Issuer},
		Open: func(d *lambda.Deployment) error {
			c := d.Config
			d.Identity = cognito.New(cognito.Options{
				Client: cognitoidentityprovider.New(cognitoidentityprovider.Options{
					Region: c.Region, Credentials: withaws.Credentials(c), HTTPClient: withaws.HTTP(), BaseEndpoint: c.Endpoint("COGNITO_IDENTITY_PROVIDER"),
				}),
				Pool: c.Pool, ClientID: c.Client, Secret: string(c.ClientSecret), Issuer: withtokens.Issuer(c).URL, Now: d.Now,
			})
			return nil
		},
	}
}
