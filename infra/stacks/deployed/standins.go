package deployed

import "github.com/steward-crm/steward/infra/stacks/iam"

// StandIns are values for a deployment that is nowhere, one for each reference of template.yaml that functions are told of: in the forms that AWS
// gives them, so that a function takes them, at the place. Whoever has a real one writes it over.
func StandIns(at iam.Place) Values {
	pool := at.Region + "_pool"
	queue := func(name string) string {
		return "https://sqs." + at.Region + ".amazonaws.com/" + at.Account + "/" + name
	}
	return Values{
		"AWS::Partition": at.Partition, "AWS::Region": at.Region, "AWS::AccountId": at.Account, "AWS::StackName": "steward",
		"Env": "dev", "MailFrom": "desk@steward.example", "AlarmEmail": "alarms@steward.example", "KeyAdministrator": "none",
		"Api": "api", "Api.ApiEndpoint": "https://api.steward.example", "Authorizer": "authorizer",
		"Data.Outputs.Table": "main", "Data.Outputs.KeysTable": "wrapped",
		"Data.Outputs.TableArn":  at.ARN("dynamodb", "table/main"),
		"Data.Outputs.StreamArn": at.ARN("dynamodb", "table/main/stream/2026"),
		"Keys.Outputs.Data":      at.ARN("kms", "key/data"),
		"Keys.Outputs.Audit":     at.ARN("kms", "key/audit"),
		"Identity.Outputs.Pool":  pool, "Identity.Outputs.Client": "client", "Identity.Outputs.ClientSecret": "secret", "Identity.Outputs.WebhookSecret": "webhooks",
		"Identity.Outputs.Issuer":            "https://cognito-idp." + at.Region + ".amazonaws.com/" + pool,
		"Messaging.Outputs.JobsQueue":        queue("jobs"),
		"Messaging.Outputs.JobsQueueArn":     at.ARN("sqs", "jobs"),
		"Messaging.Outputs.MessagesQueue":    queue("messages"),
		"Messaging.Outputs.MessagesQueueArn": at.ARN("sqs", "messages"),
		"Messaging.Outputs.BouncesQueueArn":  at.ARN("sqs", "bounces"),
		"Messaging.Outputs.FailedQueueArn":   at.ARN("sqs", "failed"),
		"Messaging.Outputs.MailDomain":       "steward.example", "Messaging.Outputs.MailSet": "set",
		"Observability.Outputs.Alarms": "alarms",
	}
}
