// Package withnotify names SES and SNS as what a function sends mail and text messages by.
package withnotify

import (
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withaws"
	"github.com/steward-crm/steward/shared/notify/aws"
)

// Part sends from the deployment's address.
func Part() lambda.Part {
	return lambda.Part{
		Vars: []lambda.Var{lambda.MailFrom, lambda.MailSet, lambda.SMSSender, lambda.BaseURL},
		Open: func(d *lambda.Deployment) error {
			c, creds := d.Config, withaws.Credentials(d.Config)
			d.Notify = aws.New(
				sesv2.New(sesv2.Options{Region: c.Region, Credentials: creds, HTTPClient: withaws.HTTP(), BaseEndpoint: c.Endpoint("SESV2")}),
				sns.New(sns.Options{Region: c.Region, Credentials: creds, HTTPClient: withaws.HTTP(), BaseEndpoint: c.Endpoint("SNS")}),
				aws.Options{From: c.MailFrom, ConfigurationSet: c.MailSet, SenderID: c.SMSSender},
			)
			return nil
		},
	}
}
