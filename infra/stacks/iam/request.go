package iam

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Place is where the resources of a deployment are, for their ARNs.
type Place struct{ Partition, Region, Account string }

// ARN names a resource of the service.
func (p Place) ARN(service, resource string) string {
	return "arn:" + p.Partition + ":" + service + ":" + p.Region + ":" + p.Account + ":" + resource
}

var scope = regexp.MustCompile(`Credential=([^/]+)/[0-9]+/[^/]+/([^/]+)/aws4_request`)

// Signed gives whose access key signed the request, and for which service; "" for one that nobody signed, about which IAM is not asked.
func Signed(header http.Header) (accessKey, service string) {
	m := scope.FindStringSubmatch(header.Get("Authorization"))
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}

// Calls are what IAM is asked about for a signed request of the SDK. An error means that the request is none that Steward's adapters make.
func Calls(at Place, r *http.Request, body []byte) ([]Call, error) {
	_, service := Signed(r.Header)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch service {
	case "dynamodb":
		return tableCalls(at, operation, body)
	case "kms":
		return keyCalls(at, operation, body)
	case "ses":
		return mailCalls(at, r, body)
	case "sns":
		return textCalls(at, body)
	}
	var in struct{ UserPoolId, SecretId, QueueUrl string } //nolint:revive // AWS's names
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	switch {
	case service == "cognito-idp" && in.UserPoolId != "":
		return []Call{{Action: "cognito-idp:" + operation, Resource: at.ARN("cognito-idp", "userpool/"+in.UserPoolId)}}, nil
	case service == "secretsmanager" && in.SecretId != "":
		return []Call{{Action: "secretsmanager:" + operation, Resource: in.SecretId}}, nil
	case service == "sqs" && in.QueueUrl != "":
		return []Call{{Action: "sqs:" + operation, Resource: at.ARN("sqs", in.QueueUrl[strings.LastIndex(in.QueueUrl, "/")+1:])}}, nil
	}
	return nil, fmt.Errorf("iam: %s %s: what it is about is not known", service, operation)
}

type (
	attribute  struct{ S string }
	attributes map[string]attribute
	write      struct {
		TableName string
		Key, Item attributes
	}
)

// pk is the partition key of both tables, and of an index with its name before it (package table/dynamo).
const pk = "pk"

func tableCalls(at Place, operation string, body []byte) (all []Call, err error) {
	add := func(action, table, index, partition string) {
		resource := "table/" + table
		if index != "" {
			resource += "/index/" + index
		}
		all = append(all, Call{"dynamodb:" + action, at.ARN("dynamodb", resource), map[string][]string{LeadingKeys: {partition}}})
	}
	var in struct {
		write
		IndexName                 string
		KeyConditionExpression    string
		ExpressionAttributeValues attributes
		RequestItems              map[string]struct{ Keys []attributes }
		TransactItems             []map[string]write
		StreamArn, ShardIterator  string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	switch operation {
	case "DescribeStream", "GetShardIterator":
		all = append(all, Call{Action: "dynamodb:" + operation, Resource: in.StreamArn})
	case "GetRecords": // an iterator begins with the stream that it is of
		stream, _, _ := strings.Cut(in.ShardIterator, "|")
		all = append(all, Call{Action: "dynamodb:" + operation, Resource: stream})
	case "GetItem", "DeleteItem", "UpdateItem":
		add(operation, in.TableName, "", in.Key[pk].S)
	case "PutItem":
		add(operation, in.TableName, "", in.Item[pk].S)
	case "Query":
		_, bound, _ := strings.Cut(in.KeyConditionExpression, " = ")
		bound, _, _ = strings.Cut(bound, " ")
		add(operation, in.TableName, in.IndexName, in.ExpressionAttributeValues[bound].S)
	case "BatchGetItem":
		for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
			for _, k := range in.RequestItems[table].Keys {
				add(operation, table, "", k[pk].S)
			}
		}
	case "TransactWriteItems":
		for _, item := range in.TransactItems {
			for kind, w := range item {
				action, known := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}[kind]
				if !known {
					return nil, fmt.Errorf("iam: a transaction's %s", kind)
				}
				part := w.Key
				if kind == "Put" {
					part = w.Item
				}
				add(action, w.TableName, "", part[pk].S)
			}
		}
	default:
		return nil, fmt.Errorf("iam: DynamoDB's %s", operation)
	}
	return all, nil
}

func keyCalls(at Place, operation string, body []byte) ([]Call, error) {
	var in struct {
		KeyId             string //nolint:revive // AWS's name
		EncryptionContext map[string]string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	keys := map[string][]string{"kms:EncryptionContextKeys": slices.Sorted(maps.Keys(in.EncryptionContext))}
	for name, value := range in.EncryptionContext {
		keys["kms:EncryptionContext:"+name] = []string{value}
	}
	if !strings.HasPrefix(in.KeyId, "arn:") {
		in.KeyId = at.ARN("kms", "key/"+in.KeyId)
	}
	return []Call{{"kms:" + operation, in.KeyId, keys}}, nil
}

// mailCalls: SES asks about the sender's identity, and about the configuration set as well.
func mailCalls(at Place, r *http.Request, body []byte) ([]Call, error) {
	var in struct{ FromEmailAddress, ConfigurationSetName string }
	if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
		return nil, fmt.Errorf("iam: SES's %s %s", r.Method, r.URL.Path)
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(in.FromEmailAddress, "@")
	keys := map[string][]string{"ses:FromAddress": {in.FromEmailAddress}}
	all := []Call{{"ses:SendEmail", at.ARN("ses", "identity/"+domain), keys}}
	if in.ConfigurationSetName != "" {
		all = append(all, Call{"ses:SendEmail", at.ARN("ses", "configuration-set/"+in.ConfigurationSetName), keys})
	}
	return all, nil
}

// textCalls: a message to a phone has its number for a resource.
func textCalls(at Place, body []byte) ([]Call, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	resource := form.Get("PhoneNumber")
	if resource == "" {
		resource = form.Get("TopicArn")
	}
	if resource == "" || form.Get("Action") != "Publish" {
		return nil, fmt.Errorf("iam: SNS's %s", form.Get("Action"))
	}
	return []Call{{Action: "sns:Publish", Resource: resource}}, nil
}
