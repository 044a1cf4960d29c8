//go:build peers

package main

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/shared/identity/cognito"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// cloudFormation is moto's, spoken to as it is: form in, XML out.
type cloudFormation struct {
	t   *testing.T
	url string
}

const credential = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudformation/aws4_request, SignedHeaders=host, Signature=0"

func (c cloudFormation) ask(form url.Values, into any) {
	c.t.Helper()
	form.Set("Version", "2010-05-15")
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", credential)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	b, _ := io.ReadAll(a.Body)
	if a.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: %d %.600s", form.Get("Action"), form.Get("StackName"), a.StatusCode, b)
	}
	if err := xml.Unmarshal(b, into); err != nil {
		c.t.Fatalf("%s: %v", form.Get("Action"), err)
	}
}

// create makes the stack with the parameters that it declares. It gives its outputs, and the resources that there are of it.
func (c cloudFormation) create(name string, body map[string]any, values map[string]string) (outputs map[string]string, made map[string]string) {
	c.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	form := url.Values{"Action": {"CreateStack"}, "StackName": {name}, "TemplateBody": {string(b)}}
	for i, p := range slices.Sorted(maps.Keys(deployed.Members(body["Parameters"]))) {
		form.Set("Parameters.member."+strconv.Itoa(i+1)+".ParameterKey", p)
		form.Set("Parameters.member."+strconv.Itoa(i+1)+".ParameterValue", values[p])
	}
	c.ask(form, &struct{}{})
	var about struct {
		Outputs []struct{ OutputKey, OutputValue string } `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
		Status  string                                    `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
	}
	c.ask(url.Values{"Action": {"DescribeStacks"}, "StackName": {name}}, &about)
	if about.Status != "CREATE_COMPLETE" {
		c.t.Errorf("%s is %s", name, about.Status)
	}
	outputs = map[string]string{}
	for _, o := range about.Outputs {
		outputs[o.OutputKey] = o.OutputValue
	}
	var there struct {
		Resources []struct{ LogicalResourceId, PhysicalResourceId string } `xml:"DescribeStackResourcesResult>StackResources>member"` //nolint:revive // AWS's names
	}
	c.ask(url.Values{"Action": {"DescribeStackResources"}, "StackName": {name}}, &there)
	made = map[string]string{}
	for _, r := range there.Resources {
		made[r.LogicalResourceId] = r.PhysicalResourceId
	}
	return outputs, made
}

// expanded is the template with each AWS::Serverless::Function as the transform makes it: an AWS::Lambda::Function, for ours give it a role and
// no events; and with a table of several regions as one of the first. Nested stacks are left out: they are made one by one.
func expanded(d deployed.Document) map[string]any {
	resources := map[string]any{}
	for name, r := range d.Resources {
		p := maps.Clone(r.Properties)
		kind := r.Type
		switch kind {
		case "AWS::CloudFormation::Stack":
			continue
		case "AWS::Serverless::Function":
			kind = "AWS::Lambda::Function"
			for k, v := range deployed.Members(d.Globals["Function"]) {
				if p[k] == nil {
					p[k] = v
				}
			}
			delete(p, "CodeUri")
			p["Code"] = map[string]any{"ZipFile": "nothing"}
			p["TracingConfig"] = map[string]any{"Mode": p["Tracing"]}
			delete(p, "Tracing")
		case "AWS::DynamoDB::GlobalTable": // moto knows tables of one region
			kind = "AWS::DynamoDB::Table"
			maps.DeleteFunc(p, func(k string, _ any) bool { return k == "Replicas" || k == "WriteOnDemandThroughputSettings" })
		}
		if !slices.Contains(unknown, kind) {
			resources[name] = map[string]any{"Type": kind, "Properties": p}
		}
	}
	outputs := maps.Clone(d.Outputs)
	maps.DeleteFunc(outputs, func(_ string, o any) bool { // of what moto does not make
		gone := false
		deployed.Walk(o, "", func(path, v string) {
			name, _, _ := strings.Cut(v, ".")
			r, ours := d.Resources[name]
			gone = gone || ours && slices.Contains(unknown, r.Type)
		})
		return gone
	})
	all := map[string]any{"Resources": resources}
	for name, part := range map[string]map[string]any{"Parameters": d.Parameters, "Outputs": outputs, "Conditions": d.Conditions} {
		if len(part) > 0 {
			all[name] = part
		}
	}
	return deployed.Members(inJSON(all))
}

// inJSON writes Fn::GetAtt as templates in JSON have it: a list.
func inJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			if s, ok := x.(string); ok && k == "Fn::GetAtt" {
				name, attribute, _ := strings.Cut(s, ".")
				x = []any{name, attribute}
			}
			m[k] = inJSON(x)
		}
		return m
	case []any:
		all := make([]any, len(v))
		for i, x := range v {
			all[i] = inJSON(x)
		}
		return all
	}
	return v
}

