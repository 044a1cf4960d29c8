package main

import (
	"context"
	"crypto/rand"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/steward-crm/steward/infra/stacks/iam"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
	"github.com/steward-crm/steward/shared/webhook"
)

const (
	region               = "us-east-1"
	sender               = "desk@steward.example"
	dataTable, keysTable = "steward-data", "steward-keys"
	mailSet              = "steward-mail"
)

var (
	// place is where moto says that everything is.
	place                                  = iam.Place{Partition: "aws", Region: region, Account: "123456789012"}
	jobsQueue, messagesQueue, bouncesQueue = place.ARN("sqs", "jobs"), place.ARN("sqs", "messages"), place.ARN("sqs", "bounces")
)

// deployment is what template.yaml would have made.
type deployment struct {
	endpoint, api               string // host and port of the front, and of the gateway
	stream                      string // ARN
	keyData, keyAudit           string // ARNs
	pool, client                string
	clientSecret, webhookSecret string            // ARNs
	secrets                     map[string]string // by ARN
	queues                      map[string]string // URLs by ARN
	secretFile                  string
	sqs                         *sqs.Client
}

type credentials struct{}

func (credentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test", SessionToken: "test"}, nil
}

func provision(ctx context.Context, endpoint, secretFile string) (*deployment, error) {
	base := aws.String("http://" + endpoint)
	d := &deployment{endpoint: endpoint, secretFile: secretFile, secrets: map[string]string{}, queues: map[string]string{}}
	tables := dynamodb.New(dynamodb.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	for space, name := range map[table.Space]string{table.Data: dataTable, table.Keys: keysTable} {
		made, err := tables.CreateTable(ctx, dynamo.Define(space, name).Create)
		if err != nil {
			return nil, err
		}
		if space == table.Data {
			d.stream = aws.ToString(made.TableDescription.LatestStreamArn)
		}
	}
	if err := d.makeKeys(ctx, base); err != nil {
		return nil, err
	}
	secret, err := d.makePool(ctx, base)
	if err != nil {
		return nil, err
	}
	d.sqs = sqs.New(sqs.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	for _, arn := range []string{jobsQueue, messagesQueue, bouncesQueue} {
		q, err := d.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(arn[strings.LastIndex(arn, ":")+1:])})
		if err != nil {
			return nil, err
		}
		d.queues[arn] = *q.QueueUrl
	}
	mail := sesv2.New(sesv2.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	if _, err := mail.CreateEmailIdentity(ctx, &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(sender)}); err != nil {
		return nil, err
	}
	if _, err := mail.CreateConfigurationSet(ctx, &sesv2.CreateConfigurationSetInput{ConfigurationSetName: aws.String(mailSet)}); err != nil {
		return nil, err
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	webhooks := webhook.FormatSecret(raw)
	secrets := secretsmanager.New(secretsmanager.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	for _, s := range []struct {
		name, value string
		arn         *string
	}{{"steward-client", secret, &d.clientSecret}, {"steward-onboarding", webhooks, &d.webhookSecret}} {
		made, err := secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &s.name, SecretString: &s.value})
		if err != nil {
			return nil, err
		}
		*s.arn = *made.ARN
		d.secrets[*s.arn] = s.value
	}
	return d, os.WriteFile(secretFile, []byte(webhooks+"\n"), 0o600)
}

func (d *deployment) makeKeys(ctx context.Context, base *string) error {
	c := kms.New(kms.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	for _, k := range []struct {
		into *string
		in   kms.CreateKeyInput
	}{
		{&d.keyData, kms.CreateKeyInput{}},
		{&d.keyAudit, kms.CreateKeyInput{KeySpec: kmstypes.KeySpecHmac256, KeyUsage: kmstypes.KeyUsageTypeGenerateVerifyMac}},
	} {
		made, err := c.CreateKey(ctx, &k.in)
		if err != nil {
			return err
		}
		*k.into = *made.KeyMetadata.Arn
	}
	return nil
}

// makePool answers the secret of the pool's client.
func (d *deployment) makePool(ctx context.Context, base *string) (string, error) {
	c := cognitoidentityprovider.New(cognitoidentityprovider.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	made, err := c.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{
		PoolName: aws.String("steward"), MfaConfiguration: idp.UserPoolMfaTypeOptional,
		UsernameConfiguration: &idp.UsernameConfigurationType{CaseSensitive: aws.Bool(true)},
		AdminCreateUserConfig: &idp.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
		Policies:              &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: aws.Int32(8), TemporaryPasswordValidityDays: 365}},
		Schema:                []idp.SchemaAttributeType{{Name: aws.String("tempEnds"), AttributeDataType: idp.AttributeDataTypeNumber, Mutable: aws.Bool(true)}},
	})
	if err != nil {
		return "", err
	}
	d.pool = *made.UserPool.Id
	client, err := c.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &d.pool, ClientName: aws.String("steward"), GenerateSecret: true, EnableTokenRevocation: aws.Bool(true),
		ExplicitAuthFlows: []idp.ExplicitAuthFlowsType{idp.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth},
		WriteAttributes:   []string{"locale"},
	})
	if err != nil {
		return "", err
	}
	d.client = *client.UserPoolClient.ClientId
	return aws.ToString(client.UserPoolClient.ClientSecret), nil
}
