package deployed

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/steward-crm/steward/infra/stacks/iam"
)

// Function is one of Lambda's, as the stacks make it.
type Function struct {
	Name        string // in its stack
	Handler     string
	Binary      string // folder below dist
	Timeout     time.Duration
	Environment map[string]string
	Role        []iam.Statement

	keys map[string][]iam.Statement // what the policies of keys let the account's roles do, by ARN
}

// Allows reports whether the function may make the call: by its role, and where it is about a key, by the key's policy, too.
func (f *Function) Allows(c iam.Call) bool {
	return iam.Allows(f.Role, c) && (!strings.HasPrefix(c.Action, "kms:") || iam.Allows(f.keys[c.Resource], c))
}

// Route is one of the HTTP API's.
type Route struct {
	Method, Path string
	Authorizer   string // that judges the token; "" when none is asked for
	Handler      string // of the function that it leads to
}

// Authorizer judges tokens before a function is invoked: an issuer's, for one of the audience.
type Authorizer struct {
	Issuer   string
	Audience []string
}

// Source is what invokes a function besides routes: a stream or a queue by its ARN, or a schedule by its expression.
type Source struct {
	ARN      string
	Schedule string
	Handler  string
}

// Deployment is all functions of the stacks, by handler, and what leads to them.
type Deployment struct {
	Functions   map[string]Function
	Routes      []Route
	Authorizers map[string]Authorizer // by what values call them
	Sources     []Source
}

