package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/infra/stacks/deployed"
)

// values are what the stacks refer to, as they are here.
func (d *deployment) values() deployed.Values {
	v := deployed.StandIns(place)
	maps.Copy(v, deployed.Values{
		"MailFrom": sender, "Api.ApiEndpoint": "http://" + d.api,
		"Data.Outputs.Table": dataTable, "Data.Outputs.KeysTable": keysTable, "Data.Outputs.StreamArn": d.stream,
		"Keys.Outputs.Data": d.keyData, "Keys.Outputs.Audit": d.keyAudit,
		"Identity.Outputs.Pool": d.pool, "Identity.Outputs.Client": d.client, "Identity.Outputs.ClientSecret": d.clientSecret,
		"Identity.Outputs.Issuer": d.issuer(), "Identity.Outputs.WebhookSecret": d.webhookSecret,
		"Messaging.Outputs.JobsQueue": d.queues[jobsQueue], "Messaging.Outputs.JobsQueueArn": jobsQueue, "Messaging.Outputs.BouncesQueueArn": bouncesQueue,
		"Messaging.Outputs.MessagesQueue": d.queues[messagesQueue], "Messaging.Outputs.MessagesQueueArn": messagesQueue,
		"Messaging.Outputs.MailDomain": strings.SplitAfter(sender, "@")[1], "Messaging.Outputs.MailSet": mailSet,
	})
	return v
}

// issuer is the pool as its tokens name it.
func (d *deployment) issuer() string {
	return "https://cognito-idp." + region + ".amazonaws.com/" + d.pool
}

// environ is what the function gets: what its stack says, and what Lambda adds. Its access key is its handler's name, by which the front knows
// whose role to judge.
func (d *deployment) environ(f *deployed.Function) []string {
	return append(d.added(f.Handler), d.variables(f)...)
}

// added is what Lambda adds.
func (d *deployment) added(accessKey string) []string {
	return []string{
		"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=test",
		"AWS_ENDPOINT_URL=http://" + d.endpoint, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
	}
}

// variables are those of the stack, with the secrets in the place of CloudFormation's references to them.
func (d *deployment) variables(f *deployed.Function) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(f.Environment)) {
		v := f.Environment[name]
		for arn, secret := range d.secrets {
			v = strings.ReplaceAll(v, "{{resolve:secretsmanager:"+arn+"}}", secret)
		}
		all = append(all, name+"="+v)
	}
	return all
}

// writeEnviron writes the functions' environment as sam local takes it, with AWS at the address. The file appears whole.
func writeEnviron(name string, d *deployment, functions map[string]deployed.Function, aws string) error {
	near := *d
	near.endpoint = aws
	vars := map[string]string{}
	add := func(all []string) {
		for _, e := range all {
			k, v, _ := strings.Cut(e, "=")
			vars[k] = strings.ReplaceAll(v, d.endpoint, aws)
		}
	}
	add(near.added("test"))
	for _, f := range functions {
		add(near.variables(&f))
	}
	b, err := json.Marshal(map[string]any{"Parameters": vars}, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return fmt.Errorf("the functions' environment: %w", err)
	}
	return os.Rename(name+".new", name)
}
