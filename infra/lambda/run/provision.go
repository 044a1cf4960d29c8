package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
	"github.com/steward-crm/steward/shared/webhook"
)

const (
	region = "us-east-1"
	sender = "desk@steward.example"
)

// deployment is what template.yaml would have made.
type deployment struct {
	endpoint                 string // host and port of the front
	keyData, keyAudit        string
	pool, client, pinnedWord string
	queue                    string
	secretFile               string
	sqs                      *sqs.Client
}

type credentials struct{}

func (credentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test", SessionToken: "test"}, nil
}

func provision(ctx context.Context, endpoint, secretFile string) (*deployment, error) {
	base := aws.String("http://" + endpoint)
	d := &deployment{endpoint: endpoint, secretFile: secretFile}
	tables := dynamodb.New(dynamodb.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	for space, name := range map[table.Space]string{table.Data: "steward-data", table.Keys: "steward-keys"} {
		if _, err := tables.CreateTable(ctx, dynamo.Define(space, name).Create); err != nil {
			return nil, err
		}
	}
	if err := d.makeKeys(ctx, base); err != nil {
		return nil, err
	}
	if err := d.makePool(ctx, base); err != nil {
		return nil, err
	}
	d.sqs = sqs.New(sqs.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	q, err := d.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("steward-jobs")})
	if err != nil {
		return nil, err
	}
	d.queue = *q.QueueUrl
	mail := sesv2.New(sesv2.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	if _, err := mail.CreateEmailIdentity(ctx, &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(sender)}); err != nil {
		return nil, err
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	secret := webhook.FormatSecret(raw)
	secrets := secretsmanager.New(secretsmanager.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	if _, err := secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("steward-onboarding"), SecretString: &secret}); err != nil {
		return nil, err
	}
	return d, os.WriteFile(secretFile, []byte(secret+"\n"), 0o600)
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

func (d *deployment) makePool(ctx context.Context, base *string) error {
	c := cognitoidentityprovider.New(cognitoidentityprovider.Options{Region: region, Credentials: credentials{}, BaseEndpoint: base})
	made, err := c.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{
		PoolName: aws.String("steward"), MfaConfiguration: idp.UserPoolMfaTypeOptional,
		UsernameConfiguration: &idp.UsernameConfigurationType{CaseSensitive: aws.Bool(true)},
		AdminCreateUserConfig: &idp.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
		Policies:              &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: aws.Int32(8), TemporaryPasswordValidityDays: 365}},
		Schema:                []idp.SchemaAttributeType{{Name: aws.String("tempEnds"), AttributeDataType: idp.AttributeDataTypeNumber, Mutable: aws.Bool(true)}},
	})
	if err != nil {
		return err
	}
	d.pool = *made.UserPool.Id
	client, err := c.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &d.pool, ClientName: aws.String("steward"), GenerateSecret: true, EnableTokenRevocation: aws.Bool(true),
		ExplicitAuthFlows: []idp.ExplicitAuthFlowsType{idp.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth},
		WriteAttributes:   []string{"locale"},
	})
	if err != nil {
		return err
	}
	d.client, d.pinnedWord = *client.UserPoolClient.ClientId, aws.ToString(client.UserPoolClient.ClientSecret)
	return nil
}

// environ is what every function gets: each reads of it what its parts need.
func (d *deployment) environ() []string {
	return []string{
		"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=test",
		"AWS_ENDPOINT_URL=http://" + d.endpoint,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"STEWARD_TABLE=steward-data", "STEWARD_KEYS_TABLE=steward-keys", "STEWARD_KEY_DATA=" + d.keyData, "STEWARD_KEY_AUDIT=" + d.keyAudit,
		"STEWARD_POOL=" + d.pool, "STEWARD_CLIENT=" + d.client, "STEWARD_CLIENT_SECRET=" + d.pinnedWord,
		"STEWARD_MAIL_FROM=" + sender, "STEWARD_WEBHOOK_SECRET=steward-onboarding", "STEWARD_JOBS_QUEUE=" + d.queue,
		fmt.Sprintf("STEWARD_BASE_URL=http://%s", d.endpoint),
	}
}
