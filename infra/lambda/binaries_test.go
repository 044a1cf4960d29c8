package lambda_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/shared/platform"
)

const module = "github.com/steward-crm/steward/"

// linked are the clients of AWS that each binary may link: what its main names, and nothing that comes along.
var linked = map[string][]string{
	"health":      nil,
	"docs":        nil,
	"accounts":    {"dynamodb", "kms"},
	"audit":       {"dynamodb", "kms"},
	"auth":        {"dynamodb", "kms", "cognitoidentityprovider"},
	"categories":  {"dynamodb", "kms"},
	"counters":    {"dynamodb", "dynamodbstreams"},
	"due":         {"dynamodb", "sqs"},
	"jobs":        {"dynamodb", "kms"},
	"me":          {"dynamodb", "kms", "cognitoidentityprovider"},
	"messages":    {"dynamodb", "kms", "sesv2", "sns"},
	"notify":      {"dynamodb", "kms"},
	"onboarding":  {"dynamodb", "kms"},
	"org":         {"dynamodb", "kms"},
	"permissions": {"dynamodb", "kms"},
	"roles":       {"dynamodb", "kms"},
	"schedule":    {"dynamodb", "kms", "cognitoidentityprovider"},
	"stream":      {"dynamodb", "kms", "sqs"},
	"users":       {"dynamodb", "kms"},
	"webhooks":    {"dynamodb", "kms", "secretsmanager"},
	"work":        {"dynamodb", "kms", "cognitoidentityprovider"},
}

// TestLinked holds each binary to its clients, and every one to none of what Lambda functions pay for at each start.
func TestLinked(t *testing.T) {
	mains, err := filepath.Glob("../../functions/*/lambda")
	if err != nil || len(mains) != len(linked) {
		t.Fatalf("%d mains, %d in the list: %v", len(mains), len(linked), err)
	}
	for _, m := range mains {
		name := filepath.Base(filepath.Dir(m))
		allowed, known := linked[name]
		if !known {
			t.Errorf("functions/%s/lambda is in no list", name)
			continue
		}
		c := exec.Command("go", "list", "-deps", "-tags", "lambda.norpc,nethttpomithttp2", "./functions/"+name+"/lambda")
		c.Dir = "../.."
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for pkg := range strings.FieldsSeq(string(out)) {
			if service, ok := strings.CutPrefix(pkg, "github.com/aws/aws-sdk-go-v2/service/"); ok && !strings.Contains(service, "/") {
				got = append(got, service)
			}
			for _, never := range []string{
				"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/feature", "github.com/aws/aws-lambda-go/events", "net/rpc", "go.etcd.io/bbolt",
				"github.com/nyaruka/phonenumbers", "google.golang.org/protobuf", "github.com/ccojocar/zxcvbn-go", // tables stand for them: decisions 0018, 0022
				"golang.org/x/text/collate", "golang.org/x/text/internal/colltab", "golang.org/x/text/cases", "golang.org/x/text/width", // and 0024
			} {
				if pkg == never || strings.HasPrefix(pkg, never+"/") {
					t.Errorf("%s links %s", name, pkg)
				}
			}
			if pkg == module+"functions" || pkg == "html/template" || strings.HasPrefix(pkg, "github.com/swaggest/") && (name != "docs" || pkg != "github.com/swaggest/swgui/v5/static") {
				t.Errorf("%s links %s, which only making the description of the API needs", name, pkg)
			}
			if strings.HasPrefix(pkg, module+"shared/") && strings.HasSuffix(pkg, "/local") {
				t.Errorf("%s links %s", name, pkg)
			}
		}
		slices.Sort(allowed)
		if slices.Sort(got); !slices.Equal(got, allowed) {
			t.Errorf("%s links the clients %v; it may link %v", name, got, allowed)
		}
	}
}

// TestOneBinaryForEachRoute: an operation is served by the binary of the package that declares it, and by no other.
func TestOneBinaryForEachRoute(t *testing.T) {
	served := map[string][]string{}
	for name := range linked {
		for _, operation := range operationsOf(t, name) {
			served[operation] = append(served[operation], name)
		}
	}
	of := map[string]string{}
	for resource, routes := range functions.ByResource(&platform.Platform{}) {
		for _, r := range routes {
			of[r.Operation] = resource
		}
	}
	for _, r := range functions.All(&platform.Platform{}) {
		if by := served[r.Operation]; len(by) != 1 || by[0] != of[r.Operation] {
			t.Errorf("%s is served by %v", r.Operation, served[r.Operation])
		}
		delete(served, r.Operation)
	}
	for _, event := range []string{"stream.changes", "jobs.run", "jobs.due", "messages.send", "schedule.reconcile", "notify.bounces", "counters.advance"} {
		if len(served[event]) != 1 {
			t.Errorf("%s is served by %v", event, served[event])
		}
		delete(served, event)
	}
	for name, by := range served {
		t.Errorf("%s of %v is no operation", name, by)
	}
}

// operationsOf asks the very main: without _HANDLER it says what it serves.
func operationsOf(t *testing.T, name string) []string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	c := exec.Command("go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-o", bin, "./functions/"+name+"/lambda")
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c = exec.Command(bin)
	c.Env = []string{}
	out, err := c.CombinedOutput()
	_, list, ok := strings.Cut(strings.TrimSpace(string(out)), "this binary serves ")
	if err == nil || !ok {
		t.Fatalf("%s without _HANDLER: %v\n%s", name, err, out)
	}
	return strings.Split(list, ", ")
}
