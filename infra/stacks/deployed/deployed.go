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
}

// Route is one of the HTTP API's.
type Route struct {
	Method, Path string
	Public       bool   // no token is asked for
	Handler      string // of the function that it leads to
}

// Source is what invokes a function besides routes: a stream or a queue by its ARN, or a schedule by its expression.
type Source struct {
	ARN      string
	Schedule string
	Handler  string
}

// Deployment is all functions of the stacks, by handler, and what leads to them.
type Deployment struct {
	Functions map[string]Function
	Routes    []Route
	Sources   []Source
}

// Read reads template.yaml in the folder and what it nests. Its error is all that is wrong.
func Read(folder string, values Values) (*Deployment, error) {
	root, err := ReadTemplate(filepath.Join(folder, "template.yaml"))
	if err != nil {
		return nil, err
	}
	all := &Deployment{Functions: map[string]Function{}}
	var wrong []error
	for _, r := range root.Resources {
		if r.Type != "AWS::CloudFormation::Stack" {
			continue
		}
		d, err := ReadTemplate(filepath.Join(folder, Text(r.Properties["TemplateURL"])))
		if err != nil {
			return nil, err
		}
		s := &stack{&d, values.nested(&root, &d, Members(r.Properties["Parameters"])), all}
		wrong = append(wrong, s.read())
	}
	slices.SortFunc(all.Routes, func(a, b Route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	slices.SortFunc(all.Sources, func(a, b Source) int { return strings.Compare(a.Handler, b.Handler) })
	return all, errors.Join(wrong...)
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
	to := Route{Method: method, Path: path, Public: r.Properties["AuthorizationType"] == "NONE", Handler: Text(s.Resources[function].Properties["Handler"])}
	if !ok || !found || s.Resources[function].Type != "AWS::Serverless::Function" {
		return to, fmt.Errorf("deployed: %s %s leads nowhere", s.File, name)
	}
	return to, nil
}