// Read reads template.yaml in the folder and what it nests. Its error is all that is wrong.
func Read(folder string, values Values) (*Deployment, error) {
	root, err := ReadTemplate(filepath.Join(folder, "template.yaml"))
	if err != nil {
		return nil, err
	}
	all := &Deployment{Functions: map[string]Function{}, Authorizers: map[string]Authorizer{}}
	var wrong []error
	keys := map[string][]iam.Statement{}
	for name, r := range root.Resources {
		if r.Type == "AWS::ApiGatewayV2::Authorizer" {
			wrong = append(wrong, all.authorizer(name, &root, &r, values))
		}
		if r.Type != "AWS::CloudFormation::Stack" {
			continue
		}
		d, err := ReadTemplate(filepath.Join(folder, Text(r.Properties["TemplateURL"])))
		if err != nil {
			return nil, err
		}
		s := &stack{&d, values.nested(&root, &d, Members(r.Properties["Parameters"])), all}
		wrong = append(wrong, s.read(), s.policies(name, values, keys))
	}
	for handler, f := range all.Functions {
		f.keys = keys
		all.Functions[handler] = f
	}
	slices.SortFunc(all.Routes, func(a, b Route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	slices.SortFunc(all.Sources, func(a, b Source) int { return strings.Compare(a.Handler, b.Handler) })
	for _, r := range all.Routes {
		if _, known := all.Authorizers[r.Authorizer]; r.Authorizer != "" && !known {
			wrong = append(wrong, fmt.Errorf("deployed: %s %s has no authorizer %s", r.Method, r.Path, r.Authorizer))
		}
	}
	return all, errors.Join(wrong...)
}

// authorizer reads one of the root's, which knows tokens in the header Authorization only.
func (d *Deployment) authorizer(name string, root *Document, r *Resource, values Values) error {
	known, err := values.root(root)(name)
	jwt := Members(r.Properties["JwtConfiguration"])
	issuer, err2 := fill(jwt["Issuer"], values.root(root), values.condition(root))
	a := Authorizer{Issuer: issuer}
	wrong := []error{err, err2}
	for _, v := range List(jwt["Audience"]) {
		of, err := fill(v, values.root(root), values.condition(root))
		wrong, a.Audience = append(wrong, err), append(a.Audience, of)
	}
	if from := List(r.Properties["IdentitySource"]); len(from) != 1 || from[0] != "$request.header.Authorization" || r.Properties["AuthorizerType"] != "JWT" {
		wrong = append(wrong, fmt.Errorf("deployed: %s %s takes no token from the header Authorization", root.File, name))
	}
	d.Authorizers[known] = a
	return errors.Join(wrong...)
}

// stack is a nested one while it is read.
type stack struct {
	*Document
	look scope
	into *Deployment
}

// fill fills in a value of the stack; nested stacks have no conditions.
func (s *stack) fill(v any) (string, error) {
	return fill(v, s.look, func(name string) (bool, error) {
		return false, fmt.Errorf("deployed: %s has no condition %s", s.File, name)
	})
}

func (s *stack) read() error {
	var wrong []error
	for name, r := range s.Resources {
		switch r.Type {
		case "AWS::Serverless::Function":
			f, err := s.function(name, &r)
			wrong = append(wrong, err)
			if s.into.Functions[f.Handler].Name != "" {
				wrong = append(wrong, fmt.Errorf("deployed: two functions of %s", f.Handler))
			}
			s.into.Functions[f.Handler] = f
		case "AWS::ApiGatewayV2::Route":
			route, err := s.route(name, &r)
			wrong = append(wrong, err)
			s.into.Routes = append(s.into.Routes, route)
		case "AWS::Lambda::EventSourceMapping":
			arn, err := s.fill(r.Properties["EventSourceArn"])
			wrong = append(wrong, err)
			s.into.Sources = append(s.into.Sources, Source{ARN: arn, Handler: s.handler(r.Properties["FunctionName"])})
		case "AWS::Scheduler::Schedule":
			to := Members(r.Properties["Target"])["Arn"]
			s.into.Sources = append(s.into.Sources, Source{Schedule: Text(r.Properties["ScheduleExpression"]), Handler: s.handler(to)})
		}
	}
	return errors.Join(wrong...)
}

// policies reads those of the keys whose ARNs the stack hands out and the values name, as far as they speak of the account's own roles.
func (s *stack) policies(name string, values Values, into map[string][]iam.Statement) error {
	var wrong []error
	for output, v := range s.Outputs {
		arn, named := values[name+".Outputs."+output]
		from, _ := Members(Members(v)["Value"])["Fn::GetAtt"].(string)
		key, attribute, _ := strings.Cut(from, ".")
		r := s.Resources[key]
		if !named || attribute != "Arn" || r.Type != "AWS::KMS::Key" {
			continue
		}
		for _, body := range List(Members(r.Properties["KeyPolicy"])["Statement"]) {
			whose, err := s.fill(Members(Members(body)["Principal"])["AWS"])
			if err == nil && (whose == "*" || strings.HasSuffix(whose, ":root")) {
				st, err := s.statement(Members(body))
				wrong, into[arn] = append(wrong, err), append(into[arn], st)
			}
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// handler is that of the function which the value names.
func (s *stack) handler(v any) string {
	name, _, _ := strings.Cut(strings.Trim(Text(v), "${}"), ".")
	return Text(s.Resources[name].Properties["Handler"])
}

func (s *stack) function(name string, r *Resource) (Function, error) {
	of := func(property string) any {
		if v, ok := r.Properties[property]; ok {
			return v
		}
		return Members(s.Globals["Function"])[property]
	}
	seconds, _ := of("Timeout").(int)
	f := Function{
		Name: name, Handler: Text(of("Handler")), Binary: filepath.Base(Text(of("CodeUri"))), Timeout: time.Duration(seconds) * time.Second,
		Environment: map[string]string{},
	}
	var wrong []error
	for _, environment := range []any{Members(s.Globals["Function"])["Environment"], r.Properties["Environment"]} { // SAM adds the function's to all functions'
		for variable, v := range Members(Members(environment)["Variables"]) {
			filled, err := s.fill(v)
			wrong = append(wrong, err)
			f.Environment[variable] = filled
		}
	}
	role, _, _ := strings.Cut(strings.Trim(Text(of("Role")), "${}"), ".")
	for _, p := range List(s.Resources[role].Properties["Policies"]) {
		for _, body := range List(Members(Members(p)["PolicyDocument"])["Statement"]) {
			st, err := s.statement(Members(body))
			wrong = append(wrong, err)
			f.Role = append(f.Role, st)
		}
	}
	if seconds == 0 || f.Handler == "" || len(f.Role) == 0 {
		wrong = append(wrong, fmt.Errorf("deployed: %s %s has no timeout, no handler or no role", s.File, name))
	}
	return f, errors.Join(wrong...)
}

func (s *stack) statement(body map[string]any) (iam.Statement, error) {
	var wrong []error
	all := func(v any) (out []string) {
		for _, x := range List(v) {
			filled, err := s.fill(x)
			wrong = append(wrong, err)
			out = append(out, filled)
		}
		return out
	}
	st := iam.Statement{
		Effect: Text(body["Effect"]), Actions: all(body["Action"]), Resources: all(body["Resource"]), NotResources: all(body["NotResource"]),
		Conditions: map[string]map[string][]string{},
	}
	for operator, keys := range Members(body["Condition"]) {
		st.Conditions[operator] = map[string][]string{}
		for k, v := range Members(keys) {
			st.Conditions[operator][k] = all(v)
		}
	}
	return st, errors.Join(wrong...)
}

func (s *stack) route(name string, r *Resource) (Route, error) {
	method, path, ok := strings.Cut(Text(r.Properties["RouteKey"]), " ")
	integration := strings.Trim(strings.TrimPrefix(Text(r.Properties["Target"]), "integrations/"), "${}")
	uri := Text(s.Resources[integration].Properties["IntegrationUri"])
	_, function, found := strings.Cut(uri, "functions/${")
	function, _, _ = strings.Cut(function, ".")
	to := Route{Method: method, Path: path, Handler: Text(s.Resources[function].Properties["Handler"])}
	if r.Properties["AuthorizationType"] != "NONE" {
		judge, err := s.fill(r.Properties["AuthorizerId"])
		if to.Authorizer = judge; err != nil || judge == "" || r.Properties["AuthorizationType"] != "JWT" {
			return to, errors.Join(err, fmt.Errorf("deployed: %s %s names no JWT authorizer, and is not public", s.File, name))
		}
	}
	if !ok || !found || s.Resources[function].Type != "AWS::Serverless::Function" {
		return to, fmt.Errorf("deployed: %s %s leads nowhere", s.File, name)
	}
	return to, nil
}
