package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/generated"
	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/infra/stacks/rights"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// TestGenerated holds the stacks against the source.
func TestGenerated(t *testing.T) {
	if err := generated.Run("../..", true, files, ours); err != nil {
		t.Error(err)
	}
}

// TestEveryRouteIsDeployed: the routes of the templates are the routes of the API, each to the function of its operation and binary, behind the
// authorizer unless it is public.
func TestEveryRouteIsDeployed(t *testing.T) {
	want := map[string]edge.Route{}
	home := map[string]string{}
	for resource, routes := range functions.ByResource(&platform.Platform{}) {
		for _, r := range routes {
			want[r.Method+" "+r.Path] = r
			home[r.Operation] = resource
		}
	}
	for _, d := range templates(t) {
		for name, r := range d.Resources {
			if r.Type != "AWS::ApiGatewayV2::Route" {
				continue
			}
			key, _ := r.Properties["RouteKey"].(string)
			route, ok := want[key]
			if !ok {
				t.Errorf("%s %s: %s is no route", d.File, name, key)
				continue
			}
			delete(want, key)
			integration := strings.TrimSuffix(strings.TrimPrefix(deployed.Text(r.Properties["Target"]), "integrations/${"), "}")
			function := strings.TrimSuffix(integration, "Integration")
			uri := deployed.Text(d.Resources[integration].Properties["IntegrationUri"])
			f := d.Resources[function].Properties
			if !strings.Contains(uri, "${"+function+".Arn}") || f["Handler"] != route.Operation || f["CodeUri"] != "../dist/"+home[route.Operation]+"/" {
				t.Errorf("%s goes to %s of %s", key, f["Handler"], f["CodeUri"])
			}
			public := route.Access.String() == "public"
			if (r.Properties["AuthorizationType"] == "JWT") == public || (r.Properties["AuthorizerId"] != nil) == public {
				t.Errorf("%s is %v", key, r.Properties["AuthorizationType"])
			}
			p := d.Resources[function+"Permission"].Properties
			if deployed.Text(p["FunctionName"]) != "${"+function+"}" || !strings.HasSuffix(deployed.Text(p["SourceArn"]), ":${ApiId}/*") {
				t.Errorf("%s: %v", key, p)
			}
		}
	}
	for key := range want {
		t.Errorf("%s is in no stack", key)
	}
}

// TestLimits: CloudFormation's are 500 resources a stack and 200 outputs; ours leave room.
func TestLimits(t *testing.T) {
	for _, d := range templates(t) {
		operations := 0
		for _, r := range d.Resources {
			if r.Type == "AWS::Serverless::Function" {
				operations++
			}
		}
		if operations > 60 || len(d.Resources) > 400 {
			t.Errorf("%s: %d operations, %d resources", d.File, operations, len(d.Resources))
		}
	}
}

// keepers are the kinds of resources that hold what cannot be made again.
var keepers = []string{
	"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::KMS::Key", "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient", "AWS::S3::Bucket", "AWS::Backup::BackupVault",
	"AWS::SecretsManager::Secret", "AWS::SQS::Queue", "AWS::Logs::LogGroup",
}

// TestNothingIsLost: no deletion and no replacement takes data away.
func TestNothingIsLost(t *testing.T) {
	for _, d := range templates(t) {
		for name, r := range d.Resources {
			holds := slices.Contains(keepers, r.Type)
			if r.Type == "AWS::CloudFormation::Stack" {
				holds = slices.Contains([]string{"Keys", "Data", "Identity", "Backup"}, name)
			}
			if holds && (r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain") {
				t.Errorf("%s %s is not retained", d.File, name)
			}
		}
	}
}

var fixedARN = regexp.MustCompile(`arn:aws|\.amazonaws\.com[^.]|[a-z0-9-]+\.amazonaws\.com$`)

// TestEveryPartition: the stacks stand in China as well. Principals of services keep their name everywhere.
func TestEveryPartition(t *testing.T) {
	for _, d := range templates(t) {
		for name, r := range d.Resources {
			deployed.Walk(r.Properties, "", func(path, v string) {
				if fixedARN.MatchString(v) && !strings.HasSuffix(path, "Principal.Service") && !strings.HasSuffix(path, ".Principal") {
					t.Errorf("%s %s%s: %s stands in one partition only", d.File, name, path, v)
				}
			})
		}
	}
}

// named are properties that give a resource a name of its own. The stack's name in them is no name by hand.
var named = []string{"TableName", "QueueName", "TopicName", "BucketName", "RoleName", "FunctionName", "UserPoolName", "ClientName", "AlarmName", "LogGroupName", "BackupVaultName", "RestoreTestingPlanName"}

// TestNothingIsNamed: two deployments stand in one account.
func TestNothingIsNamed(t *testing.T) {
	for _, d := range templates(t) {
		for name, r := range d.Resources {
			for _, n := range named {
				if s, fixed := r.Properties[n].(string); fixed {
					t.Errorf("%s %s is called %s", d.File, name, s)
				}
			}
		}
	}
}