// unknown are the kinds of resources that moto 5.2.1 makes nothing of. infra/docs/peers.md says what covers them.
var unknown = []string{
	"AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection", "AWS::Backup::BackupVault",
	"AWS::Backup::RestoreTestingPlan", "AWS::Backup::RestoreTestingSelection", "AWS::Budgets::Budget", "AWS::CloudWatch::Alarm", "AWS::Cognito::UserPool",
	"AWS::Cognito::UserPoolClient", "AWS::IAM::RolePolicy", "AWS::Lambda::EventInvokeConfig", "AWS::S3::BucketPolicy", "AWS::SES::ConfigurationSet",
	"AWS::SES::ConfigurationSetEventDestination", "AWS::SES::EmailIdentity", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
	"AWS::SecretsManager::Secret",
}

// TestStacksOnMoto makes the stacks one by one, each with the outputs of those before it.
func TestStacksOnMoto(t *testing.T) {
	at := peers.Moto(t)
	c := cloudFormation{t, at}
	values := map[string]string{
		"Env": "dev", "Architecture": "arm64", "LogRetention": "30", "MailFrom": "desk@steward.example", "AlarmEmail": "alarms@steward.example", "MonthlyBudget": "100",
		"KeyAdministrator": "arn:aws:iam::123456789012:role/admin", "MaxReadUnits": "1000", "MaxWriteUnits": "1000", "Lock": "governance", "SmsSender": "Steward",
		"BaseUrl": "https://steward.example", "ApiId": "api", "AuthorizerId": "authorizer", "FailedJobs": "failed-jobs", "Failed": "failed", "FailedBounces": "failed-bounces", "FailedMessages": "failed-messages", "Messages": "messages", "MailSet": "set",
		"MailDomain": "steward.example",
	}
	// An output is a parameter under another name, where template.yaml says so.
	renamed := map[string]string{
		"Storage": "StorageKey", "Bucket": "BucketKey", "Data": "KeyData", "Audit": "KeyAudit", "Alarms": "AlarmTopic", "FailedJobsName": "FailedJobs", "FailedBouncesName": "FailedBounces", "FailedMessagesName": "FailedMessages", "MessagesName": "Messages", "FailedName": "Failed",
	}
	seen := map[string]bool{}
	files := []string{"keys", "data", "identity", "messaging", "backup", "observability", "api-customers", "api-people", "api-signin", "api-system", "workers"}
	for _, f := range files {
		d := readTemplate(t, "../"+f+".yaml")
		outputs, made := c.create("steward-"+f, expanded(d), values)
		for k, v := range outputs {
			if f == "backup" {
				continue
			}
			if r, ok := renamed[k]; ok {
				k = r
			}
			values[k] = v
		}
		for name, r := range d.Resources {
			seen[r.Type] = true
			if made[name] == "" && !slices.Contains(unknown, r.Type) && r.Type != "AWS::Lambda::Permission" { // moto does not list those
				t.Errorf("%s: moto made no %s, which is a %s", f, name, r.Type)
			}
		}
	}
	for _, u := range unknown {
		if !seen[u] {
			t.Errorf("no stack has a %s", u)
		}
	}
	store, err := dynamo.Open(dynamo.Options{
		AWS:  dynamodb.Options{Region: "us-east-1", Credentials: credentials, BaseEndpoint: &at},
		Data: values["Table"], Keys: values["KeysTable"], Nowhere: key.Nowhere("").PK, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPoolOnMoto makes the pool and its client of what the stack says of them, and has the adapter look at them.
func TestPoolOnMoto(t *testing.T) {
	at := peers.Moto(t)
	client := cognitoidentityprovider.New(cognitoidentityprovider.Options{Region: "us-east-1", Credentials: credentials, BaseEndpoint: &at})
	d := readTemplate(t, "../identity.yaml")
	var pool cognitoidentityprovider.CreateUserPoolInput
	asInput(t, d.Resources["Pool"].Properties, &pool)
	pool.PoolName = aws.String("pool")
	made, err := client.CreateUserPool(t.Context(), &pool)
	if err != nil {
		t.Fatal(err)
	}
	var in cognitoidentityprovider.CreateUserPoolClientInput
	asInput(t, d.Resources["PoolClient"].Properties, &in)
	in.ClientName, in.UserPoolId = aws.String("client"), made.UserPool.Id
	app, err := client.CreateUserPoolClient(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	p := cognito.New(cognito.Options{
		Client: client, Pool: *made.UserPool.Id, ClientID: *app.UserPoolClient.ClientId, Secret: aws.ToString(app.UserPoolClient.ClientSecret),
		Now: time.Now, Issuer: at + "/" + *made.UserPool.Id, HTTP: &http.Client{Transport: toCognito{}},
	})
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if len(in.WriteAttributes) != 1 || in.WriteAttributes[0] != "locale" || in.PreventUserExistenceErrors != types.PreventUserExistenceErrorTypesEnabled ||
		in.AccessTokenValidity == nil || *in.AccessTokenValidity != 15 || in.RefreshTokenRotation == nil || pool.DeletionProtection != types.DeletionProtectionTypeActive {
		t.Errorf("client %+v", in)
	}
}

// toCognito makes moto take a request without a signature for one to Cognito.
type toCognito struct{}

func (toCognito) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", strings.ReplaceAll(credential, "cloudformation", "cognito-idp"))
	return http.DefaultTransport.RoundTrip(r)
}

// asInput reads the properties of a resource as the input of the call that makes it: their names are the same.
func asInput(t *testing.T, properties map[string]any, into any) {
	t.Helper()
	p := maps.Clone(properties)
	delete(p, "UserPoolId")
	b, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
