package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/stacks/rights"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
)

// domains are the stacks of the API, each of the resources that are deployed together. A stack may have 60 operations at most.
var domains = []struct {
	name      string
	resources []string
}{
	{"customers", []string{"accounts", "categories"}},
	{"people", []string{"org", "users", "roles", "permissions"}},
	{"signin", []string{"auth", "me"}},
	{"system", []string{"audit", "docs", "health", "jobs", "onboarding", "webhooks"}},
}

// stack is one stack of the API.
type stack struct {
	Domain     string
	Operations []operation
}

// operation is one route with what its function needs.
type operation struct {
	edge.Route
	rights.Rights
	Env []string
}

// stacks puts every route into the stack of its domain. Routes hold their parts but use none before they are called, so an empty platform
// will do.
func stacks() ([]stack, error) {
	all := make([]stack, len(domains))
	for i, d := range domains {
		all[i].Domain = d.name
	}
	var wrong []error
	for _, r := range functions.All(&platform.Platform{}) {
		resource := rights.Resource(r.Operation)
		x, known := rights.Of(&r)
		i := slices.IndexFunc(domains, func(d struct {
			name      string
			resources []string
		},
		) bool {
			return slices.Contains(d.resources, resource)
		})
		if !known || i < 0 {
			wrong = append(wrong, fmt.Errorf("%s: no row of package rights, or no domain, is of %s", r.Operation, resource))
			continue
		}
		all[i].Operations = append(all[i].Operations, operation{r, x, rights.Variables(resource)})
	}
	return all, errors.Join(wrong...)
}

// Name is the operation's name in the stack.
func (o operation) Name() string {
	noun, verb, _ := strings.Cut(o.Operation, ".")
	return strings.ToUpper(noun[:1]) + noun[1:] + strings.ToUpper(verb[:1]) + verb[1:]
}

// Resource is the folder of its binary.
func (o operation) Resource() string { return rights.Resource(o.Operation) }

// Public reports whether API Gateway asks for no token.
func (o operation) Public() bool { return o.Access.String() == "public" }

//go:embed api.yaml.tmpl
var form string

var functionsOfForms = template.FuncMap{"statements": statements, "value": value}

var forms = template.Must(template.New("api").Funcs(functionsOfForms).Parse(form))

func (s *stack) render() ([]byte, error) {
	var b bytes.Buffer
	if err := forms.Execute(&b, s); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// values are where the variables of the environment come from.
var values = map[string]string{
	"STEWARD_TABLE":          "!Ref Table",
	"STEWARD_KEYS_TABLE":     "!Ref KeysTable",
	"STEWARD_KEY_DATA":       "!Ref KeyData",
	"STEWARD_KEY_AUDIT":      "!Ref KeyAudit",
	"STEWARD_POOL":           "!Ref Pool",
	"STEWARD_CLIENT":         "!Ref Client",
	"STEWARD_CLIENT_SECRET":  `!Sub "{{resolve:secretsmanager:${ClientSecret}}}"`,
	"STEWARD_WEBHOOK_SECRET": "!Ref WebhookSecret",
	"STEWARD_JOBS_QUEUE":     "!Ref JobsQueue",
	"STEWARD_MESSAGES_QUEUE": "!Ref MessagesQueue",
	"STEWARD_STREAM":         "!Ref StreamArn",
	"STEWARD_MAIL_FROM":      "!Ref MailFrom",
	"STEWARD_MAIL_SET":       "!Ref MailSet",
	"STEWARD_SMS_SENDER":     "!Ref SmsSender",
	"STEWARD_BASE_URL":       "!Ref BaseUrl",
}

func value(variable string) (string, error) {
	v, ok := values[variable]
	if !ok {
		return "", fmt.Errorf("nothing says where %s comes from", variable)
	}
	return v, nil
}

// Parameters are those that something in the stack refers to.
func (s *stack) Parameters() (used []string) {
	var all strings.Builder
	for _, o := range s.Operations {
		for _, v := range o.Env {
			all.WriteString(values[v] + "\n")
		}
		all.WriteString(statements(o.Rights))
	}
	text := all.String()
	for _, p := range []string{"Table", "KeysTable", "KeyData", "KeyAudit", "Pool", "Client", "ClientSecret", "WebhookSecret"} {
		if strings.Contains(text, "!Ref "+p+"\n") || strings.Contains(text, "${"+p+"}") {
			used = append(used, p)
		}
	}
	return used
}

// Guarded reports whether an operation of the stack asks for a token.
func (s *stack) Guarded() bool {
	return slices.ContainsFunc(s.Operations, func(o operation) bool { return !o.Public() })
}