// TestTables holds the tables against what the adapter needs.
func TestTables(t *testing.T) {
	d := readTemplate(t, "../data.yaml")
	for name, space := range map[string]table.Space{"Main": table.Data, "Wrapped": table.Keys} {
		p, want := d.Resources[name].Properties, dynamo.Define(space, "any")
		if space == table.Keys {
			p = inOneRegion(t, p)
		}
		if got := schema(p["KeySchema"]); got != schemaWanted(want, -1) {
			t.Errorf("%s: key %s", name, got)
		}
		attributes := map[string]bool{}
		for _, a := range deployed.List(p["AttributeDefinitions"]) {
			attributes[deployed.Text(deployed.Members(a)["AttributeName"])+deployed.Text(deployed.Members(a)["AttributeType"])] = true
		}
		for _, a := range want.Create.AttributeDefinitions {
			if !attributes[aws.ToString(a.AttributeName)+string(a.AttributeType)] || len(attributes) != len(want.Create.AttributeDefinitions) {
				t.Errorf("%s: attribute %s", name, aws.ToString(a.AttributeName))
			}
		}
		indexes := deployed.List(p["GlobalSecondaryIndexes"])
		if len(indexes) != len(want.Create.GlobalSecondaryIndexes) {
			t.Fatalf("%s: %d indexes", name, len(indexes))
		}
		for i, x := range want.Create.GlobalSecondaryIndexes {
			m := deployed.Members(indexes[i])
			if m["IndexName"] != aws.ToString(x.IndexName) || schema(m["KeySchema"]) != schemaWanted(want, i) ||
				deployed.Members(m["Projection"])["ProjectionType"] != string(x.Projection.ProjectionType) {
				t.Errorf("%s: index %v", name, m)
			}
		}
		stream := deployed.Text(deployed.Members(p["StreamSpecification"])["StreamViewType"])
		if s := want.Create.StreamSpecification; s != nil && stream != string(s.StreamViewType) {
			t.Errorf("%s: stream %s", name, stream)
		}
		ttl := deployed.Members(p["TimeToLiveSpecification"])
		days := map[table.Space]int{table.Data: 35, table.Keys: 1}[space]
		if ttl["AttributeName"] != want.TTL || ttl["Enabled"] != true || p["BillingMode"] != string(want.Create.BillingMode) ||
			p["DeletionProtectionEnabled"] != true || p["OnDemandThroughput"] == nil || p["SSESpecification"] == nil ||
			deployed.Members(p["PointInTimeRecoverySpecification"])["RecoveryPeriodInDays"] != days {
			t.Errorf("%s: %v", name, p)
		}
	}
	backup := readTemplate(t, "../backup.yaml")
	if got := deployed.Words(deployed.Members(backup.Resources["Selection"].Properties["BackupSelection"])["Resources"]); !slices.Equal(got, []string{"${TableArn}"}) {
		t.Errorf("backed up: %v; wrapped keys must be in no backup", got)
	}
	root := readTemplate(t, "../../template.yaml")
	if got := deployed.Text(deployed.Members(root.Resources["Backup"].Properties["Parameters"])["TableArn"]); got != "${Data.Outputs.TableArn}" {
		t.Errorf("the backed up table is %s", got)
	}
}

// inOneRegion is the keys table as a table of the first region, when every replica is protected as that one is and forgets as soon; a table of several
// regions has its stream, which replication reads.
func inOneRegion(t *testing.T, global map[string]any) map[string]any {
	t.Helper()
	replicas := deployed.List(global["Replicas"])
	second := deployed.List(deployed.Members(replicas[1])["Fn::If"])
	if len(replicas) != 2 || len(second) != 3 || second[0] != "Replicated" || deployed.Text(second[2]) != "${AWS::NoValue}" || global["StreamSpecification"] == nil {
		t.Fatalf("the replica of the keys table: %v", replicas)
	}
	p := maps.Clone(global)
	for i, r := range []map[string]any{deployed.Members(replicas[0]), deployed.Members(second[1])} {
		if deployed.Text(r["Region"]) != []string{"${AWS::Region}", "${KeysReplicaRegion}"}[i] || deployed.Members(r["SSESpecification"])["KMSMasterKeyId"] == nil || r["Tags"] == nil ||
			r["DeletionProtectionEnabled"] != true || deployed.Members(r["PointInTimeRecoverySpecification"])["RecoveryPeriodInDays"] != 1 || r["ReadOnDemandThroughputSettings"] == nil {
			t.Errorf("replica %d of the keys table: %v", i, r)
		}
		maps.Copy(p, r)
	}
	p["OnDemandThroughput"] = p["WriteOnDemandThroughputSettings"]
	return p
}

func schema(v any) (s string) {
	for _, k := range deployed.List(v) {
		s += deployed.Text(deployed.Members(k)["AttributeName"]) + ":" + deployed.Text(deployed.Members(k)["KeyType"]) + " "
	}
	return s
}

func schemaWanted(d dynamo.Definition, index int) (s string) {
	keys := d.Create.KeySchema
	if index >= 0 {
		keys = d.Create.GlobalSecondaryIndexes[index].KeySchema
	}
	for _, k := range keys {
		s += aws.ToString(k.AttributeName) + ":" + string(k.KeyType) + " "
	}
	return s
}

// TestRowsOfRights holds the table of rights against the routes: every operation has a row, at its binary's home, and no exception is of an
// operation that does not exist.
func TestRowsOfRights(t *testing.T) {
	known := map[string]bool{}
	for resource, routes := range functions.ByResource(&platform.Platform{}) {
		for _, r := range routes {
			known[r.Operation] = true
			if got := rights.Resource(r.Operation); got != resource {
				t.Errorf("%s is of %s, not of %s", r.Operation, resource, got)
			}
			if _, ok := rights.Of(&r); !ok {
				t.Errorf("%s has no row", r.Operation)
			}
		}
	}
	for _, o := range rights.Exceptions() {
		if !known[o] {
			t.Errorf("%s is no operation", o)
		}
	}
	for _, w := range workers() {
		if len(w.Rights.Read) == 0 || len(w.Env) == 0 {
			t.Errorf("%s has no row", w.Handler)
		}
	}
}
