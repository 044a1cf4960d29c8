package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/stacks/deployed"
)

// subject is a binary that is measured, as one function of those that it serves.
type subject struct {
	name, binary, path string
	environ            []string
	event              []byte
	asks               bool // its invocation asks AWS: there is none without I/O to compare
	bare               bool // it is none of Steward's
}

// values are what the stacks refer to. None of it is asked for anything but an answer of this process.
var values = deployed.Values{
	"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012", "AWS::StackName": "steward",
	"Env": "dev", "MailFrom": "desk@example.com", "AlarmEmail": "desk@example.com", "KeyAdministrator": "none",
	"Api": "api", "Api.ApiEndpoint": "https://api.example.com", "Authorizer": "authorizer",
	"Data.Outputs.Table": "data", "Data.Outputs.KeysTable": "keys", "Data.Outputs.TableArn": "table",
	"Data.Outputs.StreamArn": "arn:aws:dynamodb:eu-central-1:123456789012:table/data/stream/2026", "Keys.Outputs.Data": "a", "Keys.Outputs.Audit": "b",
	"Identity.Outputs.Pool": "eu-central-1_x", "Identity.Outputs.Client": "c", "Identity.Outputs.ClientSecret": "s",
	"Identity.Outputs.Issuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x", "Identity.Outputs.WebhookSecret": "w",
	"Messaging.Outputs.JobsQueue": queueURL, "Messaging.Outputs.JobsQueueArn": "jobs", "Messaging.Outputs.BouncesQueueArn": "bounces",
	"Messaging.Outputs.MessagesQueue": queueURL, "Messaging.Outputs.MessagesQueueArn": "messages",
	"Messaging.Outputs.FailedQueueArn": "failed", "Messaging.Outputs.MailDomain": "example.com", "Messaging.Outputs.MailSet": "set",
	"Observability.Outputs.Alarms": "alarms",
}

// queueURL is that of a queue that is never sent to.
const queueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/jobs"

// subjects are the bare functions, and one function of each binary: one that answers an anonymous client without asking anybody, with 401 or for
// all to see; else one that has nothing to do; else one that asks AWS.
func subjects() ([]subject, error) {
	d, err := deployed.Read(".", values)
	if err != nil {
		return nil, err
	}
	routes, scheduled := map[string]deployed.Route{}, map[string]bool{}
	for _, r := range d.Routes {
		routes[r.Handler] = r
	}
	for _, s := range d.Sources {
		scheduled[s.Handler] = s.Schedule != ""
	}
	quiet := func(handler string) int {
		switch r, ok := routes[handler]; {
		case scheduled[handler]:
			return 3
		case ok && r.Method != "GET":
			return 2
		case ok && strings.Contains(r.Path, "{"):
			return 1
		}
		return 0
	}
	chosen := map[string]deployed.Function{}
	for _, handler := range slices.SortedFunc(maps.Keys(d.Functions), func(a, b string) int { return cmp.Or(cmp.Compare(quiet(a), quiet(b)), cmp.Compare(a, b)) }) {
		if f := d.Functions[handler]; chosen[f.Binary].Handler == "" {
			chosen[f.Binary] = f
		}
	}
	nothing := []byte(`{"Records":[]}`)
	var all []subject
	for _, b := range bare {
		s := subject{name: b.name, binary: b.binary, environ: []string{"STEWARD_TABLE=data"}, event: nothing, bare: true}
		if b.deployed {
			s.environ = append(s.environ, "GOMAXPROCS="+d.Functions["health.get"].Environment["GOMAXPROCS"])
		}
		all = append(all, s)
	}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		f := chosen[name]
		s := subject{name: name, binary: name, environ: []string{"_HANDLER=" + f.Handler}, event: nothing, asks: scheduled[f.Handler]}
		for _, v := range slices.Sorted(maps.Keys(f.Environment)) {
			s.environ = append(s.environ, v+"="+f.Environment[v])
		}
		if r, ok := routes[f.Handler]; ok {
			if s.event, err = request(r.Method, r.Path); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func request(method, path string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"version": "2.0", "rawPath": path, "rawQueryString": "", "isBase64Encoded": false,
		"headers":        map[string]string{"accept": "application/json", "host": "api.example.com", "user-agent": "bench", "accept-language": "en"},
		"requestContext": map[string]any{"requestId": "r", "stage": "$default", "http": map[string]string{"method": method, "sourceIp": "192.0.2.1"}},
	})
}
