// Package withkeys names KMS as a function's key service.
package withkeys

import (
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withaws"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/keys/kms"
)

// Data opens the key that wraps, and what seals over it. It comes after the table.
func Data() lambda.Part { return part(lambda.KeyData) }

// DataAndAudit opens the key that makes MACs as well: for signing in, and for the audit log.
func DataAndAudit() lambda.Part { return part(lambda.KeyData, lambda.KeyAudit) }

func part(vars ...lambda.Var) lambda.Part {
	return lambda.Part{
		Vars: vars,
		Open: func(d *lambda.Deployment) error {
			d.Keys = kms.New(awskms.New(awskms.Options{
				Region: d.Config.Region, Credentials: withaws.Credentials(d.Config), HTTPClient: withaws.HTTP(), BaseEndpoint: d.Config.Endpoint("KMS"),
			}), map[keys.Purpose]string{keys.Data: d.Config.KeyData, keys.Audit: d.Config.KeyAudit})
			d.Crypt = crypt.New(d.Keys, d.Table, d.Now, d.Random)
			return nil
		},
	}
}
