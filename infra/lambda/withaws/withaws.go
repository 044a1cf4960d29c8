// Package withaws is what all clients of AWS have in common in a function: credentials and connections.
package withaws

import (
	"context"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/steward-crm/steward/infra/lambda"
)

// Credentials are those of the environment. They outlive the process that Lambda gave them to, so nothing renews them.
func Credentials(c *lambda.Config) aws.CredentialsProvider {
	held := aws.Credentials{
		AccessKeyID: c.AccessKey, SecretAccessKey: string(c.SecretKey), SessionToken: string(c.SessionToken), Source: "environment",
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return held, nil })
}

// HTTP is one pool of connections for all clients. It keeps as many to one host as a list reads partitions side by side: the SDK keeps ten, and
// would open the others anew for every list.
var HTTP = sync.OnceValue(func() aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 64 })
})
